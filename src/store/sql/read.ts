import type { Catalog, Grant, User, Warehouse } from '#domain/records'
import type { PageQuery, Place, ReadAt, ReadQuery, ReadResult } from '#store/store'
import { OPEN_SEQ, type Entry } from '#versions/model'
import { cutPage, type Page } from '#versions/page'
import { selectList, type RowOf } from './columns.ts'
import { failure } from './failures.ts'
import { decidingRow, lineageAt, nextName, OPEN, PLACE_BY_ID, PLACE_BY_NAME, type PlaceSql } from './lineage.ts'
import { branchOf, entryOf } from './rows.ts'

/** Names one page of a listing over a lineage looks at, beyond those it returns. */
const HIDDEN_NAMES_MAX = 1000

const USER = `SELECT
  (SELECT u.doc FROM record u WHERE u.tenant_id = ?1 AND u.kind = 'user' AND u.id = ?2) AS "user",
  EXISTS (SELECT 1 FROM record t WHERE t.tenant_id = ?1 AND t.kind = 'revoked-token' AND t.id = ?3) AS revoked`

const GRANTS = `SELECT g.doc FROM record g WHERE g.tenant_id = ?1 AND g.kind = 'grant' AND g.owner = ?2 ORDER BY g.id`

/** The statements about a place, for each way of naming it: none waits for another to find it. */
const BY_NAME = placeStatements(PLACE_BY_NAME)
const BY_ID = placeStatements(PLACE_BY_ID)

function placeStatements(place: PlaceSql): { place: string; entries: string; listing: string; walk: string } {
  const plainHead = `b.ancestors = '[]' AND ${place.seq} = ${OPEN}`
  const key = { of: 'k.value->>0', namespace: 'k.value->>1', name: 'k.value->>2' }
  const walked = { of: '?4', namespace: '?5', name: 'w.name' }
  const wanted = `(SELECT v.rowid FROM entry v WHERE v.rowid = ${decidingRow(walked)} AND v.tombstone = 0 AND v.kind = ?6)`
  return {
    place: `SELECT c.doc AS catalog, w.doc AS warehouse, ${place.seq} AS bound, ${selectList('ref', 'b')} ${place.from}`,
    entries: `WITH ${lineageAt(place)}
      SELECT k.key AS "index", ${selectList('entry', 'e')}
      FROM json_each(?4) k CROSS JOIN entry e ON e.rowid = ${decidingRow(key)} WHERE e.tombstone = 0`,
    // The head of a branch that rests on nothing: a range of one index, and no row that is not wanted.
    listing: `SELECT ${selectList('entry', 'e')} FROM entry e
      WHERE e.tenant_id = ?1 AND e.branch_id = (SELECT b.id ${place.from} AND ${plainHead})
        AND e.class = ?4 AND e.namespace = ?5 AND e.kind = ?6 AND e.name > ?7
        AND e.to_seq = ${OPEN} AND e.tombstone = 0
      ORDER BY e.name LIMIT ?8`,
    // Everything else: from name to name over all branches of the lineage, until enough are found or looked at.
    walk: `WITH RECURSIVE ${lineageAt(place, `AND NOT (${plainHead})`)},
      walk (step, name, found) AS (
        SELECT 1, ${nextName({ ...walked, name: '?7' })}, 0
        UNION ALL
        SELECT w.step + 1, ${nextName(walked)}, w.found + (${wanted} IS NOT NULL)
        FROM walk w WHERE w.name IS NOT NULL AND w.found < ?8 AND w.step < ?9
      )
      SELECT w.name AS walked, ${selectList('entry', 'e')}
      FROM walk w LEFT JOIN entry e ON e.rowid = ${wanted} ORDER BY w.step`,
  }
}

/** One batch: one round trip, and one state of the database. */
export async function readFrom(db: D1Database, tenantId: string, query: ReadQuery): Promise<ReadResult> {
  const { caller, at, keys = [], page } = query
  const statements: D1PreparedStatement[] = []
  const add = (sql: string, ...params: readonly (string | number)[]): number =>
    statements.push(db.prepare(sql).bind(tenantId, ...params)) - 1
  const user = caller && add(USER, caller.userId, caller.tokenId)
  const grants = caller && add(GRANTS, caller.userId)
  const named = at && placeParams(at)
  const place = named && add(named.sql.place, ...named.params)
  const entries =
    named && keys.length > 0
      ? add(named.sql.entries, ...named.params, JSON.stringify(keys.map((key) => [key.class, key.namespace, key.name])))
      : undefined
  const listing = named && page && add(named.sql.listing, ...named.params, ...pageParams(page))
  const walk = named && page && add(named.sql.walk, ...named.params, ...pageParams(page), page.limit + HIDDEN_NAMES_MAX)
  const results = statements.length > 0 ? await db.batch(statements).catch(failure) : []
  const rows = <T>(index: number | undefined): T[] =>
    (index === undefined ? [] : (results[index]?.results ?? [])) as T[]

  const found = placeOf(rows<PlaceRow>(place))
  return {
    ...(caller ? { caller: callerOf(rows<UserRow>(user), rows<{ doc: string }>(grants)) } : {}),
    ...(at ? { place: found } : {}),
    entries: found ? entriesOf(rows<IndexedRow>(entries), keys.length) : [],
    ...(page ? { page: pageOf(rows<RowOf<'entry'>>(listing), rows<WalkedRow>(walk), page) } : {}),
  }
}

interface UserRow {
  readonly user: string | null
  readonly revoked: number
}
type PlaceRow = RowOf<'ref'> & { readonly catalog: string; readonly warehouse: string; readonly bound: number }
type IndexedRow = RowOf<'entry'> & { readonly index: number }
type WalkedRow = { readonly walked: string | null } & (RowOf<'entry'> | { readonly rev: null })

function placeParams(at: ReadAt): { sql: typeof BY_NAME; params: (string | number)[] } {
  return 'branchId' in at
    ? { sql: BY_ID, params: [at.branchId, at.seq ?? OPEN_SEQ] }
    : { sql: BY_NAME, params: [at.catalog, at.ref] }
}

function pageParams(page: PageQuery): (string | number)[] {
  return [page.class, page.namespace, page.kind, page.after ?? '', page.limit + 1]
}

function callerOf([row]: readonly UserRow[], grants: readonly { doc: string }[]): NonNullable<ReadResult['caller']> {
  return {
    user: row?.user ? (JSON.parse(row.user) as User) : null,
    grants: grants.map(({ doc }) => JSON.parse(doc) as Grant),
    revoked: row?.revoked === 1,
  }
}

function placeOf([row]: readonly PlaceRow[]): Place | null {
  if (!row) return null
  return {
    catalog: JSON.parse(row.catalog) as Catalog,
    warehouse: JSON.parse(row.warehouse) as Warehouse,
    branch: branchOf(row),
    seq: row.bound,
  }
}

function entriesOf(rows: readonly IndexedRow[], count: number): (Entry | null)[] {
  const entries: (Entry | null)[] = Array.from({ length: count }, () => null)
  for (const row of rows) entries[row.index] = entryOf(row)
  return entries
}

/** A place is a plain head or it is not: one of the two has found nothing. */
function pageOf(listing: readonly RowOf<'entry'>[], walk: readonly WalkedRow[], { limit }: PageQuery): Page {
  const walked = walk.flatMap((row) => (row.rev === null ? [] : [entryOf(row)]))
  return cutPage([...listing.map((row) => entryOf(row)), ...walked], limit, walk.at(-1)?.walked ?? null)
}
