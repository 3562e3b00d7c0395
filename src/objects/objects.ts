import type { ValidatedLocation } from '#domain/location'

/**
 * Object storage as the catalog itself uses it: small metadata files, and deleting what a purge found. Data files go
 * between the engine and the storage directly.
 */
export interface ObjectStore {
  /** The whole object, or null if there is none. @throws CatalogError `too-large` past `bytesMax` */
  read(location: ValidatedLocation, bytesMax: number): Promise<Uint8Array | null>
  /** The object as a stream, for what need not fit into memory; null if there is none. */
  stream(location: ValidatedLocation): Promise<ReadableStream<Uint8Array> | null>
  /** Writes an object that must not exist yet. False, and nothing changed, if it does. */
  create(location: ValidatedLocation, bytes: Uint8Array, contentType: string): Promise<boolean>
  /** Deletes objects of one bucket; those that are gone already count as deleted. */
  delete(locations: readonly ValidatedLocation[]): Promise<void>
}
