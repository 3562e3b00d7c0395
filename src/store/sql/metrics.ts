import type { MetricsReport, MetricsStore } from '#store/store'
import { REPORTS_BEYOND_LIMIT_MAX } from '#store/metrics'
import { lockFor, select, write, type SqlDatabase } from './database.ts'
import { int } from './dialect.ts'

const NEWEST_OF_TENANT = '(SELECT max(r.id) FROM metrics_report r WHERE r.tenant_id = ?1)'
const NEWEST_OF_TABLE = '(SELECT max(r.number) FROM metrics_report r WHERE r.tenant_id = ?1 AND r.object_id = ?2)'

/** `?2` object, then the other members of a report. */
const INSERT = `INSERT INTO metrics_report (tenant_id, id, object_id, number, at, principal_id, principal_name, client, report)
  SELECT ?1, coalesce(${NEWEST_OF_TENANT}, 0) + 1, ?2, coalesce(${NEWEST_OF_TABLE}, 0) + 1, ?3, ?4, ?5, ?6, ?7`

/** A table's numbers have no gaps above what was deleted, so what is beyond its limit `?3` is known by its number. */
const FORGET_OF_TABLE = `DELETE FROM metrics_report
  WHERE tenant_id = ?1 AND object_id = ?2 AND number <= ${NEWEST_OF_TABLE} - ${int('?3')}`

/** To find what is beyond the limit `?2` takes reading as many, so it is done now and then only. */
const FORGET_OF_TENANT = `DELETE FROM metrics_report WHERE tenant_id = ?1 AND id < CASE
  WHEN ${NEWEST_OF_TENANT} % ${REPORTS_BEYOND_LIMIT_MAX} = 0
  THEN (SELECT r.id FROM metrics_report r WHERE r.tenant_id = ?1 ORDER BY r.id DESC LIMIT 1 OFFSET ${int('?2')} - 1) END`

const SELECT_NEWEST = `SELECT object_id AS "objectId", at, principal_id AS "principalId", principal_name AS "principalName", client, report
  FROM metrics_report WHERE tenant_id = ?1 AND object_id = ?2 ORDER BY number DESC LIMIT ${int('?3')}`

export function metricsStore(db: SqlDatabase, tenantId: string): MetricsStore {
  return {
    add: async ({ objectId, at, principalId, principalName, client, report }, { perTable, perTenant }) => {
      await write(db, [
        // Two at the same time would get the same numbers.
        ...lockFor(db.dialect, `metrics ${tenantId}`),
        { sql: INSERT, params: [tenantId, objectId, at, principalId, principalName, client, report] },
        { sql: FORGET_OF_TABLE, params: [tenantId, objectId, perTable] },
        { sql: FORGET_OF_TENANT, params: [tenantId, perTenant] },
      ])
    },
    newest: async ({ objectId, limit }) => select<MetricsReport>(db, SELECT_NEWEST, tenantId, objectId, limit),
  }
}
