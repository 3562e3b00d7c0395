import { badRequest, CatalogError } from '#domain/errors'
import { percentDecoded, Query, uriEncode, uriEncodeKey } from '../s3/uri.ts'

/** What the URI of a request to object storage names. `key` is `''` for the bucket itself. */
export interface Address {
  readonly bucket: string
  readonly key: string
  readonly query: Query
  /** The URI in the one spelling that is checked, signed and to be sent. */
  readonly canonical: string
}

/**
 * Reads a URI as the object storage at `endpoint` would: path style, or virtual-host style where the endpoint has a
 * host of its own. The text is taken apart as it is, because `new URL()` resolves `%2e%2e`, and put together again from
 * what was understood, so that nothing else can be meant by it.
 * @throws CatalogError `bad-request` for what cannot be read in one way only, `forbidden` for another endpoint or bucket
 */
export function addressOf(uri: string, endpoint: string, bucket: string): Address {
  const match = /^(https?:\/\/[^/?#@\\\s]+)(\/[^?#\\\s]*)?(?:\?([^#\s]*))?$/i.exec(uri)
  if (!match) throw badRequest('Invalid uri: expected the absolute URL of a request to the S3 endpoint')
  const [, origin = '', path = '/', rawQuery = ''] = match
  if (/%(?:2f|5c|00)/i.test(path)) throw badRequest('Invalid uri: encoded separators are not allowed in its path')
  const query = new Query(rawQuery)
  const names = query.pairs.map(([name]) => name)
  if (new Set(names).size !== names.length) throw badRequest('Invalid uri: a query parameter is given twice')
  const base = baseOf(origin, path, endpoint, bucket)
  const key = percentDecoded(path.slice(base.pathLength))
  const search = query.pairs.map(([name, value]) => `${uriEncode(name)}=${uriEncode(value)}`).join('&')
  return { bucket, key, query, canonical: `${base.url}${uriEncodeKey(key)}${search === '' ? '' : `?${search}`}` }
}

/** The part of the URI before the key: as we spell it, and how much of the path it takes. */
function baseOf(
  origin: string,
  path: string,
  endpoint: string,
  bucket: string,
): { readonly url: string; readonly pathLength: number } {
  const { protocol, host, pathname } = new URL(endpoint)
  const mount = pathname.replace(/\/+$/, '')
  const said = URL.canParse(origin) ? new URL(origin).origin : ''
  if (said === `${protocol}//${host}`) {
    const folder = `${mount}/${uriEncode(bucket)}`
    if (path === folder) return { url: `${said}${folder}`, pathLength: path.length }
    if (path.startsWith(`${folder}/`)) return { url: `${said}${folder}/`, pathLength: folder.length + 1 }
  }
  if (mount === '' && said === `${protocol}//${bucket}.${host}`) return { url: `${said}/`, pathLength: 1 }
  throw new CatalogError(
    'forbidden',
    `Not allowed: expected a URI of bucket ${bucket} at the endpoint of the warehouse`,
  )
}
