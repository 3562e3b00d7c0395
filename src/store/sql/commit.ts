import type { CommitOutcome } from '#store/store'
import { checkCommit } from '#versions/check-commit'
import { changesThatClash, folderRange, foldersAbove } from '#versions/folders'
import type { CatalogCommit } from '#versions/model'
import * as sql from './commit-sql.ts'
import { errorText, failure, isUniqueViolation, wasNotExecuted } from './failures.ts'
import { recording } from './idempotency.ts'

/**
 * One batch, which is one transaction: the ids, then the head, then what the head's lock makes safe to look at, then the
 * changes. The order is what makes it right: a guard before the head has moved could be overtaken.
 */
export async function commitTo(db: D1Database, tenantId: string, commit: CatalogCommit): Promise<CommitOutcome> {
  checkCommit(commit)
  try {
    const results = await db.batch<{ seq: number }>(statementsOf(db, tenantId, commit))
    const seq = results.at(-1)?.results[0]?.seq
    return seq === undefined ? { outcome: 'unknown', cause: results } : { outcome: 'committed', seq }
  } catch (error) {
    if (isUniqueViolation(error) && /(commit_id|idempotency)\./.test(errorText(error)))
      return whatWasDecided(db, tenantId, commit)
    return outcomeOf(error)
  }
}

/** Makes the id void unless it is decided already, and says which: in one transaction. */
export async function settle(
  db: D1Database,
  tenantId: string,
  commitId: string,
): Promise<{ landed: true; seq: number } | { landed: false }> {
  const [, found] = await db
    .batch<{ outcome: string; seq: number | null }>([
      db.prepare(sql.INSERT_VOID).bind(tenantId, commitId),
      db.prepare(sql.SELECT_DECIDED).bind(tenantId, commitId),
    ])
    .catch(failure)
  const row = found?.results[0]
  return row?.outcome === 'committed' && row.seq !== null ? { landed: true, seq: row.seq } : { landed: false }
}

function statementsOf(db: D1Database, tenantId: string, commit: CatalogCommit): D1PreparedStatement[] {
  const { branchId, at, members, changes, checks, purges } = commit
  const rev = members[0]?.id ?? ''
  const keys = changes.map(({ key, expect }) => [key.class, key.namespace, key.name, expect])
  const claims = claimsOf(commit)
  const run = (text: string, ...params: readonly (string | number | null)[]): D1PreparedStatement =>
    db.prepare(text).bind(tenantId, ...params)
  const ids = JSON.stringify(members.map(({ id }) => id))
  return [
    run(sql.INSERT_IDS, ids),
    ...recording(
      db,
      tenantId,
      at,
      members.flatMap(({ idempotency }) => idempotency ?? []),
    ),
    run(sql.INSERT_AUDIT, JSON.stringify(members.map((one) => [one.id, one.idempotency?.key ?? null, one.audit])), at),
    run(sql.MOVE_HEAD, branchId),
    run(sql.GUARD_HEAD, branchId, commit.expectHead ?? null),
    run(sql.GUARD_EXPECT, branchId, JSON.stringify(keys)),
    ...(checks.length > 0 ? [run(sql.GUARD_CHECKS, branchId, JSON.stringify(checks))] : []),
    ...(claims.length > 0 ? [run(sql.GUARD_FOLDERS, branchId, JSON.stringify(keys), JSON.stringify(claims))] : []),
    run(sql.CLOSE_ROWS, branchId, JSON.stringify(keys)),
    run(sql.INSERT_ROWS, branchId, JSON.stringify(changes), rev),
    ...(claims.length > 0 ? [run(sql.INSERT_FOLDERS, JSON.stringify(claims))] : []),
    run(sql.INSERT_LOG, branchId, at, ids, JSON.stringify(members.map(({ log }) => log)), JSON.stringify(changes)),
    ...(purges.length > 0
      ? [run(sql.INSERT_PURGES, JSON.stringify(purges), at), run(sql.INSERT_PURGE_FOLDERS, JSON.stringify(purges))]
      : []),
    run(sql.SET_SEQ, branchId, ids),
  ]
}

/** What `GUARD_FOLDERS` unpacks: the index of the change, its object, and each folder with its range and those above. */
function claimsOf({ changes }: CatalogCommit): unknown[] {
  const clashing = changesThatClash(changes)
  return changes.flatMap(({ next, unusedBefore }, index) => {
    if (!next || next.locations.length === 0) return []
    const folders = next.locations.map((location) => {
      const { from, to } = folderRange(location)
      return [from, to, foldersAbove(location), unusedBefore?.includes(location) === true ? 1 : 0]
    })
    return [[index, next.objectId, folders, clashing.has(index) ? 1 : 0]]
  })
}

function outcomeOf(error: unknown): CommitOutcome {
  const [, reason, number] = /guard:([a-z-]+)(?::(\d+))?/.exec(errorText(error)) ?? []
  const index = Number(number)
  switch (reason) {
    case 'branch-closed':
    case 'head-moved':
      return { outcome: reason }
    case 'conflict':
    case 'overlap':
      return { outcome: reason, change: index }
    case 'check-failed':
      return { outcome: reason, check: index }
    default:
      return wasNotExecuted(error) ? { outcome: 'busy' } : { outcome: 'unknown', cause: error }
  }
}

/** The batch broke on an id or a key, so nothing was done: finds out on whose. A key may have been swept away since. */
async function whatWasDecided(db: D1Database, tenantId: string, { members }: CatalogCommit): Promise<CommitOutcome> {
  const ids = JSON.stringify(members.map(({ id }) => id))
  const keys = JSON.stringify(members.map(({ idempotency }) => idempotency?.key ?? null))
  try {
    const [byId, byKey] = await db.batch<{ index: number; key: string }>([
      db.prepare(sql.SELECT_TAKEN_ID).bind(tenantId, ids),
      db.prepare(sql.SELECT_TAKEN_KEY).bind(tenantId, keys),
    ])
    const decided = members[byId?.results[0]?.index ?? -1]
    if (decided) return { outcome: 'decided', id: decided.id }
    const idempotencyKey = byKey?.results[0]?.key
    return idempotencyKey === undefined ? { outcome: 'busy' } : { outcome: 'replayed', idempotencyKey }
  } catch {
    return { outcome: 'busy' }
  }
}
