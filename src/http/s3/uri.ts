import { S3Error } from './errors.ts'

/** Where the endpoint is mounted. Clients sign it with the rest of the path. */
const S3_MOUNT = '/s3'

/** What a path names; `key` is `''` for the bucket itself and is taken literally, whatever it holds. */
export interface Target {
  readonly bucket: string
  readonly key: string
}

/** Bucket and key of `/s3/<bucket>/<key>`, percent-decoded once. @throws S3Error `InvalidURI` */
export function parseTarget(rawPath: string): Target {
  if (rawPath !== S3_MOUNT && !rawPath.startsWith(`${S3_MOUNT}/`))
    throw new S3Error('InvalidURI', `Expected a path below ${S3_MOUNT}/.`)
  const path = rawPath.slice(S3_MOUNT.length + 1)
  const slash = path.indexOf('/')
  if (slash === -1) return { bucket: percentDecoded(path), key: '' }
  return { bucket: percentDecoded(path.slice(0, slash)), key: percentDecoded(path.slice(slash + 1)) }
}

/** @throws S3Error `InvalidURI` for what is not percent-encoded UTF-8 */
export function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new S3Error('InvalidURI', "Couldn't parse the specified URI: it is not percent-encoded UTF-8.")
  }
}

/**
 * The source of a copy: `<bucket>/<key>`, with or without a slash before it. A signature covers all spellings of a header
 * that HTTP and SigV4 take for the same (lists, runs of blanks), so there is only the one that SDKs write: encoded like
 * {@link uriEncodeKey}, which leaves no blank and no comma.
 * @throws S3Error `NotImplemented` for a version, `InvalidArgument` for every other spelling
 */
export function parseCopySource(value: string): Target {
  if (value.includes('?')) throw new S3Error('NotImplemented', 'Versions are not implemented.')
  const [, bucket = '', encoded = ''] = /^\/?([\w.-]+)\/([!-~]+)$/.exec(value) ?? []
  const key = percentDecoded(encoded)
  if (key === '' || uriEncodeKey(key) !== encoded)
    throw new S3Error(
      'InvalidArgument',
      'x-amz-copy-source must be one <bucket>/<key>, encoded like the path of a URI.',
    )
  return { bucket, key }
}

/** `UriEncode` of SigV4: everything but unreserved characters, in upper-case hex. */
export function uriEncode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** A key as a list with `encoding-type=url` shows it. */
export function uriEncodeKey(key: string): string {
  return key.split('/').map(uriEncode).join('/')
}

/** The parameters of a query, decoded. A raw `+` stays one: S3 clients write a space as `%20`. */
export class Query {
  readonly pairs: readonly (readonly [name: string, value: string])[]

  constructor(rawQuery: string) {
    this.pairs = rawQuery
      .split('&')
      .filter((pair) => pair !== '')
      .map((pair) => {
        const [name = '', ...value] = pair.split('=')
        return [percentDecoded(name), percentDecoded(value.join('='))]
      })
  }

  get(name: string): string | undefined {
    return this.pairs.find(([key]) => key === name)?.[1]
  }

  has(name: string): boolean {
    return this.get(name) !== undefined
  }
}

/** The query of a URL, without the `?`. */
export function rawQueryOf(url: string): string {
  const start = url.indexOf('?')
  return start === -1 ? '' : url.slice(start + 1).replace(/#.*$/s, '')
}
