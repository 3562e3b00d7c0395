import { changesThatClash, folderRange, foldersAbove, foldersOverlap } from '#versions/folders'
import { lineageOf } from '#versions/lineage'
import type { Bound, Branch, CatalogTag, Change, Key } from '#versions/model'
import { joined, put, type Put } from './documents.ts'
import { entryId } from './places.ts'
import { rowsAt, type Reader } from './rows.ts'
import type { Snapshot } from './snapshot.ts'

/** A folder that an object has had, or that a purge works on. */
export interface Folder {
  readonly location: string
  readonly objectId: string
}

interface Seen {
  readonly branchId: string
  readonly key: Key
}

/** The first change, by index, whose folders are another's, and -1 if there is none. `kept`: objects the commit has already. */
export async function firstOverlap(
  reader: Reader,
  changes: readonly Change[],
  kept: ReadonlySet<string>,
): Promise<number> {
  const clashing = changesThatClash(changes)
  const wanted = changes.flatMap(({ next }) => next?.locations ?? [])
  if (wanted.length === 0) return -1
  const { snapshot, places } = reader
  const [used, purging] = await Promise.all([
    around(snapshot, wanted, places.folders, places.foldersAt),
    around(snapshot, wanted, places.purgeFolders, places.purgeFoldersAt),
  ])
  const shown = await shownFolders(reader, used)
  return changes.findIndex(({ next, unusedBefore }, index) => {
    if (!next || next.locations.length === 0) return false
    if (clashing.has(index)) return true
    const careful = next.locations.filter((location) => unusedBefore?.includes(location) === true)
    const isTaken = (folder: Folder): boolean =>
      folder.objectId !== next.objectId && overlaps(folder, shown.has(folder) ? next.locations : careful)
    const isPurged = (folder: Folder): boolean =>
      !(folder.objectId === next.objectId && kept.has(next.objectId)) && overlaps(folder, next.locations)
    return used.some(isTaken) || purging.some(isPurged)
  })
}

/** Whether a reader can still see a folder that is, holds or lies in one of these. */
export async function isStillNamed(reader: Reader, locations: readonly string[]): Promise<boolean> {
  if (locations.length === 0) return false
  const { snapshot, places } = reader
  const used = await around(snapshot, locations, places.folders, places.foldersAt)
  return (await shownFolders(reader, used)).size > 0
}

/** Where a change puts its object, and the folders it gives it: what finds both again later. */
export function folderPuts({ places }: Reader, branchId: string, { key, next }: Change): Put[] {
  if (!next || next.kind === 'namespace') return []
  const { objectId } = next
  const seen: Seen = { branchId, key }
  return [
    put(places.objects(objectId), entryId(places, branchId, key), { state: 'on', value: seen }),
    ...next.locations.flatMap((location): Put[] => {
      const value: Folder = { location, objectId }
      return [
        put(places.folders, joined(location, objectId), { state: 'on', value }),
        put(places.foldersAt(location), objectId, { state: 'on', value }),
      ]
    }),
  ]
}

/** Those of the objects that one of the bounds shows. */
export async function shownObjects(
  reader: Reader,
  objectIds: readonly string[],
  bounds: readonly Bound[],
): Promise<Map<string, Set<string>>> {
  const { snapshot, places } = reader
  const unique = [...new Set(objectIds)]
  const seen = await Promise.all(unique.map((id) => snapshot.all({ group: places.objects(id) })))
  const shown = new Map<string, Set<string>>()
  const where = seen.flat().flatMap(({ value }) => (value === null ? [] : [JSON.parse(value) as Seen]))
  const keysOn = Map.groupBy(where, ({ branchId }) => branchId)
  const rows = await Promise.all(
    bounds.map((bound) =>
      rowsAt(
        reader,
        bound,
        (keysOn.get(bound.branchId) ?? []).map(({ key }) => key),
      ),
    ),
  )
  for (const row of rows.flat()) {
    if (!row || row.tombstone) continue
    const { objectId, locations } = row.entry
    shown.set(objectId, new Set([...(shown.get(objectId) ?? []), ...locations]))
  }
  return shown
}

async function shownFolders(reader: Reader, folders: readonly Folder[]): Promise<ReadonlySet<Folder>> {
  if (folders.length === 0) return new Set()
  const shown = await shownObjects(
    reader,
    folders.map(({ objectId }) => objectId),
    await livingBounds(reader),
  )
  return new Set(folders.filter(({ objectId, location }) => shown.get(objectId)?.has(location)))
}

/** Every position that a reader can still name: heads of open branches, tags, and what either rests on. */
export async function livingBounds({ snapshot, places }: Reader): Promise<Bound[]> {
  const [open, tags] = await Promise.all([
    snapshot.all({ group: places.branches, states: ['open'] }),
    snapshot.all({ group: places.tags }),
  ])
  const heads = open.map(({ value }) => JSON.parse(value ?? '') as Branch)
  const named = tags.map(({ value }) => JSON.parse(value ?? '') as CatalogTag)
  const below = await Promise.all(
    named.map(async ({ at }) => {
      const branch = await snapshot.value<Branch>(joined(places.branches, at.branchId))
      return branch ? lineageOf(branch, at.seq) : []
    }),
  )
  const bounds = [...heads.flatMap((branch) => lineageOf(branch)), ...below.flat()]
  return [...new Map(bounds.map((bound) => [`${bound.seq} ${bound.branchId}`, bound])).values()]
}

/** Folders that are, hold or lie in one of these: those below are a range of one group, those above each a group. */
async function around(
  snapshot: Snapshot,
  locations: readonly string[],
  group: string,
  groupAt: (location: string) => string,
): Promise<Folder[]> {
  const above = new Set(locations.flatMap((location) => foldersAbove(location).slice(0, -1)))
  const found = await Promise.all([
    snapshot.together([...above].map(groupAt)),
    ...locations.map(async (location) => snapshot.all({ group, ...folderRange(location) })),
  ])
  return found.flat().flatMap(({ value }) => (value === null ? [] : [JSON.parse(value) as Folder]))
}

function overlaps({ location }: Folder, others: readonly string[]): boolean {
  return others.some((other) => foldersOverlap(location, other))
}
