import { OPEN_SEQ, type Bound, type Entry } from './model.ts'

/** What of a row says whether the metadata file it names can be given up. */
export type NamingRow = Pick<Entry, 'branchId' | 'objectId' | 'fromSeq' | 'toSeq'> & {
  readonly metadataLocation: string
}

/**
 * The files that can be given up (`HistoryStore.trim`), sorted: those that a row of the object names, and no row that is
 * kept, of whichever object.
 * @param rows every row that names one of the files
 * @param bounds every position that readers can still name
 */
export function freeFiles(
  rows: readonly NamingRow[],
  bounds: readonly Bound[],
  { objectId, forgottenAt }: { readonly objectId: string; readonly forgottenAt: Bound },
): string[] {
  const isKept = (row: NamingRow): boolean => bounds.some((bound) => keeps(bound, row, forgottenAt))
  return [...Map.groupBy(rows, ({ metadataLocation }) => metadataLocation)]
    .filter(([, naming]) => naming.some((row) => row.objectId === objectId) && !naming.some(isKept))
    .map(([location]) => location)
    .toSorted()
}

/** Whether the position shows the row, or comes after it and may still show what names its file in a log. */
function keeps(bound: Bound, { branchId, fromSeq, toSeq }: NamingRow, forgottenAt: Bound): boolean {
  if (bound.branchId !== branchId || bound.seq < fromSeq) return false
  const hasForgotten = bound.branchId === forgottenAt.branchId && bound.seq >= forgottenAt.seq
  return !hasForgotten || toSeq === OPEN_SEQ || bound.seq < toSeq
}
