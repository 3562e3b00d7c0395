import { CatalogError } from '#domain/errors'
import type { ValidatedLocation } from '#domain/location'
import { R2_DELETE_KEYS_MAX } from '#src/limits'
import type { ObjectStore } from './objects.ts'

/**
 * The object store in an R2 bucket that is bound to the Worker. The binding does not know its bucket's name, so the
 * caller picks the binding that belongs to the locations' bucket. A failing bucket is `unavailable`: what was asked
 * for may be asked for again.
 */
export function r2Objects(bucket: R2Bucket): ObjectStore {
  return {
    async read(location, bytesMax) {
      const object = await available(() => bucket.get(location.key))
      if (!object) return null
      if (object.size > bytesMax) {
        await object.body.cancel()
        throw new CatalogError(
          'too-large',
          `Cannot read ${location.uri}: expected at most ${bytesMax} bytes, found ${object.size}`,
        )
      }
      return new Uint8Array(await available(() => object.arrayBuffer()))
    },

    async stream(location) {
      const object = await available(() => bucket.get(location.key))
      return object ? object.body : null
    },

    async create(location, bytes, contentType) {
      const written = await available(() =>
        bucket.put(location.key, bytes, { onlyIf: { etagDoesNotMatch: '*' }, httpMetadata: { contentType } }),
      )
      return written !== null
    },

    async delete(locations) {
      for (const keys of batches(locations)) await available(() => bucket.delete(keys))
    },
  }
}

function batches(locations: readonly ValidatedLocation[]): string[][] {
  const keys = [...new Set(locations.map((location) => location.key))]
  const count = Math.ceil(keys.length / R2_DELETE_KEYS_MAX)
  return Array.from({ length: count }, (_, index) =>
    keys.slice(index * R2_DELETE_KEYS_MAX, (index + 1) * R2_DELETE_KEYS_MAX),
  )
}

async function available<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (cause) {
    throw new CatalogError('unavailable', 'Object storage could not be reached: try again later', cause)
  }
}
