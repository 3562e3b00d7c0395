import { OPEN_SEQ } from '#versions/model'
import { int, type Dialect, type RowSql } from './dialect.ts'

/**
 * Pieces of SQL that resolve keys over a lineage. `?1` is the tenant everywhere. They read a common table `lineage`
 * (depth, branch_id, seq), whose bounds are below "open", so that one test fits heads and positions alike.
 */

/** "Still current", as the partial indexes have it: a literal, or they are not used. */
export const OPEN = String(OPEN_SEQ)

/** Where a statement finds the branch it is about: a FROM clause in which `b` is its row, and the bound to read at. */
export interface PlaceSql {
  readonly from: string
  readonly seq: string
}

/** `?2` is the catalog's name, `?3` the branch's or tag's. */
export function placeByName(dialect: Dialect): PlaceSql {
  const r = one(dialect, 'ref', 'r', (row) => `${row}.catalog_id = c.id AND ${row}.name = ?3 AND ${row}.state = 'open'`)
  const b = one(dialect, 'ref', 'b', (row) => `${row}.id = r.branch_id`)
  const from = `FROM record c ${r} ${b} ${warehouse(dialect)} WHERE c.tenant_id = ?1 AND c.kind = 'catalog' AND c.name = ?2`
  return { from, seq: 'r.seq' }
}

/** `?2` is the branch's id, `?3` the bound. */
export function placeById(dialect: Dialect): PlaceSql {
  const c = one(dialect, 'record', 'c', (row) => `${row}.kind = 'catalog' AND ${row}.id = b.catalog_id`)
  const from = `FROM ref b ${c} ${warehouse(dialect)} WHERE b.tenant_id = ?1 AND b.id = ?2 AND b.kind = 'branch'`
  return { from, seq: int('?3') }
}

function warehouse(dialect: Dialect): string {
  return one(dialect, 'record', 'w', (row) => `${row}.kind = 'warehouse' AND ${row}.id = c.owner`)
}

/** Joins the one row of the tenant that fits what stands in front of it. */
function one(dialect: Dialect, table: string, alias: string, fits: (row: string) => string): string {
  const { from, is } = dialect.seek(table, alias, (row) => `${row}.tenant_id = ?1 AND ${fits(row)}`, '1')
  return `JOIN ${from} ON ${is}`
}

/** The branch and the position of `a`, an element of a branch's ancestors. */
export const BOUND = `a.value->>'branchId', ${int("a.value->>'seq'")}`

/** The head of the branch with the id `?2`. */
export const HEAD_BY_ID: PlaceSql = { from: 'FROM ref b WHERE b.tenant_id = ?1 AND b.id = ?2', seq: OPEN }

/**
 * The common tables `place`, of one row if there is a place at all, and `lineage`, nearest branch first. `only` narrows
 * down when there is one; `json` is what else is wanted of the place.
 */
export function lineageAt(dialect: Dialect, { from, seq }: PlaceSql, only = '', json = 'NULL'): string {
  return `place (branch_id, seq, ancestors, json) AS MATERIALIZED (
      SELECT b.id, ${dialect.least}(${seq}, ${OPEN} - 1), b.ancestors, ${json} ${from} ${only}
    ),
    lineage (depth, branch_id, seq) AS MATERIALIZED (
      SELECT 0, branch_id, seq FROM place
      UNION ALL
      SELECT a.key + 1, ${BOUND} FROM place, ${dialect.each('place.ancestors', 'a')}
    )`
}

/** SQL expressions for the parts of a key. */
interface KeySql {
  readonly of: string
  readonly namespace: string
  readonly name: string
}

/** A key in a list of them, whose element is `k`: `[class, namespace, name, …]`. */
export const LISTED: KeySql = { of: 'k.value->>0', namespace: 'k.value->>1', name: 'k.value->>2' }

/** A key that is JSON with a key's own members. */
export function keyIn(json: string): KeySql {
  return { of: `${json}->>'class'`, namespace: `${json}->>'namespace'`, name: `${json}->>'name'` }
}

/**
 * The row that decides a key, tombstones included, under the name `alias`; none if no branch has one. Per branch it seeks
 * the newest row up to the bound and tests afterwards whether that one still is valid: a range on both ends would read
 * the key's whole history.
 */
export function decidingRow({ engine }: Dialect, key: KeySql, alias: string): RowSql {
  if (engine === 'sqlite')
    return {
      from: `entry ${alias}`,
      is: `${alias}.rowid = (SELECT x.rowid FROM lineage l CROSS JOIN entry x
        WHERE ${isKey(key, 'x')} AND x.to_seq > l.seq
          AND x.from_seq = (SELECT max(y.from_seq) FROM entry y WHERE ${isKey(key, 'y')} AND y.from_seq <= l.seq)
        ORDER BY l.depth LIMIT 1)`,
    }
  // As subqueries with a limit, which are run for one key after the other: joined, whole tables would be read.
  const from = `LATERAL (SELECT x.* FROM lineage l CROSS JOIN LATERAL (
      SELECT y.* FROM entry y WHERE ${isKey(key, 'y')} AND y.from_seq <= l.seq ORDER BY y.from_seq DESC LIMIT 1
    ) x WHERE x.to_seq > l.seq ORDER BY l.depth LIMIT 1) ${alias}`
  return { from, is: 'true' }
}

function isKey({ of, namespace, name }: KeySql, row: string): string {
  return `${row}.tenant_id = ?1 AND ${row}.branch_id = l.branch_id AND ${row}.class = ${of} AND ${row}.namespace = ${namespace} AND ${row}.name = ${name}`
}

/** Whether readers see the key as the object with this id (an SQL expression), or as any if that is null. */
export function isVisible(dialect: Dialect, key: KeySql, objectId = 'NULL'): string {
  const v = decidingRow(dialect, key, 'v')
  return `EXISTS (SELECT 1 FROM ${v.from} WHERE ${v.is} AND v.tombstone = 0 AND v.object_id = coalesce(${objectId}, v.object_id))`
}

/** The first name after the given one that any branch of the lineage ever had, visible or not; null after the last. */
export function nextName({ of, namespace, name }: KeySql): string {
  return `(SELECT min((
    SELECT min(n.name) FROM entry n
    WHERE n.tenant_id = ?1 AND n.branch_id = m.branch_id AND n.class = ${of} AND n.namespace = ${namespace} AND n.name > ${name}
  )) FROM lineage m)`
}
