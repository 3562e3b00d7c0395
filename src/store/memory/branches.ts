import type { BranchStore } from '#store/store'
import { forkAncestors, lineageOf, validAt } from '#versions/lineage'
import type { Branch } from '#versions/model'
import { allRows, refByName, type TenantState } from './state.ts'

export function branchStore(state: TenantState): BranchStore {
  const isTaken = (catalogId: string, { id, name }: { id: string; name: string }): boolean =>
    state.branches.has(id) || state.tags.has(id) || refByName(state, catalogId, name) !== null
  return {
    get: async (catalogId, name) => refByName(state, catalogId, name),
    fork: async ({ id, name, from }) => {
      const source = state.branches.get(from.branchId)
      const seq = from.seq ?? source?.headSeq ?? 0
      if (source?.state !== 'open' || seq > source.headSeq || isTaken(source.catalogId, { id, name })) return null
      if (bringsBackGone(state, source, seq)) return null
      const { catalogId } = source
      const branch = { id, catalogId, name, state: 'open', headSeq: 0, ancestors: forkAncestors(source, seq) } as const
      state.branches.set(id, branch)
      return branch
    },
    tag: async ({ id, name, from }) => {
      const source = state.branches.get(from.branchId)
      const seq = from.seq ?? source?.headSeq ?? 0
      if (source?.state !== 'open' || seq > source.headSeq || isTaken(source.catalogId, { id, name })) return null
      if (bringsBackGone(state, source, seq)) return null
      const tag = { id, catalogId: source.catalogId, name, at: { branchId: source.id, seq } }
      state.tags.set(id, tag)
      return tag
    },
    close: async (branchId) => {
      const branch = state.branches.get(branchId)
      if (branch?.state !== 'open') return false
      state.branches.set(branchId, { ...branch, state: 'closed' })
      return true
    },
  }
}

/** Whether a past position shows a table whose files were purged, or are about to be, or whose metadata was trimmed. */
function bringsBackGone(state: TenantState, source: Branch, seq: number): boolean {
  if (source.state === 'open' && seq === source.headSeq) return false
  const purged = new Set([...state.purges.values()].map(({ job }) => job.objectId))
  const bounds = lineageOf(source, seq)
  return [...allRows(state)].some(
    (row) =>
      !row.tombstone &&
      (row.trimmed === true || purged.has(row.entry.objectId)) &&
      bounds.some((bound) => bound.branchId === row.entry.branchId && validAt(row, bound.seq)),
  )
}
