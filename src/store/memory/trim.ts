import type { HistoryStore } from '#store/store'
import type { Row } from '#versions/lineage'
import { freeFiles } from '#versions/trim'
import { boundsOf } from './shown.ts'
import { allRows, type TenantState } from './state.ts'

/** Decides first and marks afterwards: nothing in between can fail. */
export function trimIn(state: TenantState, input: Parameters<HistoryStore['trim']>[0]): string[] {
  const naming = [...allRows(state)].flatMap(({ tombstone, entry: { metadataLocation, ...row } }) =>
    tombstone || metadataLocation === null || !input.metadataLocations.includes(metadataLocation)
      ? []
      : [{ ...row, metadataLocation }],
  )
  const free = freeFiles(naming, boundsOf(state), input)
  const isFree = ({ tombstone, entry }: Row): boolean => !tombstone && free.includes(entry.metadataLocation ?? '')
  const marked = (row: Row): Row => (isFree(row) ? { ...row, trimmed: true } : row)
  for (const ofBranch of state.rows.values()) for (const [key, rows] of ofBranch) ofBranch.set(key, rows.map(marked))
  return free
}
