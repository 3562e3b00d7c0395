import type { Change, EntryValue } from './model.ts'

/** The folders a folder lies in, the outermost first and itself last: `s3://b/`, `s3://b/x/`, `s3://b/x/y/`. */
export function foldersAbove(location: string): string[] {
  const root = location.indexOf('/', location.indexOf('://') + 3)
  const folders: string[] = []
  for (let end = root; end !== -1; end = location.indexOf('/', end + 1)) folders.push(location.slice(0, end + 1))
  return folders
}

/**
 * What lies in a folder, itself included, as a range of an index: `from <= location < to`, compared by bytes. `to` has
 * the character after `/` in the place of the last one.
 */
export function folderRange(location: string): { from: string; to: string } {
  return { from: location, to: `${location.slice(0, -1)}0` }
}

/** Whether one folder is the other, or holds it. Both end in `/`. */
export function foldersOverlap(a: string, b: string): boolean {
  return a.startsWith(b) || b.startsWith(a)
}

/** A folder that an object has, had, or is to lose by a purge. */
export interface Folder {
  readonly location: string
  readonly objectId: string
}

/** The folders of an entry, or of a purge. */
export function foldersOf({ objectId, locations }: Pick<EntryValue, 'objectId' | 'locations'>): Folder[] {
  return locations.map((location) => ({ location, objectId }))
}

/** What stands around the folders of a commit's changes: more than that may be named, but nothing left out. */
interface Surroundings {
  /** Folders of rows that readers can see. */
  readonly shown: readonly Folder[]
  /** Folders of all rows, former ones too. */
  readonly ever: readonly Folder[]
  /** Folders of pending purges. */
  readonly purging: readonly Folder[]
  /** The objects that the changed keys show already. */
  readonly kept: ReadonlySet<string>
}

/** The first change, by index, whose folders are not to be had (see `EntryValue.locations`), and -1 if there is none. */
export function firstOverlap(changes: readonly Change[], { shown, ever, purging, kept }: Surroundings): number {
  const clashing = changesThatClash(changes)
  return changes.findIndex(({ next, unusedBefore }, index) => {
    if (!next || next.locations.length === 0) return false
    const careful = next.locations.filter((location) => unusedBefore?.includes(location) === true)
    const isOwn = ({ objectId }: Folder): boolean => objectId === next.objectId
    return (
      clashing.has(index) ||
      shown.some((folder) => !isOwn(folder) && overlaps(folder, next.locations)) ||
      ever.some((folder) => !isOwn(folder) && overlaps(folder, careful)) ||
      purging.some((folder) => !(isOwn(folder) && kept.has(next.objectId)) && overlaps(folder, next.locations))
    )
  })
}

function overlaps({ location }: Folder, others: readonly string[]): boolean {
  return others.some((other) => foldersOverlap(location, other))
}

/** The indexes of changes whose folders overlap with those of another object in an earlier change of the same commit. */
export function changesThatClash(changes: readonly Change[]): ReadonlySet<number> {
  const owners = new Map<string, string>()
  const inside = new Map<string, Set<string>>()
  const clashing = new Set<number>()
  for (const [index, { next }] of changes.entries()) {
    if (!next) continue
    const clash = next.locations.some((location) => {
      const above = foldersAbove(location).some((folder) => isOther(owners.get(folder), next.objectId))
      const below = [...(inside.get(location) ?? [])].some((owner) => owner !== next.objectId)
      return above || below
    })
    if (clash) clashing.add(index)
    for (const location of next.locations) {
      owners.set(location, next.objectId)
      for (const folder of foldersAbove(location))
        inside.set(folder, (inside.get(folder) ?? new Set()).add(next.objectId))
    }
  }
  return clashing
}

function isOther(owner: string | undefined, objectId: string): boolean {
  return owner !== undefined && owner !== objectId
}
