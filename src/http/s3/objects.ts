import { storeBody } from './body.ts'
import { type Call, xmlResponse } from './call.ts'
import { evaluate, preconditionFailed, readConditions, refuseConditions, writeConditions } from './conditions.ts'
import { opensKey, requireAction } from './credential.ts'
import { accessDenied, S3Error } from './errors.ts'
import { metadataIn, objectHeaders } from './object-headers.ts'
import { invalidRange, parseRange, resolveRange } from './range.ts'
import { parseCopySource } from './uri.ts'

/**
 * GetObject: the whole object or one range of it, streamed. No range of an empty object can be satisfied, and R2 fails
 * in several ways when asked for one.
 */
export async function getObject({ bucket, request, target }: Call): Promise<Response> {
  const range = parseRange(request.headers.get('range'))
  const conditions = readConditions(request.headers)
  const options = { ...(range && { range }), ...(conditions && { onlyIf: conditions }) }
  const object = await bucket.get(target.key, options).catch(async (error: unknown) => {
    if (range && (await bucket.head(target.key))?.size === 0) throw invalidRange()
    throw error
  })
  if (!object) throw noSuchKey()
  if (!('body' in object)) return unmet(conditions ?? new Headers(), object)
  if (!range) return new Response(object.body, { headers: objectHeaders(object, object.size), encodeBody: 'manual' })
  const { offset, length } = resolveRange(range, object.size)
  const headers = objectHeaders(object, length)
  headers.set('content-range', `bytes ${offset}-${offset + length - 1}/${object.size}`)
  return new Response(object.body, { status: 206, headers, encodeBody: 'manual' })
}

/** HeadObject. */
export async function headObject({ bucket, request, target }: Call): Promise<Response> {
  const object = await bucket.head(target.key)
  if (!object) throw noSuchKey()
  const conditions = readConditions(request.headers)
  if (conditions && evaluate(conditions, object) !== 'met') return unmet(conditions, object)
  return new Response(null, { headers: objectHeaders(object, object.size), encodeBody: 'manual' })
}

function unmet(conditions: Headers, object: R2Object): Response {
  if (evaluate(conditions, object) !== 'not modified') throw preconditionFailed()
  return new Response(null, { status: 304, headers: { etag: object.httpEtag } })
}

/** PutObject: streamed, one atomic write. The answer's body is empty: botocore takes anything else for an error. */
export async function putObject({ bucket, request, target, signer }: Call): Promise<Response> {
  const onlyIf = writeConditions(request.headers)
  const options = { ...metadataIn(request.headers), ...(onlyIf && { onlyIf }) }
  const object: R2Object | null = await storeBody(request, signer, (content) =>
    bucket.put(target.key, content, options),
  )
  if (!object) throw preconditionFailed()
  return new Response(null, { headers: { etag: object.httpEtag } })
}

/** DeleteObject. R2 cannot delete on a condition. */
export async function deleteObject({ bucket, request, target }: Call): Promise<Response> {
  refuseConditions(request.headers)
  await bucket.delete(target.key)
  return new Response(null, { status: 204 })
}

/** CopyObject within the bucket; the credential must also be one that may read the source. */
export async function copyObject(call: Call): Promise<Response> {
  const { bucket, request, target, signer } = call
  const source = parseCopySource(request.headers.get('x-amz-copy-source') ?? '')
  requireAction(signer.rights, source.bucket, 'GetObject')
  if (source.bucket !== target.bucket || !opensKey(signer.rights, source.key)) throw accessDenied()
  const replaces = (request.headers.get('x-amz-metadata-directive') ?? 'COPY') === 'REPLACE'
  if (source.key === target.key && !replaces)
    throw new S3Error('InvalidRequest', 'An object can be copied onto itself only with new metadata.')
  const conditions = readConditions(request.headers, 'x-amz-copy-source-')
  const object = await bucket.get(source.key, conditions ? { onlyIf: conditions } : {})
  if (!object) throw noSuchKey()
  if (!('body' in object)) throw preconditionFailed()
  const onlyIf = writeConditions(request.headers)
  const { httpMetadata, customMetadata } = replaces ? metadataIn(request.headers) : object
  const metadata = { ...(httpMetadata && { httpMetadata }), ...(customMetadata && { customMetadata }) }
  const copy: R2Object | null = await bucket.put(target.key, object.body, { ...metadata, ...(onlyIf && { onlyIf }) })
  if (!copy) throw preconditionFailed()
  return xmlResponse([
    'CopyObjectResult',
    [
      ['LastModified', copy.uploaded.toISOString()],
      ['ETag', copy.httpEtag],
    ],
  ])
}

function noSuchKey(): S3Error {
  return new S3Error('NoSuchKey', 'The specified key does not exist.')
}
