import type { Change } from './model.ts'

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
