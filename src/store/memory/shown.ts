import { livingBounds, validAt, type Row } from '#versions/lineage'
import type { Bound } from '#versions/model'
import type { TenantState } from './state.ts'

/** Says of a row whether it is shown at one of the positions. */
export function shownAt(bounds: readonly Bound[]): (row: Row) => boolean {
  return (row) =>
    !row.tombstone && bounds.some(({ branchId, seq }) => branchId === row.entry.branchId && validAt(row, seq))
}

/** As {@link livingBounds}, of the tenant. */
export function boundsOf({ branches, tags }: TenantState): Bound[] {
  return livingBounds([...branches.values()], [...tags.values()])
}
