import type { Grant, User } from '#domain/records'
import type { PageQuery, Place, ReadAt, ReadQuery, ReadResult } from '#store/store'
import { OPEN_SEQ, type Entry, type IdempotencyRecord } from '#versions/model'
import { cutPage, type Page } from '#versions/page'
import { failed, type SqlDatabase, type SqlValue, type Statement } from './database.ts'
import { int, perDialect, type Dialect } from './dialect.ts'
import { recordJson, recordOf } from './idempotency.ts'
import { decidingRow, lineageAt, nextName, OPEN, placeById, placeByName, type PlaceSql } from './lineage.ts'
import { branchJson, entryJson, entryOf } from './rows.ts'

/** Names one page of a listing over a lineage looks at, beyond those it returns. */
const HIDDEN_NAMES_MAX = 1000

/**
 * What a row of the first statement is: what an idempotency key stands for, a user with his token, one of his grants, the
 * place, or the entry of a key.
 */
const [ANSWER_ROW, USER_ROW, GRANT_ROW, PLACE_ROW] = [-4, -3, -2, -1]

const readSql = perDialect((dialect) => ({
  caller: callerSql(dialect),
  /** `?7` is the key. */
  answer: `SELECT ${ANSWER_ROW} AS "row", ${recordJson(dialect, 'i')} AS json
    FROM idempotency i WHERE i.tenant_id = ?1 AND i.key = ?7`,
  // The statements about a place, for each way of naming it: none waits for another to find it.
  byName: placeStatements(dialect, placeByName(dialect)),
  byId: placeStatements(dialect, placeById(dialect)),
}))

/** `?5` is the user, `?6` the token. */
function callerSql(dialect: Dialect): string {
  const found = dialect.object([
    [
      'user',
      `(SELECT ${dialect.json('u.doc')} FROM record u WHERE u.tenant_id = ?1 AND u.kind = 'user' AND u.id = ?5)`,
    ],
    ['revoked', `EXISTS (SELECT 1 FROM record t WHERE t.tenant_id = ?1 AND t.kind = 'revoked-token' AND t.id = ?6)`],
  ])
  return `SELECT ${USER_ROW} AS "row", ${found} AS json
    UNION ALL
    SELECT ${GRANT_ROW}, ${dialect.json('g.doc')} FROM record g WHERE g.tenant_id = ?1 AND g.kind = 'grant' AND g.owner = ?5`
}

/** `withPlace` goes in front of `place` and `entries`, which are parts of one statement with {@link callerSql}. */
interface PlaceStatements {
  readonly withPlace: string
  readonly place: string
  readonly entries: string
  readonly listing: string
  readonly walk: string
}

function placeStatements(dialect: Dialect, place: PlaceSql): PlaceStatements {
  const plainHead = `b.ancestors = '[]' AND ${place.seq} = ${OPEN}`
  const placeJson = dialect.object([
    ['catalog', dialect.json('c.doc')],
    ['warehouse', dialect.json('w.doc')],
    ['branch', branchJson(dialect, 'b')],
    ['seq', place.seq],
  ])
  const key = { of: 'k.value->>0', namespace: 'k.value->>1', name: 'k.value->>2' }
  const walked = { of: '?4', namespace: '?5', name: 'w.name' }
  const read = decidingRow(dialect, key, 'e')
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
  const named = at && placeParams(at, sql)
  const batch: Statement[] = []
  const add = (text: string, params: readonly SqlValue[]): void =>
    void batch.push({ sql: text, params: [tenantId, ...params] })
  if (caller || named || idempotencyKey !== undefined)
    add(statementOf(query, sql, named?.sql), paramsOf(query, named?.params))
  if (named && page) {
    add(named.sql.listing, [...named.params, ...pageParams(page)])
    add(named.sql.walk, [...named.params, ...pageParams(page), page.limit + HIDDEN_NAMES_MAX])
  }
  const results = batch.length > 0 ? await db.read<Row>(batch).catch((error: unknown) => failed(db, error)) : []
  const [rows = [], listing = [], walk = []] = results.map((result) => result.rows)
  const place = rows.find(({ row }) => row === PLACE_ROW)
  return {
    ...(caller ? { caller: callerOf(rows) } : {}),
    ...(at ? { place: place ? (JSON.parse(place.json) as Place) : null } : {}),
    entries: place ? entriesOf(rows, keys.length) : [],
    ...(page ? { page: pageOf(listing, walk as unknown as WalkedRow[], page) } : {}),
    ...(idempotencyKey === undefined ? {} : { idempotency: answerOf(rows) }),
  }
}

