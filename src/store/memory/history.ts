import type { HistoryStore } from '#store/store'
import { lineageOf } from '#versions/lineage'
import type { TenantState } from './state.ts'
import { trimIn } from './trim.ts'

export function historyStore(state: TenantState): HistoryStore {
  return {
    log: async ({ branchId, before, limit }) => {
      const branch = state.branches.get(branchId)
      const lineage = branch ? lineageOf(branch) : []
      const start = before ? lineage.findIndex((bound) => bound.branchId === before.branchId) : 0
      const rest = lineage.slice(start === -1 ? lineage.length : start).flatMap((bound, depth) => {
        const top = before && depth === 0 ? Math.min(before.seq - 1, bound.seq) : bound.seq
        return (state.log.get(bound.branchId) ?? []).filter(({ seq }) => seq <= top).toReversed()
      })
      const entries = rest.slice(0, limit)
      const last = entries.at(-1)
      return rest.length > limit && last ? { entries, next: { branchId: last.branchId, seq: last.seq } } : { entries }
    },
    audit: async ({ before, limit }) => {
      const rest = state.audit.toReversed().filter(({ id }) => before === undefined || Number(id) < Number(before))
      const records = rest.slice(0, limit)
      const last = records.at(-1)
      return rest.length > limit && last ? { records, next: last.id } : { records }
    },
    trim: async (input) => trimIn(state, input),
  }
}
