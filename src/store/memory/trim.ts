import type { HistoryStore } from '#store/store'
import { validAt, type Row } from '#versions/lineage'
import { livingBounds } from './shown.ts'
import { allRows, type TenantState } from './state.ts'

type Input = Parameters<HistoryStore['trim']>[0]

/** Decides first and marks afterwards: nothing in between can fail. */
export function trimIn(state: TenantState, { objectId, metadataLocations, forgottenAt }: Input): string[] {
  const bounds = livingBounds(state)
  const isKept = (row: Row): boolean =>
    bounds.some(({ branchId, seq }) => {
      if (branchId !== row.entry.branchId || seq < row.entry.fromSeq) return false
      const hasForgotten = branchId === forgottenAt.branchId && seq >= forgottenAt.seq
      return !hasForgotten || validAt(row, seq)
    })
  const rowsOf = new Map<string, Row[]>()
  for (const row of allRows(state)) {
    const { metadataLocation } = row.entry
    if (row.tombstone || metadataLocation === null || !metadataLocations.includes(metadataLocation)) continue
    rowsOf.set(metadataLocation, [...(rowsOf.get(metadataLocation) ?? []), row])
  }
  const trimmed = [...rowsOf].flatMap(([location, rows]) =>
    rows.some(({ entry }) => entry.objectId === objectId) && !rows.some(isKept) ? [location] : [],
  )
  mark(state, new Set([...rowsOf].flatMap(([location, rows]) => (trimmed.includes(location) ? rows : []))))
  return trimmed.toSorted()
}

function mark(state: TenantState, trimmed: ReadonlySet<Row>): void {
  for (const ofBranch of state.rows.values())
    for (const [key, rows] of ofBranch)
      ofBranch.set(
        key,
        rows.map((row) => (trimmed.has(row) ? { ...row, trimmed: true } : row)),
      )
}
