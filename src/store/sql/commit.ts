import { CatalogError } from '#domain/errors'
import type { CommitOutcome } from '#store/store'
import { checkCommit } from '#versions/check-commit'
import { changesThatClash, folderRange, foldersAbove } from '#versions/folders'
import type { CatalogCommit } from '#versions/model'
import { commitSql } from './commit-sql.ts'
import { failed, type SqlDatabase, type SqlValue, type Statement } from './database.ts'

/**
 * One batch, which is one transaction: the ids, then the head, then what the head's lock makes safe to look at, then the
 * changes. The order is what makes it right: a guard before the head has moved could be overtaken.
 */
export async function commitTo(db: SqlDatabase, tenantId: string, commit: CatalogCommit): Promise<CommitOutcome> {
  checkCommit(commit)
  try {
    const results = await db.write<{ seq: number }>(statementsOf(db, tenantId, commit))
    const seq = results.at(-1)?.rows[0]?.seq
    return seq === undefined ? { outcome: 'unknown', cause: results } : { outcome: 'committed', seq }
  } catch (error) {
    return outcomeOf(db, tenantId, commit, error)
  }
}

/** Makes the id void unless it is decided already, and says which: in one transaction, which waits for a commit on its way. */
export async function settle(
  db: SqlDatabase,
  tenantId: string,
  commitId: string,
): Promise<{ landed: true; seq: number } | { landed: false }> {
  const sql = commitSql(db.dialect)
  const [, found] = await db
    .write<{ outcome: string; seq: number | null }>([
      { sql: sql.insertVoid, params: [tenantId, commitId] },
      { sql: sql.selectDecided, params: [tenantId, commitId] },
    ])
    .catch((error: unknown) => failed(db, error))
  const row = found?.rows[0]
  return row?.outcome === 'committed' && row.seq !== null ? { landed: true, seq: row.seq } : { landed: false }
}

function statementsOf({ dialect }: SqlDatabase, tenantId: string, commit: CatalogCommit): Statement[] {
  const sql = commitSql(dialect)
  const { branchId, at, members, changes, checks, purges } = commit
  const rev = members[0]?.id ?? ''
  const keys = JSON.stringify(changes.map(({ key, expect }) => [key.class, key.namespace, key.name, expect]))
  const claims = claimsOf(commit)
  const run = (text: string, ...params: readonly SqlValue[]): Statement => ({
    sql: text,
    params: [tenantId, ...params],
  })
  const ids = JSON.stringify(members.map(({ id }) => id))
  return [
    run(sql.insertIds, JSON.stringify(members.map(({ id, idempotencyKey }) => [id, idempotencyKey]))),
    run(sql.insertAudit, JSON.stringify(members.map((one) => [one.id, one.idempotencyKey, one.audit])), at),
    run(sql.moveHead, branchId),
    run(sql.guardHead, branchId, commit.expectHead ?? null),
    run(sql.guardExpect, branchId, keys),
    ...(checks.length > 0 ? [run(sql.guardChecks, branchId, JSON.stringify(checks))] : []),
    ...(claims.length > 0 ? [run(sql.guardFolders, branchId, keys, JSON.stringify(claims))] : []),
    run(sql.closeRows, branchId, keys),
    run(sql.insertRows, branchId, JSON.stringify(changes), rev),
    ...(claims.length > 0 ? [run(sql.insertFolders, JSON.stringify(claims))] : []),
    run(sql.insertLog, branchId, at, ids, JSON.stringify(members.map(({ log }) => log)), JSON.stringify(changes)),
    ...(purges.length > 0
      ? [run(sql.insertPurges, JSON.stringify(purges), at), run(sql.insertPurgeFolders, JSON.stringify(purges))]
      : []),
    run(sql.setSeq, branchId, ids),
  ]
}

/** What `guardFolders` unpacks: the index of the change, its object, and each folder with its range and those above. */
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

async function outcomeOf(
  db: SqlDatabase,
  tenantId: string,
  commit: CatalogCommit,
  error: unknown,
): Promise<CommitOutcome> {
  const failure = db.failureOf(error)
  switch (failure.kind) {
    case 'taken':
      return failure.table === 'commit_id' ? whatWasDecided(db, tenantId, commit) : { outcome: 'unknown', cause: error }
    case 'guard':
      return refusalOf(failure.message) ?? { outcome: 'unknown', cause: error }
    case 'again':
      return { outcome: 'busy' }
    case 'unavailable':
      throw new CatalogError('unavailable', `${failure.reason}; nothing was changed`, error)
    default:
      return { outcome: 'unknown', cause: error }
  }
}

/** What a guard of `commit-sql.ts` says. */
function refusalOf(message: string): CommitOutcome | null {
  const [, reason, number] = /guard:([a-z-]+)(?::(\d+))?/.exec(message) ?? []
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
      return null
  }
}

/** The batch broke on `commit_id`, so nothing was done: finds out on which member. Ids and keys are never taken back. */
async function whatWasDecided(db: SqlDatabase, tenantId: string, { members }: CatalogCommit): Promise<CommitOutcome> {
  const sql = commitSql(db.dialect)
  const params = [tenantId, JSON.stringify(members.map(({ id, idempotencyKey }) => [id, idempotencyKey]))]
  try {
    const [ids, keys] = await db.read<{ index: number }>([
      { sql: sql.selectTakenId, params },
      { sql: sql.selectTakenKey, params },
    ])
    const byId = members[ids?.rows[0]?.index ?? -1]
    if (byId) return { outcome: 'decided', id: byId.id }
    const idempotencyKey = members[keys?.rows[0]?.index ?? -1]?.idempotencyKey
    return idempotencyKey ? { outcome: 'replayed', idempotencyKey } : { outcome: 'busy' }
  } catch {
    return { outcome: 'busy' }
  }
}
