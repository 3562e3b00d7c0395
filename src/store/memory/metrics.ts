import type { MetricsStore } from '#store/store'
import type { TenantState } from './state.ts'

export function metricsStore({ metrics }: TenantState): MetricsStore {
  return {
    add: async (report, keep) => {
      const last = [...metrics, report].slice(-keep.perTenant)
      const ofTable = last.filter(({ objectId }) => objectId === report.objectId)
      const forgotten = new Set(ofTable.toReversed().slice(keep.perTable))
      metrics.splice(0, metrics.length, ...last.filter((one) => !forgotten.has(one)))
    },
    newest: async ({ objectId, limit }) =>
      metrics
        .filter((report) => report.objectId === objectId)
        .toReversed()
        .slice(0, limit),
  }
}
