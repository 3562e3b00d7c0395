import { lineageOf, validAt, type Row } from '#versions/lineage'
import type { Bound } from '#versions/model'
import type { TenantState } from './state.ts'

/** Says of a row whether readers can still see it. What they can name is looked up now, once for all rows. */
export function shownNow(state: TenantState): (row: Row) => boolean {
  const bounds = livingBounds(state)
  return (row) =>
    !row.tombstone && bounds.some(({ branchId, seq }) => branchId === row.entry.branchId && validAt(row, seq))
}

/** Every position that a reader can still name: heads of open branches, tags, and what either rests on. */
export function livingBounds(state: TenantState): Bound[] {
  const heads = [...state.branches.values()].filter((branch) => branch.state === 'open')
  const tags = [...state.tags.values()].flatMap(({ at }) => {
    const branch = state.branches.get(at.branchId)
    return branch ? lineageOf(branch, at.seq) : []
  })
  return [...heads.flatMap((branch) => lineageOf(branch)), ...tags]
}
