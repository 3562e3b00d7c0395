import { badRequest, CatalogError } from '#domain/errors'
import {
  isDefaultFolder,
  isOutside,
  isWithin,
  validateFile,
  validateFolder,
  withoutTrailingSlashes,
  type ValidatedLocation,
} from '#domain/location'
import type { R2Storage, Warehouse } from '#domain/records'
import { metadataFileName, metadataFolder } from '#iceberg/files'
import { tableFolders, uriFields, type Located } from '#iceberg/locations'
import type { TableMetadata } from '#iceberg/metadata'
import { TABLE_FOLDERS_MAX } from '#src/limits'
import type { Entry } from '#versions/model'

/** The folders a table's files live in, its location first; a folder inside another one is not listed again. */
export type TableFolders = readonly [ValidatedLocation, ...ValidatedLocation[]]

/**
 * The folders of a table or view, each checked against the warehouse.
 * @throws CatalogError `bad-request` naming the field, as `what`, and what was expected
 */
export function foldersOf(metadata: Located, storage: R2Storage, what = 'table location'): TableFolders {
  const [first, ...others] = tableFolders(metadata).map((uri) => validateFolder(uri, storage, what))
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
 * table's own folders, before or after the change, or below one of `replaced` ({@link replacedLocations}). What `base`
 * already had was checked when it came.
 * @throws CatalogError `bad-request`
 */
export function checkLocations(
  metadata: TableMetadata,
  base: TableMetadata | null,
  storage: R2Storage,
  replaced: readonly string[] = [],
): void {
  const known = new Set(base ? uriFields(base).map(({ uri }) => uri) : [])
  const added = uriFields(metadata).filter(({ uri }) => !known.has(uri))
  for (const { field, uri, shape } of added) if (shape === 'folder') validateFolder(uri, storage, field)
  const own = [...foldersOf(metadata, storage), ...(base ? foldersOf(base, storage) : [])]
  for (const { field, uri, shape } of added) {
    if (shape === 'folder' || (isOutside(uri, storage) && replaced.some((folder) => uri.startsWith(`${folder}/`))))
      continue
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

/** A warehouse, as far as it decides about the locations that clients give. */
export type LocationPolicy = Pick<Warehouse, 'storage' | 'clientLocations'>

/**
 * The location a client chose for a table or a view, still to be checked; undefined where the catalog chooses: the client
 * named none, or one outside a warehouse that replaces those.
 */
export function chosenLocation(asked: string | undefined, warehouse: LocationPolicy): string | undefined {
  const isReplaced =
    warehouse.clientLocations === 'replace' && asked !== undefined && isOutside(asked, warehouse.storage)
  return isReplaced ? undefined : asked
}

/** The updates of a commit; a `set-location` to what {@link chosenLocation} passes over sets `kept` instead. */
export function withChosenLocations<Update extends { readonly action: string; readonly location?: string }>(
  updates: readonly Update[],
  warehouse: LocationPolicy,
  kept: () => string,
): readonly Update[] {
  return updates.map((update) =>
    update.action === 'set-location' && chosenLocation(update.location, warehouse) === undefined
      ? { ...update, location: kept() }
      : update,
  )
}

/**
 * The locations that {@link withChosenLocations} passes over. A client that moves a table while it replaces it has already
 * written there: these files of the commit stay where they are. Nobody gets a credential for them, and a purge leaves them.
 */
export function replacedLocations(
  updates: readonly { readonly action: string; readonly location?: string }[],
  warehouse: LocationPolicy,
): readonly string[] {
  return updates.flatMap(({ action, location }) =>
    action === 'set-location' && location !== undefined && chosenLocation(location, warehouse) === undefined
      ? [location]
      : [],
  )
}

/** Where a new table goes unless the client says otherwise: a folder named by a UUID, never by a user's name. */
export function defaultLocation(storage: R2Storage, uuid: string): string {
  return `s3://${storage.bucket}/${storage.prefix}${uuid}`
}

/** A new, unique place for the next metadata file. `previous` is the current one, null for a new table. */
export function nextMetadataFile(
  metadata: Pick<TableMetadata, 'location' | 'properties'>,
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
