import { validateFile } from '#domain/location'
import type { R2Storage } from '#domain/records'
import { readTableMetadata, type TableMetadata } from '#iceberg/metadata'
import type { Entry } from '#versions/model'
import type { TableState } from './create-table.ts'
import type { CatalogDeps } from './deps.ts'
import { readMetadataFile } from './metadata-files.ts'

/** A row and the metadata it points at. */
export interface Base {
  readonly entry: Entry
  readonly metadata: TableMetadata
  readonly text: string
}

/** Reads and parses the metadata file of a row. @throws CatalogError as `readMetadataFile`; `bad-request` */
export async function loadBase(deps: CatalogDeps, storage: R2Storage, entry: Entry): Promise<Base> {
  const location = validateFile(entry.metadataLocation, storage, 'metadata location')
  const text = await readMetadataFile(deps, location, entry.summary.metadataSha256)
  return { entry, text, metadata: readTableMetadata(text) }
}

/** Of two rows of one table the one written later. A row of the branch itself is later than one it inherits. */
export function newer(cached: Entry | undefined, read: Entry, branchId: string): Entry {
  if (!cached || cached.objectId !== read.objectId) return read
  const [cachedIsOwn, readIsOwn] = [cached.branchId === branchId, read.branchId === branchId]
  if (cachedIsOwn !== readIsOwn) return cachedIsOwn ? cached : read
  return cached.fromSeq < read.fromSeq ? read : cached
}

/** What whoever committed is answered. */
export function stateOf({ entry, text }: Base): TableState {
  const { objectId, metadataLocation, locations } = entry
  return { objectId, metadataLocation, metadata: text, locations }
}
