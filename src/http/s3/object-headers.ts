import { S3Error } from './errors.ts'

const META = 'x-amz-meta-'

/** What is stored beside an object. `aws-chunked` describes the upload, not the object. */
export function metadataIn(headers: Headers): Pick<R2PutOptions, 'httpMetadata' | 'customMetadata'> {
  const contentEncoding = (headers.get('content-encoding') ?? '')
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '' && coding !== 'aws-chunked')
    .join(', ')
  const fields = {
    contentType: headers.get('content-type'),
    contentEncoding,
    contentDisposition: headers.get('content-disposition'),
    contentLanguage: headers.get('content-language'),
    cacheControl: headers.get('cache-control'),
  }
  const custom = [...headers]
    .filter(([name]) => name.startsWith(META))
    .map(([name, value]) => [name.slice(META.length), value])
  return {
    httpMetadata: Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== '')),
    customMetadata: Object.fromEntries(custom),
  }
}

/**
 * The headers of GET and HEAD. The content type is always `application/octet-stream`: local servers re-encode what
 * looks like text, which breaks lengths and ranges.
 */
export function objectHeaders(object: R2Object, length: number): Headers {
  const headers = new Headers({
    'accept-ranges': 'bytes',
    'content-length': String(length),
    'content-type': 'application/octet-stream',
    etag: object.httpEtag,
    'last-modified': object.uploaded.toUTCString(),
  })
  const { contentEncoding, contentDisposition, contentLanguage, cacheControl } = object.httpMetadata ?? {}
  const stored = {
    'content-encoding': contentEncoding,
    'content-disposition': contentDisposition,
    'content-language': contentLanguage,
    'cache-control': cacheControl,
  }
  for (const [name, value] of Object.entries(stored)) if (value !== undefined) headers.set(name, value)
  for (const [name, value] of Object.entries(object.customMetadata ?? {})) headers.set(META + name, value)
  return headers
}

/** Features a client may ask for by header that would be wrong to ignore. */
const UNKNOWN_FEATURES =
  /^x-amz-(?:acl|grant-.*|.*server-side-encryption.*|tagging.*|object-lock-.*|website-redirect-location)$/

/** @throws S3Error `NotImplemented` if a header asks for what this endpoint cannot do */
export function refuseUnknownFeatures(headers: Headers): void {
  const storageClass = headers.get('x-amz-storage-class') ?? 'STANDARD'
  const name =
    storageClass === 'STANDARD' ? [...headers.keys()].find((key) => UNKNOWN_FEATURES.test(key)) : 'x-amz-storage-class'
  if (name !== undefined) throw new S3Error('NotImplemented', `The header ${name} is not implemented.`)
}
