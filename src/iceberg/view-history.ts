import { badRequest } from '#domain/errors'
import { shown } from './fields.ts'
import type { VersionLogEntry, ViewMetadata } from './view-metadata.ts'
import { dialectsOf, type ViewVersion } from './view-version.ts'

const HISTORY_SIZE = 'version.history.num-entries'
const HISTORY_SIZE_DEFAULT = 10
const DROP_DIALECT_ALLOWED = 'replace.drop-dialect.allowed'

/** The properties of a view, by name. */
export type ViewProperties = ReadonlyMap<string, string>

/**
 * The versions that stay, and the log without a gap: the newest by id, as many as the view wants to remember, and in any
 * case the current one and those added now. What came before a version that is gone is gone from the log, too.
 * @param added how many versions the change has added, the current one included
 * @throws CatalogError `bad-request` if the view's wish is not a positive number
 */
export function trimHistory(
  history: Pick<ViewMetadata, 'versions' | 'version-log'>,
  currentId: number,
  properties: ViewProperties,
  added: number,
): Pick<ViewMetadata, 'versions' | 'version-log'> {
  const keep = Math.max(historySize(properties), added)
  if (history.versions.length <= keep) return history
  const newestFirst = history.versions
    .map((version) => version['version-id'])
    .filter((id) => id !== currentId)
    .toSorted((a, b) => b - a)
  const kept = new Set([currentId, ...newestFirst.slice(0, keep - 1)])
  let log: VersionLogEntry[] = []
  for (const entry of history['version-log'])
    if (kept.has(entry['version-id'])) log.push(entry)
    else log = []
  return { versions: history.versions.filter((version) => kept.has(version['version-id'])), 'version-log': log }
}

/**
 * A replacement must speak every SQL dialect that the version before it spoke, unless the view's properties allow less:
 * otherwise one engine takes the view away from another.
 * @throws CatalogError `bad-request` with the message that Java's clients have
 */
export function checkNoDialectLost(previous: ViewVersion, next: ViewVersion, properties: ViewProperties): void {
  if (properties.get(DROP_DIALECT_ALLOWED)?.toLowerCase() === 'true') return
  const [before, after] = [dialectsOf(previous), dialectsOf(next)]
  if (before.every((dialect) => after.includes(dialect))) return
  throw badRequest(
    `Cannot replace view due to loss of view dialects (${DROP_DIALECT_ALLOWED}=false):\nPrevious dialects: [${before.join(', ')}]\nNew dialects: [${after.join(', ')}]`,
  )
}

/** @throws CatalogError `bad-request` */
export function historySize(properties: ViewProperties): number {
  const text = properties.get(HISTORY_SIZE)
  if (text === undefined) return HISTORY_SIZE_DEFAULT
  if (/^-?\d{1,9}$/.test(text) && Number(text) <= 0)
    throw badRequest(`${HISTORY_SIZE} must be positive but was ${text}`)
  if (!/^\d{1,9}$/.test(text))
    throw badRequest(`Invalid property '${HISTORY_SIZE}': expected a positive number, found ${shown(text)}`)
  return Number(text)
}
