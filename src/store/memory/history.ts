import { logPage, recordsPage } from '#store/pages'
import type { HistoryStore } from '#store/store'
import { boundsBefore } from '#versions/lineage'
import type { TenantState } from './state.ts'
import { trimIn } from './trim.ts'

export function historyStore(state: TenantState): HistoryStore {
  return {
    log: async ({ branchId, before, limit }) => {
      const branch = state.branches.get(branchId)
      const entries = (branch ? boundsBefore(branch, before) : []).flatMap((bound) =>
        (state.log.get(bound.branchId) ?? []).filter(({ seq }) => seq <= bound.seq).toReversed(),
      )
      return logPage(entries, limit)
    },
    audit: async ({ before, limit }) => {
      const records = state.audit.toReversed().filter(({ id }) => before === undefined || Number(id) < Number(before))
      return recordsPage(records, limit)
    },
    trim: async (input) => trimIn(state, input),
  }
}
