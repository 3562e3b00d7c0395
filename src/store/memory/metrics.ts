import type { MetricsStore } from '#store/store'
import type { TenantState } from './state.ts'

export function metricsStore({ metrics }: TenantState): MetricsStore {
  return {
    add: async (report, keep) => {
      metrics.push(report)
      const kept = metrics
        .slice(-keep.perTenant)
        .filter(({ objectId }, index, last) =>
          objectId === report.objectId
            ? last.slice(index + 1).filter((later) => later.objectId === objectId).length < keep.perTable
            : true,
        )
      metrics.splice(0, metrics.length, ...kept)
    },
    newest: async ({ objectId, limit }) =>
      metrics
        .filter((report) => report.objectId === objectId)
        .toReversed()
        .slice(0, limit),
  }
}
