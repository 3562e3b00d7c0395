import { badRequest, CatalogError } from '#domain/errors'
import { METRICS_REPORTS_PER_TABLE } from '#src/limits'
import { foundTable, onTable } from '../iceberg/read-tables.ts'
import { jsonText } from '../respond.ts'
import { catalogRoute } from '../serve.ts'

/**
 * The reports that engines sent about a table, newest first, all that are kept or the `limit` last ones:
 * `{"reports":[{"at","principal-id","principal-name","client","report"}]}`, `report` as it came. They tell what others
 * look for in the table, so reading it is not enough: it takes all rights on the tenant.
 */
export const listMetricsReports = catalogRoute({
  method: 'GET',
  path: '/api/v1/catalogs/{prefix}/namespaces/{namespace}/tables/{table}/metrics',
  authorize: [{ actions: ['read'], on: 'table' }],
  targets: onTable,
  writes: false,
  handler: async (context) => {
    if (!context.mayInTenant(['all']))
      throw new CatalogError('forbidden', 'Not allowed: metrics reports are for an administrator of the tenant')
    const limit = limitOf(context.query.get('limit'))
    const reports = await context.deps.tenant.metrics.newest({ objectId: foundTable(context).objectId, limit })
    const items = reports.map(({ at, principalId, principalName, client, report }) => {
      const about = JSON.stringify({ at, 'principal-id': principalId, 'principal-name': principalName, client })
      return `${about.slice(0, -1)},"report":${report}}`
    })
    return jsonText(`{"reports":[${items.join(',')}]}`)
  },
})

function limitOf(text: string | null): number {
  if (text === null) return METRICS_REPORTS_PER_TABLE
  if (!/^[0-9]{1,9}$/.test(text) || Number(text) < 1)
    throw badRequest(`Invalid limit: expected a whole number from 1, found ${JSON.stringify(text.slice(0, 20))}`)
  return Math.min(Number(text), METRICS_REPORTS_PER_TABLE)
}
