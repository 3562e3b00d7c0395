import type { Grant, User } from '#domain/records'
import type { PageQuery, Place, ReadAt, ReadQuery, ReadResult } from '#store/store'
import { OPEN_SEQ, type Entry, type IdempotencyRecord } from '#versions/model'
import { cutPage, HIDDEN_NAMES_MAX, type Page } from '#versions/page'
import { failed, type JsonRow, type SqlDatabase, type SqlValue, type Statement } from './database.ts'
import { int, type Dialect } from './dialect.ts'
import { oncePer } from './once-per.ts'
import { decidingRow, lineageAt, LISTED, nextName, OPEN, placeById, placeByName, type PlaceSql } from './lineage.ts'
import { answerJson, branchJson, entryJson } from './rows.ts'

/**
 * What a row of the first statement is: what an idempotency key stands for, a user with his token, one of his grants, the
 * place, or the entry of a key.
 */
const [ANSWER_ROW, USER_ROW, GRANT_ROW, PLACE_ROW] = [-4, -3, -2, -1]

const readSql = oncePer((dialect: Dialect) => ({
  caller: callerSql(dialect),
  /** `?7` is the key. */
  answer: `SELECT ${ANSWER_ROW} AS "row", ${answerJson(dialect, 'i')} AS json
    FROM idempotency i WHERE i.tenant_id = ?1 AND i.key = ?7`,
  // The statements about a place, for each way of naming it: none waits for another to find it.
  byName: placeStatements(dialect, placeByName(dialect)),
  byId: placeStatements(dialect, placeById(dialect)),
}))

/** `?5` is the user, `?6` the token. */
function callerSql(dialect: Dialect): string {
  const found = dialect.object({
    user: `(SELECT ${dialect.json('u.doc')} FROM record u WHERE u.tenant_id = ?1 AND u.kind = 'user' AND u.id = ?5)`,
    revoked: `EXISTS (SELECT 1 FROM record t WHERE t.tenant_id = ?1 AND t.kind = 'revoked-token' AND t.id = ?6)`,
  })
  return `SELECT ${USER_ROW} AS "row", ${found} AS json
    UNION ALL
    SELECT ${GRANT_ROW}, ${dialect.json('g.doc')} FROM record g WHERE g.tenant_id = ?1 AND g.kind = 'grant' AND g.owner = ?5`
}

/** `withPlace` goes in front of `place` and `entries`, which are parts of one statement with {@link callerSql}. */
function placeStatements(dialect: Dialect, place: PlaceSql) {
  const plainHead = `b.ancestors = '[]' AND ${place.seq} = ${OPEN}`
  const placeJson = dialect.object({
    catalog: dialect.json('c.doc'),
    warehouse: dialect.json('w.doc'),
    branch: branchJson(dialect, 'b'),
    seq: place.seq,
  })
  const walked = { of: '?4', namespace: '?5', name: 'w.name' }
  const read = decidingRow(dialect, LISTED, 'e')
  const wanted = decidingRow(dialect, walked, 'e')
  const isWanted = `${wanted.is} AND e.tombstone = 0 AND e.kind = ?6`
  return {
    withPlace: `WITH ${lineageAt(dialect, place, '', placeJson)}`,
    place: `SELECT ${PLACE_ROW} AS "row", place.json FROM place`,
    entries: `SELECT k.key AS "row", ${entryJson(dialect, 'e')} AS json
      FROM ${dialect.each('?4', 'k')} CROSS JOIN ${read.from} WHERE ${read.is} AND e.tombstone = 0`,
    // The head of a branch that rests on nothing: a range of one index, and no row that is not wanted.
    listing: `SELECT ${entryJson(dialect, 'e')} AS json FROM entry e
      WHERE e.tenant_id = ?1 AND e.branch_id = (SELECT b.id ${place.from} AND ${plainHead})
        AND e.class = ?4 AND e.namespace = ?5 AND e.kind = ?6 AND e.name > ?7
        AND e.to_seq = ${OPEN} AND e.tombstone = 0
      ORDER BY e.name LIMIT ${int('?8')}`,
    // Everything else: from name to name over all branches of the lineage, until enough are found or looked at.
    walk: `WITH RECURSIVE ${lineageAt(dialect, place, `AND NOT (${plainHead})`)},
      walk (step, name, found) AS (
        SELECT 1, ${nextName({ ...walked, name: '?7' })}, 0
        UNION ALL
        SELECT w.step + 1, ${nextName(walked)}, 
          w.found + CASE WHEN EXISTS (SELECT 1 FROM ${wanted.from} WHERE ${isWanted}) THEN 1 ELSE 0 END
        FROM walk w WHERE w.name IS NOT NULL AND w.found < ${int('?8')} AND w.step < ${int('?9')}
      )
      SELECT w.name AS walked, CASE WHEN e.name IS NULL THEN NULL ELSE ${entryJson(dialect, 'e')} END AS json
      FROM walk w LEFT JOIN ${wanted.from} ON ${isWanted} ORDER BY w.step`,
  }
}

