import type { HistoryStore } from '#store/store'
import { OPEN_SEQ, type Bound, type Branch, type Change, type Key } from '#versions/model'
import { joined, positionText, put, type Put } from './documents.ts'
import { failure } from './failures.ts'
import { livingBounds } from './folders.ts'
import type { TenantLog } from './log.ts'
import { entryId, placesOf, type Places } from './places.ts'
import type { Reader } from './rows.ts'

/** A row that names a metadata file: of `objectId`, from `seq` on. */
interface Naming {
  readonly branchId: string
  readonly key: Key
  readonly seq: number
  readonly objectId: string
}

/** The same: which document says so, and where the row ends. */
type NamingRow = Naming & { readonly id: string; readonly location: string; readonly toSeq: number }

/** Rows of one branch looked at together on the way to one that a position shows. */
const TRIMMED_ROWS_PER_QUERY = 500

/** Where a row is found by its file's name. `rev` is the commit's id, so the document is a new one. */
export function namingPuts(places: Places, branchId: string, { key, next }: Change, seq: number, rev: string): Put[] {
  if (!next || next.metadataLocation === null) return []
  const value: Naming = { branchId, key, seq, objectId: next.objectId }
  return [
    put(places.naming(next.metadataLocation), joined(rev, entryId(places, branchId, key)), { state: 'on', value }),
  ]
}

/** One step of the log: a branch or tag is made before it, and keeps the file, or after it, and finds the marks. */
export function trimmer(log: TenantLog): HistoryStore['trim'] {
  const places = placesOf(log.tenant)
  return async ({ objectId, metadataLocations, forgottenAt }) =>
    log
      .act(async (snapshot) => {
        const reader = { snapshot, places }
        const [rows, bounds] = await Promise.all([rowsNaming(reader, metadataLocations), livingBounds(reader)])
        const isKept = (row: NamingRow): boolean => bounds.some((bound) => keeps(bound, row, forgottenAt))
        const free = [...Map.groupBy(rows, ({ location }) => location)].flatMap(([location, naming]) =>
          naming.some((row) => row.objectId === objectId) && !naming.some(isKept) ? [{ location, naming }] : [],
        )
        const marks = free.flatMap(({ location, naming }) => [
          put(places.trimmed, location, { state: 'on', value: location }),
          ...naming.map(({ branchId, toSeq, seq, id }) =>
            put(places.trimmedRows(branchId), joined(positionText(toSeq), id), { state: 'on', value: seq }),
          ),
        ])
        const there = await snapshot.puts(marks.map(({ id }) => id))
        const puts = marks.filter((_, i) => there[i] === null)
        const answer = free.map(({ location }) => location).toSorted()
        return { answer, ...(puts.length > 0 ? { write: { puts } } : {}) }
      })
      .catch(failure)
}

/** Whether the file was given up: a row that named it then, whichever. */
export async function isTrimmed({ snapshot, places }: Reader, location: string): Promise<boolean> {
  return (await snapshot.value<string>(joined(places.trimmed, location))) !== null
}

/**
 * Whether a past position of an open branch shows a row whose file was given up. What the branch rests on can't: it is
 * in every reader's view for as long as the branch is open.
 */
export async function showsTrimmed({ snapshot, places }: Reader, branch: Branch, seq: number): Promise<boolean> {
  const group = places.trimmedRows(branch.id)
  let from: { from: string } | { after: string } | null = { from: positionText(seq + 1) }
  while (from) {
    const { puts, end } = await snapshot.range({ group, ...from, limit: TRIMMED_ROWS_PER_QUERY })
    if (puts.some(({ value }) => Number(value) <= seq)) return true
    from = end === null ? null : { after: end }
  }
  return false
}

/** Whether the position shows the row, or comes after it and may still show what names its file in a log. */
function keeps(bound: Bound, { branchId, seq, toSeq }: NamingRow, forgottenAt: Bound): boolean {
  if (bound.branchId !== branchId || bound.seq < seq) return false
  const hasForgotten = bound.branchId === forgottenAt.branchId && bound.seq >= forgottenAt.seq
  return !hasForgotten || toSeq === OPEN_SEQ || bound.seq < toSeq
}

async function rowsNaming(reader: Reader, metadataLocations: readonly string[]): Promise<NamingRow[]> {
  const { snapshot, places } = reader
  const location = new Map(metadataLocations.map((each) => [places.naming(each), each]))
  const found = (await snapshot.together([...location.keys()])).flatMap(({ id, group, value }) =>
    value === null ? [] : [{ ...(JSON.parse(value) as Naming), id, location: location.get(group) ?? '' }],
  )
  const ofEntry = Map.groupBy(found, ({ branchId, key }) => entryId(places, branchId, key))
  const rows = await Promise.all(
    [...ofEntry].map(async ([id, naming]) => {
      const seqs = naming.map(({ seq }) => seq)
      const positions = await snapshot.positions(id, Math.min(...seqs), Math.max(...seqs))
      return naming.map((one) => ({ ...one, toSeq: positions.find((seq) => seq > one.seq) ?? OPEN_SEQ }))
    }),
  )
  return rows.flat()
}
