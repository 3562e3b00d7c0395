import type { HistoryStore } from '#store/store'
import { selectList, type RowOf } from './columns.ts'
import { select, type SqlDatabase } from './database.ts'
import { int, perDialect } from './dialect.ts'
import { HEAD_BY_ID, lineageAt } from './lineage.ts'
import { auditEntryOf, logEntryOf } from './rows.ts'
import { trim } from './trim.ts'

const historySql = perDialect((dialect) => {
  const b = dialect.seek('ref', 'b', (row) => `${row}.tenant_id = ?1 AND ${row}.id = l.branch_id`, '1')
  const g = dialect.seek(
    'log',
    'g',
    (row) =>
      `${row}.tenant_id = ?1 AND ${row}.branch_id = p.branch_id AND ${row}.seq <= p.top AND ${row}.seq > p.top - (${int('?5')} - p.skipped)`,
    int('?5'),
  )
  return {
    /**
     * `?2` branch, `?3` and `?4` the branch and position before which to go on (both null at the start), `?5` rows.
     * Positions have no gaps, so how many entries each branch of the lineage contributes is known without reading them.
     */
    log: `WITH ${lineageAt(dialect, HEAD_BY_ID)},
      tops (depth, branch_id, top) AS (
        SELECT l.depth, l.branch_id, ${dialect.least}(l.seq, b.head_seq,
          CASE WHEN l.branch_id = ?3 THEN ${int('?4')} - 1 ELSE l.seq END)
        FROM lineage l CROSS JOIN ${b.from}
        WHERE ${b.is}
          AND (?3 IS NULL OR l.depth >= (SELECT f.depth FROM lineage f WHERE f.branch_id = ?3))
      ),
      parts (depth, branch_id, top, skipped) AS MATERIALIZED (
        SELECT depth, branch_id, top,
          ${int('coalesce(sum(top) OVER (ORDER BY depth ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)')} FROM tops
      )
    SELECT ${selectList('log', 'g')} FROM parts p CROSS JOIN ${g.from} WHERE ${g.is}
    ORDER BY p.depth, g.seq DESC`,

    /** `?2` rows. */
    newestAudit: `SELECT ${selectList('audit', 'a')} FROM audit a WHERE a.tenant_id = ?1 ORDER BY a.id DESC LIMIT ${int('?2')}`,

    /** `?2` rows, `?3` the number before which to go on. */
    olderAudit: `SELECT ${selectList('audit', 'a')} FROM audit a WHERE a.tenant_id = ?1 AND a.id < ${int('?3')}
    ORDER BY a.id DESC LIMIT ${int('?2')}`,
  }
})

export function historyStore(db: SqlDatabase, tenantId: string): HistoryStore {
  const sql = historySql(db.dialect)
  return {
    log: async ({ branchId, before, limit }) => {
      const from = [before?.branchId ?? null, before?.seq ?? null]
      const rows = await select<RowOf<'log'>>(db, sql.log, tenantId, branchId, ...from, limit + 1)
      const entries = rows.slice(0, limit).map((row) => logEntryOf(row))
      const last = entries.at(-1)
      return rows.length > limit && last ? { entries, next: { branchId: last.branchId, seq: last.seq } } : { entries }
    },
    audit: async ({ before, limit }) => {
      const rows =
        before === undefined
          ? await select<RowOf<'audit'>>(db, sql.newestAudit, tenantId, limit + 1)
          : await select<RowOf<'audit'>>(db, sql.olderAudit, tenantId, limit + 1, Number(before))
      const records = rows.slice(0, limit).map((row) => auditEntryOf(row))
      const last = records.at(-1)
      return rows.length > limit && last ? { records, next: last.id } : { records }
    },
    trim: async (input) => trim(db, tenantId, input),
  }
}
