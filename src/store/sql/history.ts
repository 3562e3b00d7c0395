import { and, desc, eq, lt } from 'drizzle-orm'
import type { DrizzleD1Database } from 'drizzle-orm/d1'
import type { HistoryStore } from '#store/store'
import { selectList, type RowOf } from './columns.ts'
import { failure } from './failures.ts'
import { HEAD_BY_ID, lineageAt } from './lineage.ts'
import { auditEntryOf, logEntryOf } from './rows.ts'
import { audit } from './sqlite.ts'
import { trim } from './trim.ts'

/**
 * `?2` branch, `?3` and `?4` the branch and position before which to go on (both null at the start), `?5` rows. Positions
 * have no gaps, so how many entries each branch of the lineage contributes is known without reading them.
 */
const LOG = `WITH ${lineageAt(HEAD_BY_ID)},
    tops (depth, branch_id, top) AS (
      SELECT l.depth, l.branch_id, CASE WHEN l.branch_id = ?3 THEN min(l.seq, b.head_seq, ?4 - 1) ELSE min(l.seq, b.head_seq) END
      FROM lineage l CROSS JOIN ref b ON b.tenant_id = ?1 AND b.id = l.branch_id
      WHERE ?3 IS NULL OR l.depth >= (SELECT f.depth FROM lineage f WHERE f.branch_id = ?3)
    ),
    parts (depth, branch_id, top, skipped) AS MATERIALIZED (
      SELECT depth, branch_id, top, coalesce(sum(top) OVER (ORDER BY depth ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) FROM tops
    )
  SELECT ${selectList('log', 'g')} FROM parts p
    CROSS JOIN log g ON g.tenant_id = ?1 AND g.branch_id = p.branch_id AND g.seq <= p.top AND g.seq > p.top - (?5 - p.skipped)
  ORDER BY p.depth, g.seq DESC`

export function historyStore(db: D1Database, orm: DrizzleD1Database, tenantId: string): HistoryStore {
  return {
    log: async ({ branchId, before, limit }) => {
      const { results } = await db
        .prepare(LOG)
        .bind(tenantId, branchId, before?.branchId ?? null, before?.seq ?? null, limit + 1)
        .run<RowOf<'log'>>()
        .catch(failure)
      const entries = results.slice(0, limit).map((row) => logEntryOf(row))
      const last = entries.at(-1)
      return results.length > limit && last
        ? { entries, next: { branchId: last.branchId, seq: last.seq } }
        : { entries }
    },
    audit: async ({ before, limit }) => {
      const rows = await orm
        .select()
        .from(audit)
        .where(and(eq(audit.tenantId, tenantId), before === undefined ? undefined : lt(audit.id, Number(before))))
        .orderBy(desc(audit.id))
        .limit(limit + 1)
        .catch(failure)
      const records = rows.slice(0, limit).map((row) => auditEntryOf(row))
      const last = records.at(-1)
      return rows.length > limit && last ? { records, next: last.id } : { records }
    },
    trim: (input) => trim(db, tenantId, input),
  }
}
