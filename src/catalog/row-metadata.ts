import { CatalogError } from '#domain/errors'
import type { TableIdentifier } from '#domain/ident'
import { validateFile } from '#domain/location'
import type { R2Storage } from '#domain/records'
import type { Bound, Entry } from '#versions/model'
import type { TableState } from './create-table.ts'
import type { CatalogDeps } from './deps.ts'
import { assetKey, noSuchTable } from './keys.ts'
import { readMetadataFile } from './metadata-files.ts'
import { untilDecided } from './publish.ts'

/** A row and the text of the metadata file it points at. */
export interface RowMetadata {
  readonly entry: Entry
  readonly text: string
}

/** Where a table's row was read. */
export interface RowPlace {
  readonly at: Bound
  readonly storage: R2Storage
  readonly identifier: TableIdentifier
}

/**
 * A table's metadata file, and the row that points at it: `seen`, or a later one of the same table. Between the reads of a
 * row and its file the table may move on, and delete the file (`write.metadata.delete-after-commit.enabled`) or have it
 * registered anew with other content; then the row is read again. Only a file that the row still points at is missing.
 * @param bytesMax of the file, where less than any metadata may have is wanted
 * @throws CatalogError as `readMetadataFile`; `no-such-table` if the table is gone; `unavailable` if it moves on each time
 */
export async function readLatest(
  deps: Pick<CatalogDeps, 'tenant' | 'objects' | 'metadataCache'>,
  { at, storage, identifier }: RowPlace,
  seen: Entry,
  bytesMax?: number,
): Promise<RowMetadata> {
  let entry = seen
  return untilDecided(async () => {
    const file = validateFile(entry.metadataLocation, storage, 'metadata location')
    try {
      return { entry, text: await readMetadataFile(deps, file, entry.summary.metadataSha256, bytesMax) }
    } catch (error) {
      if (!mayBeOutdated(error)) throw error
      const [row] = (await deps.tenant.read({ at, keys: [assetKey(identifier)] })).entries
      if (!row || row.objectId !== seen.objectId) throw noSuchTable(identifier)
      if (row.rev === entry.rev) throw error
      entry = row
      return 'again'
    }
  })
}

/** Whether a file could not be had that a row which was read before points at no more. */
export function mayBeOutdated(error: unknown): boolean {
  return error instanceof CatalogError && ['file-not-found', 'unprocessable'].includes(error.kind)
}

/** A table as it is answered. */
export function stateOf({ entry, text }: RowMetadata): TableState {
  return { ...pointerOf(entry), metadata: text, locations: entry.locations }
}

/** What tells one state of a table from another. */
export function pointerOf({
  objectId,
  metadataLocation,
  summary,
}: Entry): Pick<TableState, 'objectId' | 'metadataLocation' | 'metadataSha256'> {
  return { objectId, metadataLocation, metadataSha256: summary.metadataSha256 ?? null }
}
