import { base64url } from 'jose'
import { CatalogError } from '#domain/errors'
import type { ValidatedLocation } from '#domain/location'
import { isGzipName } from '#iceberg/files'
import { STORED_VALUES_MAX } from '#iceberg/json'
import { holdsTooMany } from '#iceberg/json-scan'
import type { ObjectStore } from '#objects/objects'
import { METADATA_BYTES_MAX, METADATA_CACHE_CHARS } from '#src/limits'

/**
 * Texts of metadata files, by location. A metadata file is written once under a name with a UUID and never changed, so
 * a cached text can't be stale; the least recently used go first. One per isolate and tenant.
 */
export interface MetadataCache {
  get(uri: string): string | undefined
  set(uri: string, text: string): void
}

/** For whoever asks whether a file is still there: what was read once says nothing about that. */
export const NO_CACHE: MetadataCache = { get: () => undefined, set: () => undefined }

export function metadataCache(charsMax: number = METADATA_CACHE_CHARS): MetadataCache {
  const texts = new Map<string, string>()
  let chars = 0
  return {
    get(uri) {
      const text = texts.get(uri)
      if (text !== undefined) {
        texts.delete(uri)
        texts.set(uri, text)
      }
      return text
    },
    set(uri, text) {
      if (text.length > charsMax / 4 || texts.has(uri)) return
      texts.set(uri, text)
      chars += text.length
      for (const [oldest, dropped] of texts) {
        if (chars <= charsMax) break
        texts.delete(oldest)
        chars -= dropped.length
      }
    },
  }
}

/**
 * The text of a metadata file, unpacked if its name says gzip.
 * @param sha256 what the text must hash to, as {@link textSha256} says; absent for a file that no row names yet
 * @throws CatalogError `file-not-found` with the message Java's clients look for; `too-large`; `bad-request` if unreadable;
 *   `unprocessable` if it is not the file that was committed
 */
export async function readMetadataFile(
  deps: { readonly objects: ObjectStore; readonly metadataCache: MetadataCache },
  location: ValidatedLocation,
  sha256?: string,
): Promise<string> {
  const cached = deps.metadataCache.get(location.uri)
  if (cached !== undefined) return cached
  const stored = await deps.objects.read(location, METADATA_BYTES_MAX).catch(storageFailed)
  if (!stored) throw new CatalogError('file-not-found', `Failed to open input stream for file: ${location.uri}`)
  const text = await decode(location, isGzipName(location.uri) ? await gunzip(location, stored) : stored)
  if (sha256 !== undefined && (await textSha256(text)) !== sha256)
    throw new CatalogError(
      'unprocessable',
      `The metadata file ${location.uri} is not what was committed: somebody changed it in the bucket; restore that object`,
    )
  deps.metadataCache.set(location.uri, text)
  return text
}

/** SHA-256 of a text's UTF-8, base64url: what a row keeps of its metadata file. */
export async function textSha256(text: string): Promise<string> {
  return base64url.encode(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))))
}

/**
 * What a file holds before it is written: UTF-8 of the text, gzipped if its name says so.
 * @throws CatalogError `too-large` for what could not be read again
 */
export async function encodeMetadataFile(uri: string, text: string): Promise<Uint8Array> {
  const bytes = new TextEncoder().encode(text)
  if (bytes.length > METADATA_BYTES_MAX)
    throw new CatalogError(
      'too-large',
      `Metadata too large: expected at most ${METADATA_BYTES_MAX} bytes, found ${bytes.length}; expire snapshots, or old versions of a view, first`,
    )
  if (holdsTooMany(text, STORED_VALUES_MAX))
    throw new CatalogError(
      'too-large',
      `Metadata too large: expected at most ${STORED_VALUES_MAX} values; expire snapshots, or old versions of a view, first`,
    )
  if (!isGzipName(uri)) return bytes
  const packed = new Blob([bytes]).stream().pipeThrough(new CompressionStream('gzip'))
  return new Uint8Array(await new Response(packed).arrayBuffer())
}

function storageFailed(cause: unknown): never {
  if (cause instanceof CatalogError) throw cause
  throw new CatalogError('unavailable', 'Object storage did not answer; nothing was changed, try again', cause)
}

async function gunzip(location: ValidatedLocation, packed: Uint8Array): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for await (const chunk of new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'))) {
      length += chunk.byteLength
      if (length > METADATA_BYTES_MAX) break
      chunks.push(chunk)
    }
  } catch (cause) {
    throw new CatalogError('bad-request', `Invalid metadata file ${location.uri}: expected gzip`, cause)
  }
  if (length > METADATA_BYTES_MAX)
    throw new CatalogError('too-large', `Metadata file too large when unpacked: ${location.uri}`)
  return new Uint8Array(await new Blob(chunks).arrayBuffer())
}

async function decode(location: ValidatedLocation, bytes: Uint8Array): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes)
  } catch (cause) {
    throw new CatalogError('bad-request', `Invalid metadata file ${location.uri}: expected UTF-8`, cause)
  }
}
