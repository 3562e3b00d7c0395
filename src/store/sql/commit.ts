import { CatalogError } from '#domain/errors'
import { auditOf, revOf } from '#store/commit'
import type { CommitOutcome, Settled } from '#store/store'
import { checkCommit } from '#versions/check-commit'
import { changesThatClash } from '#versions/folders'
import type { CatalogCommit } from '#versions/model'
import { commitSql } from './commit-sql.ts'
import { failed, lockVersions, write, type SqlDatabase, type SqlValue, type Statement } from './database.ts'
import type { Dialect } from './dialect.ts'
import { recording } from './idempotency.ts'
import { spanOf } from './shown.ts'

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
export async function settle(db: SqlDatabase, tenantId: string, commitId: string): Promise<Settled> {
  const sql = commitSql(db.dialect)
  const params = [tenantId, commitId]
  const [, found] = await write<{ outcome: string; seq: number | null }>(db, [
    { sql: sql.insertVoid, params },
    { sql: sql.selectDecided, params },
  ])
  const row = found?.rows[0]
  return row?.outcome === 'committed' && row.seq !== null ? { landed: true, seq: row.seq } : { landed: false }
}

function statementsOf({ dialect }: SqlDatabase, tenantId: string, commit: CatalogCommit): Statement[] {
  const sql = commitSql(dialect)
  const { branchId, at, members, changes, checks, purges } = commit
  const keys = JSON.stringify(changes.map(({ key, expect }) => [key.class, key.namespace, key.name, expect]))
  const claims = claimsOf(commit)
  const folders = [branchId, keys, JSON.stringify(claims)]
  const run = (text: string, ...params: SqlValue[]): Statement => ({ sql: text, params: [tenantId, ...params] })
  const ids = JSON.stringify(members.map(({ id }) => id))
  const records = members.flatMap(({ idempotency }) => idempotency ?? [])
  return [
    ...lockOf(dialect, tenantId, commit),
    run(sql.insertIds, ids),
    ...recording(dialect, tenantId, at, records),
    run(sql.insertAudit, JSON.stringify(auditOf(commit))),
    run(sql.moveHead, branchId),
    run(sql.guardHead, branchId, commit.expectHead ?? null),
    run(sql.guardExpect, branchId, keys),
    ...(checks.length > 0 ? [run(sql.guardChecks, branchId, JSON.stringify(checks))] : []),
    ...(claims.length > 0 && sql.lockFolders !== null ? [run(sql.lockFolders, ...folders)] : []),
    ...(claims.length > 0 ? [run(sql.guardFolders, ...folders)] : []),
    run(sql.closeRows, branchId, keys),
    run(sql.insertRows, branchId, JSON.stringify(changes), revOf(commit)),
    ...(claims.length > 0 ? [run(sql.insertFolders, JSON.stringify(claims))] : []),
    run(sql.insertLog, branchId, at, ids, JSON.stringify(members.map(({ log }) => log)), JSON.stringify(changes)),
    ...(purges.length > 0
      ? [run(sql.insertPurges, JSON.stringify(purges), at), run(sql.insertPurgeFolders, JSON.stringify(purges))]
      : []),
    run(sql.setSeq, branchId, ids),
  ]
}

/** A purge gives files up, and a check that they are there still must hold until the commit shows them. */
function lockOf(dialect: Dialect, tenantId: string, { checks, purges }: CatalogCommit): Statement[] {
  if (purges.length > 0) return lockVersions(dialect, tenantId, 'exclusive')
  return checks.some((check) => 'untrimmed' in check) ? lockVersions(dialect, tenantId, 'shared') : []
}

/** What `guardFolders` unpacks: the index of the change, its object, and each folder with its range and those above. */
function claimsOf({ changes }: CatalogCommit): unknown[] {
  const clashing = changesThatClash(changes)
  return changes.flatMap(({ next, unusedBefore }, index) => {
    if (!next || next.locations.length === 0) return []
    const isCareful = (location: string): number => Number(unusedBefore?.includes(location) === true)
    const folders = next.locations.map((location) => [...spanOf(location), isCareful(location)])
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
      if (failure.table === 'commit_id')
        return whatWasDecided(db, tenantId, commit, { outcome: 'unknown', cause: error })
      if (failure.table === 'idempotency')
        return whatWasDecided(db, tenantId, commit, { outcome: 'busy', cause: error })
      return defect(error)
    case 'guard':
      return refusalOf(failure.message) ?? defect(error)
    case 'again':
      return { outcome: 'busy', cause: error }
    case 'unavailable':
      throw new CatalogError('unavailable', `${failure.reason}; nothing was changed`, error)
    case 'no-text':
      return failed(db, error)
    case 'refused':
      return defect(error)
    case 'unknown':
      return { outcome: 'unknown', cause: error }
    default:
      return failure satisfies never
  }
}

/** Of a statement that is wrong it is certain that nothing was done, and useless to try it again. */
function defect(error: unknown): never {
  throw new CatalogError('internal', 'The catalog database refused the commit; nothing was changed', error)
}

/** What a guard of `commit-sql.ts` says, among the words of the database. */
function refusalOf(message: string): CommitOutcome | null {
  const [, outcome] = /guard:(\{.*?\})/.exec(message) ?? []
  return outcome === undefined ? null : (JSON.parse(outcome) as CommitOutcome)
}

/**
 * The batch broke on an id or a key, so nothing was done by it: finds out on whose. A key may have been swept away since.
 * That an id is taken means that it is decided: if nobody says how, it may be that the same batch came twice, and landed.
 */
async function whatWasDecided(
  db: SqlDatabase,
  tenantId: string,
  { members }: CatalogCommit,
  untold: { readonly outcome: 'unknown' | 'busy'; readonly cause: unknown },
): Promise<CommitOutcome> {
  const sql = commitSql(db.dialect)
  const ids = JSON.stringify(members.map(({ id }) => id))
  const keys = JSON.stringify(members.map(({ idempotency }) => idempotency?.key ?? null))
  try {
    const [byId, byKey] = await db.read<{ index: number; key: string }>([
      { sql: sql.selectTakenId, params: [tenantId, ids] },
      { sql: sql.selectTakenKey, params: [tenantId, keys] },
    ])
    const decided = members[byId?.rows[0]?.index ?? -1]
    if (decided) return { outcome: 'decided', id: decided.id }
    const idempotencyKey = byKey?.rows[0]?.key
    return idempotencyKey === undefined ? untold : { outcome: 'replayed', idempotencyKey }
  } catch (cause) {
    return { ...untold, cause }
  }
}
