import { and, eq } from 'drizzle-orm'
import type { DrizzleD1Database } from 'drizzle-orm/d1'
import type { BranchStore } from '#store/store'
import { forkAncestors, LINEAGE_DEPTH_MAX } from '#versions/lineage'
import { selectList, type RowOf } from './columns.ts'
import { failure } from './failures.ts'
import { OPEN } from './lineage.ts'
import { branchOf, tagOf } from './rows.ts'
import { ref } from './sqlite.ts'

const COLUMNS = '(tenant_id, id, catalog_id, name, kind, state, branch_id, seq, head_seq, ancestors, created_at)'

/** `?2` is the source and `?3` the position, null for its head. It is looked up in the statement that uses it. */
const SOURCE = `FROM ref b WHERE b.tenant_id = ?1 AND b.id = ?2 AND b.kind = 'branch' AND coalesce(?3, 0) <= b.head_seq`
const POSITION = 'CAST(coalesce(?3, b.head_seq) AS INTEGER)'

/** What a branch or tag at the position would rest on. */
const BOUNDS = `(SELECT b.id AS branch_id, ${POSITION} AS seq
    UNION ALL SELECT a.value->>'branchId', a.value->>'seq' FROM json_each(b.ancestors) a)`

/**
 * Whether a past position would bring back a table whose files were purged, or are about to be, or whose metadata was
 * trimmed. At the head of an open branch nothing needs to be asked: what it shows, nobody deletes.
 */
const BRINGS_BACK_GONE = `NOT (b.state = 'open' AND ${POSITION} = b.head_seq) AND (EXISTS (
  SELECT 1 FROM purge p CROSS JOIN entry e ON e.tenant_id = p.tenant_id AND e.object_id = p.object_id
  CROSS JOIN ${BOUNDS} l ON l.branch_id = e.branch_id
  WHERE p.tenant_id = ?1 AND e.tombstone = 0 AND e.from_seq <= l.seq AND (e.to_seq > l.seq OR e.to_seq = ${OPEN}))
  OR EXISTS (
  SELECT 1 FROM ${BOUNDS} l CROSS JOIN entry e INDEXED BY entry_trimmed
  WHERE e.tenant_id = ?1 AND e.branch_id = l.branch_id AND e.trimmed = 1 AND e.to_seq > l.seq AND e.from_seq <= l.seq))`

/** `?4` id, `?5` name, `?6` time, `?7` ancestors a branch may have. They are written as `forkAncestors` has them. */
const INSERT_FORK = `INSERT INTO ref ${COLUMNS}
  SELECT ?1, ?4, b.catalog_id, ?5, 'branch', 'open', ?4, ${OPEN}, 0,
    (SELECT json_group_array(json(l.bound) ORDER BY l.depth) FROM (
      SELECT 0 AS depth, json_object('branchId', b.id, 'seq', ${POSITION}) AS bound
      UNION ALL SELECT a.key + 1, a.value FROM json_each(b.ancestors) a) l),
    ?6 ${SOURCE} AND b.state = 'open' AND json_array_length(b.ancestors) < ?7
      AND NOT (${BRINGS_BACK_GONE})
  ON CONFLICT DO NOTHING RETURNING ${selectList('ref', 'ref')}`

/** `?4` id, `?5` name, `?6` time. */
const INSERT_TAG = `INSERT INTO ref ${COLUMNS}
  SELECT ?1, ?4, b.catalog_id, ?5, 'tag', 'open', b.id, ${POSITION}, 0, '[]', ?6 ${SOURCE}
    AND b.state = 'open' AND NOT (${BRINGS_BACK_GONE})
  ON CONFLICT DO NOTHING RETURNING ${selectList('ref', 'ref')}`

const SELECT_SOURCE = `SELECT ${selectList('ref', 'b')} ${SOURCE} AND b.state = 'open'`

export function branchStore(db: D1Database, orm: DrizzleD1Database, tenantId: string): BranchStore {
  return {
    get: async (catalogId, name) => {
      const isIt = and(
        eq(ref.tenantId, tenantId),
        eq(ref.catalogId, catalogId),
        eq(ref.name, name),
        eq(ref.state, 'open'),
      )
      const [row] = await orm.select().from(ref).where(isIt).catch(failure)
      if (!row) return null
      return row.kind === 'tag' ? tagOf(row) : branchOf(row)
    },
    fork: async ({ id, name, from, at }) => {
      const source = [tenantId, from.branchId, from.seq ?? null]
      const [inserted, found] = await db
        .batch<RowOf<'ref'>>([
          db.prepare(INSERT_FORK).bind(...source, id, name, at, LINEAGE_DEPTH_MAX),
          db.prepare(SELECT_SOURCE).bind(...source),
        ])
        .catch(failure)
      const row = inserted?.results[0]
      if (row) return branchOf(row)
      const refused = found?.results[0]
      if (refused) forkAncestors(branchOf(refused), refused.headSeq)
      return null
    },
    tag: async ({ id, name, from, at }) => {
      const { results } = await db
        .prepare(INSERT_TAG)
        .bind(tenantId, from.branchId, from.seq ?? null, id, name, at)
        .run<RowOf<'ref'>>()
        .catch(failure)
      return results[0] ? tagOf(results[0]) : null
    },
    close: async (branchId) => {
      const isOpen = and(
        eq(ref.tenantId, tenantId),
        eq(ref.id, branchId),
        eq(ref.kind, 'branch'),
        eq(ref.state, 'open'),
      )
      const { meta } = await orm.update(ref).set({ state: 'closed' }).where(isOpen).catch(failure)
      return meta.changes > 0
    },
  }
}
