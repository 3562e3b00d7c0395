import { badRequest, CatalogError } from '#domain/errors'
import { parseRequest, type Json } from '#iceberg/json'
import { JSON_DEPTH_MAX, REQUEST_BODY_BYTES_MAX, REQUEST_JSON_VALUES_MAX } from '#src/limits'

/** Clients that are still sending don't read an answer: the rest of a body that is too large is read, and thrown away. */
const DISCARDED_BYTES_MAX = 64 * 1024 * 1024

/**
 * The body as text, read no further than `bytesMax` allows.
 * @throws CatalogError `too-large`, or `bad-request` for what is not UTF-8
 */
export async function readText(request: Request, bytesMax: number = REQUEST_BODY_BYTES_MAX): Promise<string> {
  const declared = Number(request.headers.get('content-length') ?? 0)
  if (declared > bytesMax) throw tooLarge(bytesMax)
  if (!request.body) return ''
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of request.body) {
    length += chunk.byteLength
    if (length <= bytesMax) chunks.push(chunk)
    else if (length > bytesMax + DISCARDED_BYTES_MAX) break
  }
  if (length > bytesMax) throw tooLarge(bytesMax)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(await new Blob(chunks).arrayBuffer())
  } catch {
    throw badRequest('Invalid body: expected UTF-8')
  }
}

/** The body as lossless JSON. @throws CatalogError `bad-request`, `too-large` */
export function readJson(text: string): Json {
  if (text.trim() === '') throw badRequest('Invalid body: expected JSON, found nothing')
  return parseRequest(text, JSON_DEPTH_MAX, REQUEST_JSON_VALUES_MAX)
}

function tooLarge(bytesMax: number): CatalogError {
  return new CatalogError('too-large', `Request body too large: expected at most ${bytesMax} bytes`)
}
