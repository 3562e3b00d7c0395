import { isNormal, isWithinFolder, locateObject, type ValidatedLocation } from '#domain/location'
import type { R2Storage } from '#domain/records'
import type { TableMetadata } from '#iceberg/metadata'
import { TRIM_FILES_MAX } from '#src/limits'
import type { Bound, Entry } from '#versions/model'
import type { CatalogDeps } from './deps.ts'

/** A commit to a table that has landed. `locations` are the table's folders after it. */
export interface LandedCommit {
  readonly objectId: string
  readonly locations: Entry['locations']
  readonly storage: R2Storage
  readonly at: Bound
  readonly base: Logged
  readonly metadata: Logged
}

type Logged = Pick<TableMetadata, 'metadata-log' | 'properties'>

/**
 * Deletes, after the answer, the metadata files that a commit has dropped from the table's metadata log, where the table
 * wants that (`write.metadata.delete-after-commit.enabled`, read from the new metadata as Java does). First the store
 * gives the files up, so that nothing comes to show them again; then they go. What fails in between leaves files that
 * nobody needs. A table without the property costs nothing.
 */
export function trimLater(deps: Pick<CatalogDeps, 'tenant' | 'objects' | 'later'>, commit: LandedCommit): void {
  if (isWanted(commit.metadata)) deps.later(trim(deps, commit))
}

function isWanted({ properties }: Logged): boolean {
  return properties['write.metadata.delete-after-commit.enabled']?.toLowerCase() === 'true'
}

/**
 * The files that only the log of the base named, in the table's own folders. A log may say anything, because clients
 * register files with one of their own making: whose a file is, the store decides by its rows.
 */
function forgottenFiles({ base, metadata, locations, storage }: LandedCommit): readonly ValidatedLocation[] {
  const kept = new Set(metadata['metadata-log'].map((entry) => entry['metadata-file']))
  const forgotten = new Set(base['metadata-log'].map((entry) => entry['metadata-file']).filter((uri) => !kept.has(uri)))
  return [...forgotten]
    .flatMap((uri) => locateObject(uri, storage) ?? [])
    .filter(
      (file) => isNormal(file.uri) && !kept.has(file.uri) && locations.some((folder) => isWithinFolder(file, folder)),
    )
    .slice(-TRIM_FILES_MAX)
}

async function trim({ tenant, objects }: Pick<CatalogDeps, 'tenant' | 'objects'>, commit: LandedCommit): Promise<void> {
  const { objectId, at } = commit
  const files = forgottenFiles(commit)
  if (files.length === 0) return
  const metadataLocations = files.map(({ uri }) => uri)
  const free = new Set(await tenant.history.trim({ objectId, metadataLocations, forgottenAt: at }))
  const deleted = files.filter(({ uri }) => free.has(uri))
  if (deleted.length > 0) await objects.delete(deleted)
}
