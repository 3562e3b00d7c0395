import { CatalogError } from '#domain/errors'
import type { ObjectStore } from '#objects/objects'

/**
 * Rejects if `work` has not ended within `ms`. It goes on all the same, unheard: whoever asked for a change must find out
 * whether it happened.
 */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new CatalogError('unavailable', `${what} did not answer within ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([work, limit])
  } finally {
    clearTimeout(timer)
  }
}

/** An object store that gives up on a call after `ms`, so that one that hangs holds up neither its caller nor a lane. */
export function impatient(objects: ObjectStore, ms: number): ObjectStore {
  const limited = <T>(work: Promise<T>): Promise<T> => within(ms, 'Object storage', work)
  return {
    read: (location, bytesMax) => limited(objects.read(location, bytesMax)),
    stream: (location) => limited(objects.stream(location)),
    create: (location, bytes, contentType) => limited(objects.create(location, bytes, contentType)),
    delete: (locations) => limited(objects.delete(locations)),
  }
}
