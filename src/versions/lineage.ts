import { CatalogError } from '#domain/errors'
import { OPEN_SEQ, type Bound, type Branch, type CatalogTag, type Entry, type Lineage } from './model.ts'

/** A stored row. A tombstone says "absent" although an ancestor of the branch still shows the key. */
export interface Row {
  readonly entry: Entry
  readonly tombstone: boolean
  /** Its metadata file was given up: see `HistoryStore.trim`. */
  readonly trimmed?: true
}

/** Ancestors a branch may rest on: every read of a branch looks at each of them. */
export const LINEAGE_DEPTH_MAX = 32

/** Where a read of a branch looks: the branch up to `seq` (its head, unless told), then its ancestors. */
export function lineageOf(branch: Pick<Branch, 'id' | 'ancestors'>, seq: number = OPEN_SEQ): Lineage {
  return [{ branchId: branch.id, seq }, ...branch.ancestors]
}

/**
 * The ancestors of a branch made from `source` at `seq`: the source up to there, then the source's own ancestors.
 * @throws CatalogError `unprocessable` if the new branch would rest on too many others
 */
export function forkAncestors(source: Pick<Branch, 'id' | 'ancestors'>, seq: number): Lineage {
  const ancestors = lineageOf(source, seq)
  if (ancestors.length > LINEAGE_DEPTH_MAX)
    throw new CatalogError(
      'unprocessable',
      `A branch may rest on at most ${LINEAGE_DEPTH_MAX} others, this one would on ${ancestors.length}; branch from one nearer to the main branch`,
    )
  return ancestors
}

/** Where the log of a branch goes on before one of its entries: its head and what it rests on, from there downwards. */
export function boundsBefore(branch: Branch, before: Bound | undefined): Lineage {
  const lineage = lineageOf(branch, branch.headSeq)
  if (!before) return lineage
  const start = lineage.findIndex(({ branchId }) => branchId === before.branchId)
  if (start === -1) return []
  return lineage
    .slice(start)
    .map(({ branchId, seq }, depth) => ({ branchId, seq: depth === 0 ? Math.min(before.seq - 1, seq) : seq }))
}

/** A new branch on `source` at `seq`. @throws as {@link forkAncestors} */
export function forkOf(source: Branch, seq: number, { id, name }: { id: string; name: string }): Branch {
  const ancestors = forkAncestors(source, seq)
  return { id, catalogId: source.catalogId, name, state: 'open', headSeq: 0, ancestors }
}

/** A tag on `source` at `seq`. */
export function tagOf(source: Branch, seq: number, { id, name }: { id: string; name: string }): CatalogTag {
  return { id, catalogId: source.catalogId, name, at: { branchId: source.id, seq } }
}

/** Every position that a reader can still name: heads of open branches, tags, and what either rests on, each once. */
export function livingBounds(branches: readonly Branch[], tags: readonly CatalogTag[]): Bound[] {
  const byId = new Map(branches.map((branch) => [branch.id, branch]))
  const heads = branches.filter(({ state }) => state === 'open').flatMap((branch) => lineageOf(branch))
  const named = tags.flatMap(({ at }) => {
    const branch = byId.get(at.branchId)
    return branch ? lineageOf(branch, at.seq) : []
  })
  return [...new Map([...heads, ...named].map((bound) => [`${bound.seq} ${bound.branchId}`, bound])).values()]
}

/** Whether a row is what its branch has at `seq`. */
export function validAt(row: Row, seq: number): boolean {
  return row.entry.fromSeq <= seq && (row.entry.toSeq === OPEN_SEQ || seq < row.entry.toSeq)
}

/**
 * The row that decides what a key is: the first bound whose branch has one. A tombstone is returned as such, so that a
 * caller can tell "absent here" from "never there".
 * @param rowsOf the key's rows on one branch, in any order
 */
export function resolveRow(rowsOf: (branchId: string) => readonly Row[], lineage: Lineage): Row | null {
  for (const { branchId, seq } of lineage) {
    const row = rowsOf(branchId).find((candidate) => validAt(candidate, seq))
    if (row) return row
  }
  return null
}

/** As {@link resolveRow}, as readers see it: null where the key is absent. */
export function resolveEntry(rowsOf: (branchId: string) => readonly Row[], lineage: Lineage): Entry | null {
  const row = resolveRow(rowsOf, lineage)
  return row && !row.tombstone ? row.entry : null
}

/**
 * The ancestor's row that a drop on the branch has to hide with a tombstone; null if closing the branch's own row is
 * enough. It never depends on the branch's own rows: what ancestors show is fixed when the branch is made.
 */
export function rowToHide(rowsOf: (branchId: string) => readonly Row[], ancestors: readonly Bound[]): Row | null {
  const row = resolveRow(rowsOf, ancestors)
  return row && !row.tombstone ? row : null
}