/**
 * One batch: one round trip, and one state of the database. All but the page is one statement, whose rows are JSON: what
 * D1 takes for a statement and for a column is most of what a read costs.
 */
export async function readFrom(db: SqlDatabase, tenantId: string, query: ReadQuery): Promise<ReadResult> {
  const { caller, at, keys = [], page, idempotencyKey } = query
  const sql = readSql(db.dialect)
  const placeSql = at && ('branchId' in at ? sql.byId : sql.byName)
  const named = [tenantId, ...(at ? boundParams(at) : [null, null])]
  const batch: Statement[] = []
  const parts = [
    ...(caller ? [sql.caller] : []),
    ...(idempotencyKey === undefined ? [] : [sql.answer]),
    ...(placeSql ? [placeSql.place] : []),
    ...(placeSql && keys.length > 0 ? [placeSql.entries] : []),
  ]
  const found = `${placeSql?.withPlace ?? ''} ${parts.join(' UNION ALL ')}`
  if (parts.length > 0) batch.push({ sql: found, params: [...named, ...foundParams(query)] })
  if (placeSql && page) {
    const listed = [...named, page.class, page.namespace, page.kind, page.after ?? '', page.limit + 1]
    batch.push({ sql: placeSql.listing, params: listed })
    batch.push({ sql: placeSql.walk, params: [...listed, page.limit + HIDDEN_NAMES_MAX] })
  }
  const results = batch.length > 0 ? await db.read<Row>(batch).catch((error: unknown) => failed(db, error)) : []
  const [rows = [], listing = [], walk = []] = results.map((result) => result.rows)
  const [place = null] = parsedOf<Place>(rows, PLACE_ROW)
  const [idempotency = null] = parsedOf<IdempotencyRecord>(rows, ANSWER_ROW)
  return {
    ...(caller ? { caller: callerOf(rows) } : {}),
    ...(at ? { place } : {}),
    entries: place ? entriesOf(rows, keys.length) : [],
    ...(page ? { page: pageOf(listing, walk as unknown as WalkedRow[], page) } : {}),
    ...(idempotencyKey === undefined ? {} : { idempotency }),
  }
}

interface Row extends JsonRow {
  readonly row: number
}
interface WalkedRow {
  readonly walked: string | null
  readonly json: string | null
}

/** `?2` and `?3`. */
function boundParams(at: ReadAt): SqlValue[] {
  return 'branchId' in at ? [at.branchId, at.seq ?? OPEN_SEQ] : [at.catalog, at.ref]
}

/** As many as the statement counts: `?4` the keys, `?5` and `?6` the caller, `?7` a key of an answer. */
function foundParams({ caller, keys = [], idempotencyKey }: ReadQuery): SqlValue[] {
  const list = JSON.stringify(keys.map((key) => [key.class, key.namespace, key.name]))
  if (idempotencyKey !== undefined) return [list, caller?.userId ?? null, caller?.tokenId ?? null, idempotencyKey]
  if (caller) return [list, caller.userId, caller.tokenId]
  return keys.length > 0 ? [list] : []
}

/** Grants by id: the statement's parts come in no promised order. */
function callerOf(rows: readonly Row[]): NonNullable<ReadResult['caller']> {
  const [found] = parsedOf<{ user: User | null; revoked: number | boolean }>(rows, USER_ROW)
  const grants = parsedOf<Grant>(rows, GRANT_ROW).toSorted((a, b) => (a.id < b.id ? -1 : 1))
  return { user: found?.user ?? null, grants, revoked: Boolean(found?.revoked) }
}

function entriesOf(rows: readonly Row[], count: number): (Entry | null)[] {
  const entries: (Entry | null)[] = Array.from({ length: count }, () => null)
  for (const { row, json } of rows) if (row >= 0) entries[row] = JSON.parse(json) as Entry
  return entries
}

/** What rows of one kind are. */
function parsedOf<T>(rows: readonly Row[], kind: number): T[] {
  return rows.filter(({ row }) => row === kind).map(({ json }) => JSON.parse(json) as T)
}

/** A place is a plain head or it is not: one of the two has found nothing. */
function pageOf(listing: readonly Row[], walk: readonly WalkedRow[], { limit }: PageQuery): Page {
  const found = [...listing, ...walk].flatMap(({ json }) => (json === null ? [] : [JSON.parse(json) as Entry]))
  return cutPage(found, limit, walk.at(-1)?.walked ?? null)
}
