import { S3_PARTS_MAX } from '#src/limits'
import { readText, storeBody } from './body.ts'
import { type Call, xmlResponse } from './call.ts'
import { refuseConditions } from './conditions.ts'
import { noSuchUpload, S3Error } from './errors.ts'
import { metadataIn } from './object-headers.ts'
import { parseParts } from './request-xml.ts'

/** CreateMultipartUpload. */
export async function createMultipartUpload({ bucket, request, target }: Call): Promise<Response> {
  const { uploadId } = await bucket.createMultipartUpload(target.key, metadataIn(request.headers))
  return xmlResponse([
    'InitiateMultipartUploadResult',
    [
      ['Bucket', target.bucket],
      ['Key', target.key],
      ['UploadId', uploadId],
    ],
  ])
}

/** UploadPart: streamed, one atomic write. */
export async function uploadPart(call: Call): Promise<Response> {
  const number = call.query.get('partNumber') ?? ''
  if (!/^\d{1,5}$/.test(number) || Number(number) < 1 || Number(number) > S3_PARTS_MAX)
    throw new S3Error('InvalidArgument', `Part number must be an integer between 1 and ${S3_PARTS_MAX}, inclusive`)
  const { etag } = await storeBody(call.request, call.signer, (content) =>
    uploadOf(call).uploadPart(Number(number), content),
  )
  return new Response(null, { headers: { etag: `"${etag}"` } })
}

/** CompleteMultipartUpload. R2 wants equal parts; what it refuses is `InvalidPart` or `EntityTooSmall`. */
export async function completeMultipartUpload(call: Call): Promise<Response> {
  const { request, target, signer } = call
  refuseConditions(request.headers)
  const parts = parseParts(await readText(request, signer))
  const object = await known(() => uploadOf(call).complete([...parts]))
  return xmlResponse([
    'CompleteMultipartUploadResult',
    [
      ['Location', new URL(request.url).pathname],
      ['Bucket', target.bucket],
      ['Key', target.key],
      ['ETag', object.httpEtag],
    ],
  ])
}

/** AbortMultipartUpload. */
export async function abortMultipartUpload(call: Call): Promise<Response> {
  await known(() => uploadOf(call).abort())
  return new Response(null, { status: 204 })
}

function uploadOf({ bucket, target, query }: Call): R2MultipartUpload {
  return bucket.resumeMultipartUpload(target.key, query.get('uploadId') ?? '')
}

/** For an upload that never was, R2 reports an internal error (10001). */
async function known<T>(finish: () => Promise<T>): Promise<T> {
  try {
    return await finish()
  } catch (cause) {
    if (cause instanceof Error && cause.message.endsWith('(10001)')) throw noSuchUpload(cause)
    throw cause
  }
}
