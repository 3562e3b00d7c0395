import type { BranchStore } from '#store/store'
import { forkAncestors, LINEAGE_DEPTH_MAX } from '#versions/lineage'
import type { Branch, CatalogTag } from '#versions/model'
import { change, lockVersions, selectJson, write, type JsonRow, type SqlDatabase } from './database.ts'
import { int, type Dialect } from './dialect.ts'
import { oncePer } from './once-per.ts'
import { BOUND, OPEN } from './lineage.ts'
import { branchJson, tagJson } from './rows.ts'

/** What {@link branchSql} writes of a branch or tag, in this order. */
const COLUMNS = '(tenant_id, id, catalog_id, name, kind, state, branch_id, seq, head_seq, ancestors, created_at)'

/** `?2` is the source and `?3` the position, null for its head. It is looked up in the statement that uses it. */
const SOURCE = `FROM ref b WHERE b.tenant_id = ?1 AND b.id = ?2 AND b.kind = 'branch' AND coalesce(${int('?3')}, 0) <= b.head_seq`
const POSITION = `coalesce(${int('?3')}, b.head_seq)`

const branchSql = oncePer((dialect: Dialect) => {
  // What a branch or tag at the position would rest on.
  const rests = `(SELECT b.id AS branch_id, ${POSITION} AS seq
    UNION ALL SELECT ${BOUND} FROM ${dialect.each('b.ancestors', 'a')})`
  const isPurged = dialect.any(`SELECT 1 FROM entry e
    WHERE e.tenant_id = p.tenant_id AND e.object_id = p.object_id AND e.branch_id = l.branch_id
      AND e.tombstone = 0 AND e.from_seq <= l.seq AND (e.to_seq > l.seq OR e.to_seq = ${OPEN})`)
  const isTrimmed = dialect.any(`SELECT 1 FROM entry e ${dialect.indexedBy('entry_trimmed')}
    WHERE e.tenant_id = ?1 AND e.branch_id = l.branch_id AND e.trimmed = 1 AND e.to_seq > l.seq AND e.from_seq <= l.seq`)
  // Whether a past position would bring back a table whose files were purged, or are about to be, or whose metadata was
  // trimmed. At the head of an open branch nothing needs to be asked: what it shows, nobody deletes.
  const bringsBackGone = `NOT (b.state = 'open' AND ${POSITION} = b.head_seq) AND (
    EXISTS (SELECT 1 FROM purge p WHERE p.tenant_id = ?1 AND ${dialect.any(`SELECT 1 FROM ${rests} l WHERE ${isPurged}`)})
    OR ${dialect.any(`SELECT 1 FROM ${rests} l WHERE ${isTrimmed}`)})`
  const here = dialect.object({ branchId: 'b.id', seq: POSITION })
  return {
    /** `?2` the catalog, `?3` the name. */
    selectByName: `SELECT CASE r.kind WHEN 'tag' THEN ${tagJson(dialect, 'r')} ELSE ${branchJson(dialect, 'r')} END AS json FROM ref r
      WHERE r.tenant_id = ?1 AND r.catalog_id = ?2 AND r.name = ?3 AND r.state = 'open'`,

    /** `?4` id, `?5` name, `?6` time, `?7` ancestors a branch may have. They are written as `forkAncestors` has them. */
    insertFork: `INSERT INTO ref ${COLUMNS}
      SELECT ?1, ?4, b.catalog_id, ?5, 'branch', 'open', ?4, ${OPEN}, 0,
        (SELECT ${dialect.arrayOf('l.bound', 'l.depth')} FROM (
          SELECT 0 AS depth, ${here} AS bound
          UNION ALL SELECT a.key + 1, ${dialect.json('a.value')} FROM ${dialect.each('b.ancestors', 'a')}) l),
        ?6 ${SOURCE} AND b.state = 'open' AND ${dialect.arrayLength('b.ancestors')} < ${int('?7')}
          AND NOT (${bringsBackGone})
      ON CONFLICT DO NOTHING RETURNING ${branchJson(dialect, 'ref')} AS json`,

    /** `?4` id, `?5` name, `?6` time. */
    insertTag: `INSERT INTO ref ${COLUMNS}
      SELECT ?1, ?4, b.catalog_id, ?5, 'tag', 'open', b.id, ${POSITION}, 0, '[]', ?6 ${SOURCE}
        AND b.state = 'open' AND NOT (${bringsBackGone})
      ON CONFLICT DO NOTHING RETURNING ${tagJson(dialect, 'ref')} AS json`,

    selectSource: `SELECT ${branchJson(dialect, 'b')} AS json ${SOURCE} AND b.state = 'open'`,

    close: `UPDATE ref SET state = 'closed' WHERE tenant_id = ?1 AND id = ?2 AND kind = 'branch' AND state = 'open'`,
  }
})

export function branchStore(db: SqlDatabase, tenantId: string): BranchStore {
  const sql = branchSql(db.dialect)
  const lock = lockVersions(db.dialect, tenantId, 'shared')
  return {
    get: async (catalogId, name) => {
      const [found] = await selectJson<Branch | CatalogTag>(db, sql.selectByName, tenantId, catalogId, name)
      return found ?? null
    },
    fork: async ({ id, name, from, at }) => {
      const source = [tenantId, from.branchId, from.seq ?? null]
      const results = await write<JsonRow>(db, [
        ...lock,
        { sql: sql.insertFork, params: [...source, id, name, at, LINEAGE_DEPTH_MAX] },
        { sql: sql.selectSource, params: source },
      ])
      const [inserted, found] = results
        .slice(lock.length)
        .map(({ rows: [row] }) => row && (JSON.parse(row.json) as Branch))
      if (!inserted && found) forkAncestors(found, found.headSeq)
      return inserted ?? null
    },
    tag: async ({ id, name, from, at }) => {
      const params = [tenantId, from.branchId, from.seq ?? null, id, name, at]
      const results = await write<JsonRow>(db, [...lock, { sql: sql.insertTag, params }])
      const row = results.at(-1)?.rows[0]
      return row ? (JSON.parse(row.json) as CatalogTag) : null
    },
    close: async (branchId) => (await change(db, sql.close, tenantId, branchId)) > 0,
  }
}
