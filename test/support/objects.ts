import { CatalogError } from '#domain/errors'
import type { ObjectStore } from '#objects/objects'

/** An object store in memory, for tests that need no R2. `files` maps `s3://…` to bytes. */
export interface MemoryObjects extends ObjectStore {
  readonly files: Map<string, Uint8Array>
}

export function memoryObjects(): MemoryObjects {
  const files = new Map<string, Uint8Array>()
  return {
    files,
    async read(location, bytesMax) {
      const bytes = files.get(location.uri) ?? null
      if (bytes && bytes.length > bytesMax)
        throw new CatalogError('too-large', `Cannot read ${location.uri}: too large`)
      return bytes
    },
    async stream(location) {
      const bytes = files.get(location.uri)
      return bytes ? new Blob([new Uint8Array(bytes)]).stream() : null
    },
    async create(location, bytes) {
      if (files.has(location.uri)) return false
      files.set(location.uri, bytes)
      return true
    },
    async delete(locations) {
      for (const location of locations) files.delete(location.uri)
    },
  }
}
