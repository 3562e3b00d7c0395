import { logPage, recordsPage } from '#store/pages'
import type { AuditEntry, HistoryStore } from '#store/store'
import { OPEN_SEQ, type LogEntry } from '#versions/model'
import { jsonOf } from './columns.ts'
import { selectJson, type SqlDatabase } from './database.ts'
import { int, type Dialect } from './dialect.ts'
import { oncePer } from './once-per.ts'
import { HEAD_BY_ID, lineageAt } from './lineage.ts'
import { trim } from './trim.ts'

const historySql = oncePer((dialect: Dialect) => {
  const b = dialect.seek('ref', 'b', (row) => `${row}.tenant_id = ?1 AND ${row}.id = l.branch_id`, '1')
  const isInPart = (row: string): string =>
    `${row}.tenant_id = ?1 AND ${row}.branch_id = p.branch_id AND ${row}.seq <= p.top AND ${row}.seq > p.top - (${int('?5')} - p.skipped)`
  const g = dialect.seek('log', 'g', isInPart, int('?5'))
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
    SELECT ${jsonOf(dialect, 'log', 'g', ['tenantId'])} AS json FROM parts p CROSS JOIN ${g.from} WHERE ${g.is}
    ORDER BY p.depth, g.seq DESC`,

    /** `?2` the number before which to go on, `?3` rows. */
    audit: `SELECT ${jsonOf(dialect, 'audit', 'a', ['tenantId'])} AS json FROM audit a
      WHERE a.tenant_id = ?1 AND a.id < ${int('?2')} ORDER BY a.id DESC LIMIT ${int('?3')}`,
  }
})

export function historyStore(db: SqlDatabase, tenantId: string): HistoryStore {
  const sql = historySql(db.dialect)
  return {
    log: async ({ branchId, before, limit }) => {
      const from = [before?.branchId ?? null, before?.seq ?? null]
      return logPage(await selectJson<LogEntry>(db, sql.log, tenantId, branchId, ...from, limit + 1), limit)
    },
    audit: async ({ before = OPEN_SEQ, limit }) => {
      const params = [tenantId, Number(before), limit + 1]
      const found = await selectJson<Omit<AuditEntry, 'id'> & { id: number }>(db, sql.audit, ...params)
      const records = found.map((record) => ({ ...record, id: String(record.id) }))
      return recordsPage(records, limit)
    },
    trim: async (input) => trim(db, tenantId, input),
  }
}