interface Row {
  readonly row: number
  readonly json: string
}
interface WalkedRow {
  readonly walked: string | null
  readonly json: string | null
}

function statementOf(
  { caller, keys = [], idempotencyKey }: ReadQuery,
  sql: { readonly caller: string; readonly answer: string },
  place?: PlaceStatements,
): string {
  const parts = [
    ...(caller ? [sql.caller] : []),
    ...(idempotencyKey === undefined ? [] : [sql.answer]),
    ...(place ? [place.place] : []),
    ...(place && keys.length > 0 ? [place.entries] : []),
  ]
  return `${place?.withPlace ?? ''} ${parts.join(' UNION ALL ')}`
}

/** As many as the statement counts: `?2` and `?3` the place, `?4` the keys, `?5` and `?6` the caller, `?7` a key. */
function paramsOf(
  { caller, keys = [], idempotencyKey }: ReadQuery,
  place?: readonly (string | number)[],
): (string | number | null)[] {
  const named = place ?? [null, null]
  const isKeyed = idempotencyKey !== undefined
  if (!caller && !isKeyed && keys.length === 0) return [...named]
  const list = JSON.stringify(keys.map((key) => [key.class, key.namespace, key.name]))
  if (!caller && !isKeyed) return [...named, list]
  return [...named, list, caller?.userId ?? null, caller?.tokenId ?? null, ...(isKeyed ? [idempotencyKey] : [])]
}

function placeParams(
  at: ReadAt,
  { byId, byName }: { byId: PlaceStatements; byName: PlaceStatements },
): { sql: PlaceStatements; params: (string | number)[] } {
  return 'branchId' in at
    ? { sql: byId, params: [at.branchId, at.seq ?? OPEN_SEQ] }
    : { sql: byName, params: [at.catalog, at.ref] }
}

function pageParams(page: PageQuery): (string | number)[] {
  return [page.class, page.namespace, page.kind, page.after ?? '', page.limit + 1]
}

/** Grants by id: the statement's parts come in no promised order. */
function callerOf(rows: readonly Row[]): NonNullable<ReadResult['caller']> {
  const found = rows.find(({ row }) => row === USER_ROW)
  const { user, revoked } = JSON.parse(found?.json ?? '{"user":null,"revoked":0}') as {
    user: User | null
    revoked: number | boolean
  }
  const grants = rows.filter(({ row }) => row === GRANT_ROW).map(({ json }) => JSON.parse(json) as Grant)
  return { user, grants: grants.toSorted((a, b) => (a.id < b.id ? -1 : 1)), revoked: Boolean(revoked) }
}

function answerOf(rows: readonly Row[]): IdempotencyRecord | null {
  const found = rows.find(({ row }) => row === ANSWER_ROW)
  return found ? recordOf(found.json) : null
}

function entriesOf(rows: readonly Row[], count: number): (Entry | null)[] {
  const entries: (Entry | null)[] = Array.from({ length: count }, () => null)
  for (const { row, json } of rows) if (row >= 0) entries[row] = entryOf(json)
  return entries
}

/** A place is a plain head or it is not: one of the two has found nothing. */
function pageOf(listing: readonly Row[], walk: readonly WalkedRow[], { limit }: PageQuery): Page {
  const walked = walk.flatMap(({ json }) => (json === null ? [] : [entryOf(json)]))
  return cutPage([...listing.map(({ json }) => entryOf(json)), ...walked], limit, walk.at(-1)?.walked ?? null)
}
