import { readTableMetadata, type TableMetadata } from '#iceberg/metadata'
import type { Entry } from '#versions/model'
import type { CatalogDeps } from './deps.ts'
import { readLatest, type RowMetadata, type RowPlace } from './row-metadata.ts'

/** A row and the metadata it points at, parsed. */
export interface Base extends RowMetadata {
  readonly metadata: TableMetadata
}

/** The metadata of a row, or of a later one of the table. @throws CatalogError as {@link readLatest}; `bad-request` */
export async function loadBase(deps: CatalogDeps, place: RowPlace, seen: Entry): Promise<Base> {
  const { entry, text } = await readLatest(deps, place, seen)
  return { entry, text, metadata: readTableMetadata(text) }
}

/** Of two rows of one table the one written later. A row of the branch itself is later than one it inherits. */
export function newer(cached: Entry | undefined, read: Entry, branchId: string): Entry {
  if (!cached || cached.objectId !== read.objectId) return read
  const [cachedIsOwn, readIsOwn] = [cached.branchId === branchId, read.branchId === branchId]
  if (cachedIsOwn !== readIsOwn) return cachedIsOwn ? cached : read
  return cached.fromSeq < read.fromSeq ? read : cached
}
