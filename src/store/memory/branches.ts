import type { BranchStore, NewRef, Place } from '#store/store'
import { forkOf, lineageOf, tagOf } from '#versions/lineage'
import type { Branch } from '#versions/model'
import { shownAt } from './shown.ts'
import { allRows, refByName, type TenantState } from './state.ts'

export function branchStore(state: TenantState): BranchStore {
  /** Where a branch or tag is to stand; null if it may not, or its name or id is taken. */
  const sourceOf = ({ id, name, from }: NewRef): Pick<Place, 'branch' | 'seq'> | null => {
    const branch = state.branches.get(from.branchId)
    const seq = from.seq ?? branch?.headSeq ?? 0
    if (branch?.state !== 'open' || seq > branch.headSeq || state.branches.has(id) || state.tags.has(id)) return null
    if (refByName(state, branch.catalogId, name) !== null || bringsBackGone(state, branch, seq)) return null
    return { branch, seq }
  }
  return {
    get: async (catalogId, name) => refByName(state, catalogId, name),
    fork: async (input) => {
      const source = sourceOf(input)
      const branch = source && forkOf(source.branch, source.seq, input)
      if (branch) state.branches.set(branch.id, branch)
      return branch
    },
    tag: async (input) => {
      const source = sourceOf(input)
      const tag = source && tagOf(source.branch, source.seq, input)
      if (tag) state.tags.set(tag.id, tag)
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
function bringsBackGone(state: TenantState, branch: Branch, seq: number): boolean {
  if (seq === branch.headSeq) return false
  const purged = new Set([...state.purges.values()].map(({ job }) => job.objectId))
  const gone = [...allRows(state)].filter(({ entry, trimmed }) => trimmed === true || purged.has(entry.objectId))
  return gone.some(shownAt(lineageOf(branch, seq)))
}
