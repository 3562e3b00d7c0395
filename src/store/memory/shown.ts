import { livingBounds, validAt, type Row } from '#versions/lineage'
import type { Bound } from '#versions/model'
import type { TenantState } from './state.ts'

/** Says of a row whether readers can still see it. What they can name is looked up now, once for all rows. */
export function shownNow(state: TenantState): (row: Row) => boolean {
  const bounds = boundsOf(state)
  return (row) =>
    !row.tombstone && bounds.some(({ branchId, seq }) => branchId === row.entry.branchId && validAt(row, seq))
}

/** As {@link livingBounds}, of the tenant. */
export function boundsOf({ branches, tags }: TenantState): Bound[] {
  return livingBounds([...branches.values()], [...tags.values()])
}
