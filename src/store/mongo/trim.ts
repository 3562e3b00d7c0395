import type { HistoryStore } from '#store/store'
import { OPEN_SEQ, type Branch, type Change, type Key } from '#versions/model'
import { freeFiles } from '#versions/trim'
import { joined, positionText, put, type Put } from './documents.ts'
import { boundsOf } from './folders.ts'
import type { TenantLog } from './log.ts'
import { entryId, type Places } from './places.ts'
import type { Range, Snapshot } from './snapshot.ts'

/** A row that names a metadata file: of `objectId`, from `seq` on. */
interface Naming {
  readonly branchId: string
  readonly key: Key
  readonly seq: number
  readonly objectId: string
}

/** Rows of one branch looked at together on the way to one that a position shows. */
const TRIMMED_ROWS_PER_QUERY = 500

/** Where a row is found by its file's name. `rev` is the commit's id, so the document is a new one. */
export function namingPuts(places: Places, branchId: string, { key, next }: Change, seq: number, rev: string): Put[] {
  if (!next || next.metadataLocation === null) return []
  const value: Naming = { branchId, key, seq, objectId: next.objectId }
  return [put(places.naming(next.metadataLocation), joined(rev, entryId(places, branchId, key)), value)]
}

/** One step of the log: a branch or tag is made before it, and keeps the file, or after it, and finds the marks. */
export function trimmer(log: TenantLog): HistoryStore['trim'] {
  return async (input) =>
    log.act(async (snapshot) => {
      const { trimmed, trimmedRows } = snapshot.places
      const [rows, bounds] = await Promise.all([rowsNaming(snapshot, input.metadataLocations), boundsOf(snapshot)])
      const answer = freeFiles(rows, bounds, input)
      const gone = rows.filter(({ metadataLocation }) => answer.includes(metadataLocation))
      const marks = [
        ...answer.map((location) => put(trimmed, location, location)),
        ...gone.map((row) => put(trimmedRows(row.branchId), joined(positionText(row.toSeq), row.id), row.fromSeq)),
      ]
      const there = await snapshot.puts(marks.map(({ id }) => id))
      return { answer, puts: marks.filter((_, i) => there[i] === null) }
    })
}

/** Whether the file was given up: a row that named it then, whichever. */
export async function isTrimmed(snapshot: Snapshot, location: string): Promise<boolean> {
  return (await snapshot.value<string>(snapshot.places.trimmed, location)) !== null
}

/**
 * Whether a past position of an open branch shows a row whose file was given up. What the branch rests on can't: it is
 * in every reader's view for as long as the branch is open.
 */
export async function showsTrimmed(snapshot: Snapshot, branch: Branch, seq: number): Promise<boolean> {
  const group = snapshot.places.trimmedRows(branch.id)
  let after: string | null = positionText(seq + 1)
  while (after !== null) {
    const { puts, end }: Range = await snapshot.range({ group, after, limit: TRIMMED_ROWS_PER_QUERY })
    if (puts.some(({ value }) => Number(value) <= seq)) return true
    after = end
  }
  return false
}

/** As {@link freeFiles} wants them, each with the id of what it was found by. */
async function rowsNaming(snapshot: Snapshot, metadataLocations: readonly string[]) {
  const { places } = snapshot
  const location = new Map(metadataLocations.map((each) => [places.naming(each), each]))
  const found = (await snapshot.together([...location.keys()])).flatMap(({ id, group, value }) =>
    value === null ? [] : [{ ...(JSON.parse(value) as Naming), id, metadataLocation: location.get(group) ?? '' }],
  )
  const ofEntry = Map.groupBy(found, ({ branchId, key }) => entryId(places, branchId, key))
  const rows = await Promise.all(
    [...ofEntry].map(async ([id, naming]) => {
      const seqs = naming.map(({ seq }) => seq)
      const positions = await snapshot.positions(id, Math.min(...seqs), Math.max(...seqs))
      const nextAfter = (from: number): number => positions.find((seq) => seq > from) ?? OPEN_SEQ
      return naming.map((one) => ({ ...one, fromSeq: one.seq, toSeq: nextAfter(one.seq) }))
    }),
  )
  return rows.flat()
}
