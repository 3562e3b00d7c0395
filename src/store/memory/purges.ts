import type { PurgeStore } from '#store/store'
import { foldersOverlap } from '#versions/folders'
import { compareNames } from '#versions/page'
import { boundsOf, shownAt } from './shown.ts'
import { allRows, type TenantState } from './state.ts'

export function purgeStore(state: TenantState): PurgeStore {
  return {
    pending: async ({ limit, after }) => {
      const all = [...state.purges.values()].toSorted(
        (a, b) => compareNames(a.job.createdAt, b.job.createdAt) || compareNames(a.job.id, b.job.id),
      )
      const start = all.findIndex(({ job }) => job.id === after) + 1
      const pending = all.slice(start).filter(({ done }) => !done)
      return pending.slice(0, limit).map(({ job }) => job)
    },
    save: async (id, cursor) => {
      const purge = state.purges.get(id)
      if (purge && !purge.done) state.purges.set(id, { ...purge, job: { ...purge.job, cursor } })
    },
    done: async (id) => {
      const purge = state.purges.get(id)
      if (purge) state.purges.set(id, { ...purge, done: true })
    },
    stillNamed: async (locations) => {
      const isShown = shownAt(boundsOf(state))
      const overlaps = (folder: string): boolean => locations.some((one) => foldersOverlap(one, folder))
      return [...allRows(state)].some((row) => row.entry.locations.some(overlaps) && isShown(row))
    },
  }
}
