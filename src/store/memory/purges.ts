import type { PurgeStore } from '#store/store'
import { foldersOverlap } from '#versions/folders'
import { lineageOf, validAt } from '#versions/lineage'
import type { Bound } from '#versions/model'
import { compareNames } from '#versions/page'
import { allRows, type TenantState } from './state.ts'

export function purgeStore(state: TenantState): PurgeStore {
  return {
    pending: async ({ limit, after }) => {
      const all = [...state.purges.values()].toSorted(
        (a, b) => compareNames(a.job.createdAt, b.job.createdAt) || compareNames(a.job.id, b.job.id),
      )
      const start = after === undefined ? 0 : all.findIndex(({ job }) => job.id === after) + 1
      return all
        .slice(start)
        .filter(({ done }) => !done)
        .map(({ job }) => job)
        .slice(0, limit)
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
      const bounds = livingBounds(state)
      for (const row of allRows(state)) {
        const overlaps = row.entry.locations.some((one) => locations.some((other) => foldersOverlap(one, other)))
        if (row.tombstone || !overlaps) continue
        if (bounds.some(({ branchId, seq }) => branchId === row.entry.branchId && validAt(row, seq))) return true
      }
      return false
    },
  }
}

/** Every position that a reader can still name: heads of open branches, tags, and what either rests on. */
function livingBounds(state: TenantState): Bound[] {
  const heads = [...state.branches.values()].filter((branch) => branch.state === 'open')
  const tags = [...state.tags.values()].flatMap(({ at }) => {
    const branch = state.branches.get(at.branchId)
    return branch ? lineageOf(branch, at.seq) : []
  })
  return [...heads.flatMap((branch) => lineageOf(branch)), ...tags]
}
