import { badRequest, CatalogError } from '#domain/errors'
import {
  isDefaultFolder,
  isWithin,
  validateFile,
  validateFolder,
  withoutTrailingSlashes,
  type ValidatedLocation,
} from '#domain/location'
import type { R2Storage } from '#domain/records'
import { metadataFileName, metadataFolder } from '#iceberg/files'
import { tableFolders, uriFields } from '#iceberg/locations'
import type { TableMetadata } from '#iceberg/metadata'
import { TABLE_FOLDERS_MAX } from '#src/limits'
import type { Entry } from '#versions/model'

/** The folders a table's files live in, its location first; a folder inside another one is not listed again. */
export type TableFolders = readonly [ValidatedLocation, ...ValidatedLocation[]]

/**
 * The folders of a table, each checked against the warehouse.
 * @throws CatalogError `bad-request` naming the field and what was expected
 */
export function foldersOf(metadata: TableMetadata, storage: R2Storage): TableFolders {
  const [first, ...others] = tableFolders(metadata).map((uri) => validateFolder(uri, storage, 'table location'))
  if (!first) throw badRequest('Invalid table metadata: expected a location')
  return others.reduce<[ValidatedLocation, ...ValidatedLocation[]]>(
    (kept, folder) => (kept.some((outer) => isWithin(folder, outer)) ? kept : [...kept, folder]),
    [first],
  )
}

/**
 * The folders of a table after a change. Folders that it used before stay its own, because snapshots still have files
 * there: they remain readable with its credentials and closed to other tables.
 * @throws CatalogError `bad-request` if the table has been moved about too often
 */
export function foldersAfter(metadata: TableMetadata, before: Entry['locations'], storage: R2Storage): string[] {
  const folders: ValidatedLocation[] = [...foldersOf(metadata, storage)]
  for (const uri of before) {
    const former = validateFolder(uri, storage, 'table location')
    if (!folders.some((outer) => isWithin(former, outer))) folders.push(former)
  }
  if (folders.length > TABLE_FOLDERS_MAX)
    throw badRequest(
      `Invalid table location: a table may have files in at most ${TABLE_FOLDERS_MAX} folders, this would be ${folders.length}; rewrite the table into a new one`,
    )
  return folders.map(({ uri }) => uri)
}

/**
 * What a caller may do about where a table's files lie: `default` takes what the catalog gives; `unused` may choose any
 * folder of the warehouse that no table ever used; `any` also those that dropped tables left behind.
 */
export type FolderChoice = 'default' | 'unused' | 'any'

/**
 * The folders that a change adds, as the store should check them against former tables.
 * @throws CatalogError `forbidden` for a folder that the caller chose without the right to
 */
export function chosenFolders(
  locations: Entry['locations'],
  before: Entry['locations'],
  choice: FolderChoice,
  storage: R2Storage,
): readonly string[] {
  const added = locations.filter((folder) => !before.includes(folder))
  const chosen = added
    .map((uri) => validateFolder(uri, storage, 'table location'))
    .filter((folder) => !isDefaultFolder(folder, storage))
  if (choice === 'default' && chosen.length > 0)
    throw new CatalogError(
      'forbidden',
      'Not allowed: choosing where a table lies needs write on the catalog; leave out location and write.*.path',
    )
  return choice === 'any' ? [] : added
}

/**
 * Checks every location that `metadata` holds and `base` did not: folders must lie in the warehouse, files in the
 * table's own folders, before or after the change. What `base` already had was checked when it came.
 * @throws CatalogError `bad-request`
 */
export function checkLocations(metadata: TableMetadata, base: TableMetadata | null, storage: R2Storage): void {
  const known = new Set(base ? uriFields(base).map(({ uri }) => uri) : [])
  const added = uriFields(metadata).filter(({ uri }) => !known.has(uri))
  for (const { field, uri, shape } of added) if (shape === 'folder') validateFolder(uri, storage, field)
  const own = [...foldersOf(metadata, storage), ...(base ? foldersOf(base, storage) : [])]
  for (const { field, uri, shape } of added) {
    if (shape === 'folder') continue
    const file = validateFile(uri, storage, field)
    if (!own.some((folder) => isWithin(file, folder)))
      throw badRequest(`Invalid ${field}: expected a file of the table, below ${own[0]?.uri ?? ''}, found ${uri}`)
  }
}

/** As {@link checkLocations} for a file to register: its history may lie anywhere in the warehouse. */
export function checkRegistered(metadata: TableMetadata, storage: R2Storage): void {
  for (const { field, uri, shape } of uriFields(metadata)) {
    if (shape === 'folder') validateFolder(uri, storage, field)
    else validateFile(uri, storage, field)
  }
}

/** Where a new table goes unless the client says otherwise: a folder named by a UUID, never by a user's name. */
export function defaultLocation(storage: R2Storage, uuid: string): string {
  return `s3://${storage.bucket}/${storage.prefix}${uuid}`
}

/** A new, unique place for the next metadata file. `previous` is the current one, null for a new table. */
export function nextMetadataFile(
  metadata: TableMetadata,
  previous: string | null,
  storage: R2Storage,
  uuid: string,
): ValidatedLocation {
  const name = metadataFileName(
    previous,
    uuid,
    metadata.properties['write.metadata.compression-codec']?.toLowerCase() === 'gzip',
  )
  return validateFile(`${withoutTrailingSlashes(metadataFolder(metadata))}/${name}`, storage, 'metadata location')
}
