import { firstOverlap, folderRange, foldersAbove, foldersOf, type Folder } from '#versions/folders'
import { livingBounds } from '#versions/lineage'
import type { Bound, Branch, CatalogTag, Change, Entry, Key } from '#versions/model'
import { joined, put, valuesOf, type Put } from './documents.ts'
import { entryId, type FolderPlaces, type Places } from './places.ts'
import { rowsAt } from './rows.ts'
import type { Snapshot } from './snapshot.ts'

interface Seen {
  readonly branchId: string
  readonly key: Key
}

/** As {@link firstOverlap}, of what the snapshot shows. `kept`: objects the commit has already. */
export async function overlapOf(
  snapshot: Snapshot,
  changes: readonly Change[],
  kept: ReadonlySet<string>,
): Promise<number> {
  const { folders, purgeFolders } = snapshot.places
  const wanted = changes.flatMap(({ next }) => next?.locations ?? [])
  const [ever, purging] = await Promise.all([around(snapshot, wanted, folders), around(snapshot, wanted, purgeFolders)])
  return firstOverlap(changes, { shown: await shownFolders(snapshot, ever), ever, purging, kept })
}

/** Whether a reader can still see a folder that is, holds or lies in one of these. */
export async function isStillNamed(snapshot: Snapshot, locations: readonly string[]): Promise<boolean> {
  const ever = await around(snapshot, locations, snapshot.places.folders)
  return (await shownFolders(snapshot, ever)).length > 0
}

/** Where a change puts its object, and the folders it gives it: what finds both again later. */
export function folderPuts(places: Places, branchId: string, { key, next }: Change): Put[] {
  if (!next || next.kind === 'namespace') return []
  const seen: Seen = { branchId, key }
  return [
    put(places.objects(next.objectId), entryId(places, branchId, key), seen),
    ...putsOfFolders(places.folders, foldersOf(next), next.objectId),
  ]
}

/** Folders that something has: `owner`. */
export function putsOfFolders(
  { all, at }: FolderPlaces,
  folders: readonly Folder[],
  owner: string,
  state = 'on',
): Put[] {
  return folders.flatMap((folder) => [
    put(all, joined(folder.location, owner), folder, state),
    put(at(folder.location), owner, folder, state),
  ])
}

/** What the bounds show where one of the objects has ever been. */
export async function shownWith(
  snapshot: Snapshot,
  objectIds: readonly string[],
  bounds: readonly Bound[],
): Promise<Entry[]> {
  const seen = await snapshot.together([...new Set(objectIds)].map((id) => snapshot.places.objects(id)))
  const keysOn = Map.groupBy(valuesOf<Seen>(seen), ({ branchId }) => branchId)
  const keysAt = ({ branchId }: Bound): Key[] => (keysOn.get(branchId) ?? []).map(({ key }) => key)
  const rows = await Promise.all(bounds.map(async (bound) => rowsAt(snapshot, bound, keysAt(bound))))
  return rows.flat().flatMap((row) => (row && !row.tombstone ? row.entry : []))
}

/** Fetches what {@link overlapOf} will ask for once it knows that folders of the changes are those of their own objects. */
export async function shownFoldersAlong(snapshot: Snapshot, changes: readonly Change[]): Promise<void> {
  const objectIds = changes.flatMap(({ next }) => (next && next.locations.length > 0 ? [next.objectId] : []))
  if (objectIds.length > 0) await Promise.all([shownWith(snapshot, objectIds, []), boundsOf(snapshot)])
}

async function shownFolders(snapshot: Snapshot, folders: readonly Folder[]): Promise<Folder[]> {
  if (folders.length === 0) return []
  const objectIds = folders.map(({ objectId }) => objectId)
  const shown = (await shownWith(snapshot, objectIds, await boundsOf(snapshot))).flatMap(foldersOf)
  const named = new Set(shown.map(({ objectId, location }) => joined(objectId, location)))
  return folders.filter(({ objectId, location }) => named.has(joined(objectId, location)))
}

/** As {@link livingBounds}, of the tenant. */
export async function boundsOf(snapshot: Snapshot): Promise<Bound[]> {
  const { branches, tags } = snapshot.places
  const [open, tagPuts] = await Promise.all([
    snapshot.all({ group: branches, states: ['open'] }),
    snapshot.all({ group: tags }),
  ])
  const named = valuesOf<CatalogTag>(tagPuts)
  const below = await snapshot.puts(named.map(({ at }) => joined(branches, at.branchId)))
  return livingBounds(valuesOf<Branch>([...open, ...below.filter((one) => one !== null)]), named)
}

/** Folders that are, hold or lie in one of these: those below are a range of one group, those above each a group. */
async function around(snapshot: Snapshot, locations: readonly string[], { all, at }: FolderPlaces): Promise<Folder[]> {
  const above = new Set(locations.flatMap((location) => foldersAbove(location).slice(0, -1)))
  const found = await Promise.all([
    snapshot.together([...above].map(at)),
    // No key is a location alone, so those behind it are all.
    ...locations.map(folderRange).map(async ({ from, to }) => snapshot.all({ group: all, after: from, to })),
  ])
  return valuesOf(found.flat())
}
