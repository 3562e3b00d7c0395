import { METRICS_REPORTS_PER_TABLE, METRICS_REPORTS_PER_TENANT } from '#src/limits'
import type { MetricsReport } from '#store/store'
import type { Caller, CatalogDeps } from './deps.ts'

/** Keeps a report as the newest of its table; the oldest make room. It stays with the table under every name. */
export async function keepReport(
  { tenant, now }: Pick<CatalogDeps, 'tenant' | 'now'>,
  caller: Pick<Caller, 'userId' | 'username' | 'client'>,
  { objectId, report }: Pick<MetricsReport, 'objectId' | 'report'>,
): Promise<void> {
  const { userId: principalId, username: principalName, client } = caller
  await tenant.metrics.add(
    { objectId, at: now().toISOString(), principalId, principalName, client, report },
    { perTable: METRICS_REPORTS_PER_TABLE, perTenant: METRICS_REPORTS_PER_TENANT },
  )
}
