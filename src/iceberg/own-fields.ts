import { withoutSlash } from './files.ts'

/** The updates that tables and views share. Each says whether it changed anything. */

export function setLocation(draft: { location: string | undefined }, location: string): boolean {
  if (draft.location !== undefined && withoutSlash(draft.location) === location) return false
  draft.location = location
  return true
}

export function setProperties(properties: Map<string, string>, updates: Readonly<Record<string, string>>): boolean {
  const changed = Object.entries(updates).filter(([name, value]) => properties.get(name) !== value)
  for (const [name, value] of changed) properties.set(name, value)
  return changed.length > 0
}

export function removeProperties(properties: Map<string, string>, removals: readonly string[]): boolean {
  return removals.filter((name) => properties.delete(name)).length > 0
}
