import { type Call, xmlResponse } from './call.ts'
import type { S3Action } from './credential.ts'
import { deleteObjects } from './delete-objects.ts'
import { S3Error } from './errors.ts'
import { listObjectsV1, listObjectsV2 } from './listing.ts'
import { abortMultipartUpload, completeMultipartUpload, createMultipartUpload, uploadPart } from './multipart.ts'
import { copyObject, deleteObject, getObject, headObject, putObject } from './objects.ts'
import type { Query, Target } from './uri.ts'

export interface Operation {
  readonly action: S3Action
  readonly method: string
  /** What the credential's paths are compared with before the operation runs. */
  readonly opens: 'key' | 'prefix' | 'keys of the body' | 'nothing'
  /** Query parameters that make it this operation; null stands for any value. */
  readonly query: Readonly<Record<string, string | null>>
  /** Query parameters it knows beside those. */
  readonly options: readonly string[]
  readonly copies: boolean
  readonly run: (call: Call) => Promise<Response> | Response
}

const PLAIN = { query: {}, options: [], copies: false } as const
const LIST_OPTIONS = ['prefix', 'delimiter', 'max-keys', 'encoding-type']
const LIST_V2_OPTIONS = [...LIST_OPTIONS, 'continuation-token', 'start-after', 'fetch-owner']

const ON_OBJECTS: readonly Operation[] = [
  { ...PLAIN, action: 'GetObject', method: 'GET', opens: 'key', run: getObject },
  { ...PLAIN, action: 'HeadObject', method: 'HEAD', opens: 'key', run: headObject },
  { ...PLAIN, action: 'PutObject', method: 'PUT', opens: 'key', run: putObject },
  { ...PLAIN, action: 'CopyObject', method: 'PUT', opens: 'key', copies: true, run: copyObject },
  { ...PLAIN, action: 'DeleteObject', method: 'DELETE', opens: 'key', run: deleteObject },
  {
    ...PLAIN,
    action: 'CreateMultipartUpload',
    method: 'POST',
    opens: 'key',
    query: { uploads: null },
    run: createMultipartUpload,
  },
  {
    ...PLAIN,
    action: 'UploadPart',
    method: 'PUT',
    opens: 'key',
    query: { uploadId: null, partNumber: null },
    run: uploadPart,
  },
  {
    ...PLAIN,
    action: 'CompleteMultipartUpload',
    method: 'POST',
    opens: 'key',
    query: { uploadId: null },
    run: completeMultipartUpload,
  },
  {
    ...PLAIN,
    action: 'AbortMultipartUpload',
    method: 'DELETE',
    opens: 'key',
    query: { uploadId: null },
    run: abortMultipartUpload,
  },
]

const ON_BUCKETS: readonly Operation[] = [
  {
    ...PLAIN,
    action: 'ListObjectsV2',
    method: 'GET',
    opens: 'prefix',
    query: { 'list-type': '2' },
    options: LIST_V2_OPTIONS,
    run: listObjectsV2,
  },
  {
    ...PLAIN,
    action: 'ListObjectsV1',
    method: 'GET',
    opens: 'prefix',
    options: [...LIST_OPTIONS, 'marker'],
    run: listObjectsV1,
  },
  {
    ...PLAIN,
    action: 'DeleteObjects',
    method: 'POST',
    opens: 'keys of the body',
    query: { delete: null },
    run: deleteObjects,
  },
  {
    ...PLAIN,
    action: 'GetBucketLocation',
    method: 'GET',
    opens: 'nothing',
    query: { location: null },
    run: getBucketLocation,
  },
  { ...PLAIN, action: 'GetBucketLocation', method: 'HEAD', opens: 'nothing', run: headBucket },
]

/** Parameters of the signature and of the SDKs' own bookkeeping. */
const NEUTRAL = /^(?:x-amz-.*|x-id)$/i

/** The operation that a request means. @throws S3Error `NotImplemented` for one that is not served here */
export function findOperation(request: Request, target: Target, query: Query): Operation {
  const copies = request.headers.has('x-amz-copy-source')
  const found = (target.key === '' ? ON_BUCKETS : ON_OBJECTS).find(
    (operation) => operation.method === request.method && operation.copies === copies && isAskedFor(operation, query),
  )
  if (!found || target.bucket === '') throw new S3Error('NotImplemented', 'This operation is not implemented.')
  return found
}

/** Whether the query has all that makes it this operation, and nothing that the operation does not know. */
function isAskedFor({ query: wanted, options }: Operation, query: Query): boolean {
  const named = Object.entries(wanted).every(([name, value]) =>
    value === null ? query.has(name) : query.get(name) === value,
  )
  return (
    named && query.pairs.every(([name]) => Object.hasOwn(wanted, name) || options.includes(name) || NEUTRAL.test(name))
  )
}

function getBucketLocation(): Response {
  return xmlResponse(['LocationConstraint', 'auto'])
}

function headBucket(): Response {
  return new Response(null, { headers: { 'x-amz-bucket-region': 'auto' } })
}
