import { badRequest } from '#domain/errors'
import type { StorageAccess } from '#signers/signer'
import type { Query } from '../s3/uri.ts'

/** A data operation of S3 that may be signed; there are no others. */
export interface DataOperation {
  readonly action: string
  readonly method: string
  readonly on: 'object' | 'bucket'
  readonly access: StorageAccess
  /** What has to lie in the table's folders. */
  readonly opens: 'key' | 'prefix' | 'keys of the body'
  /** Query parameters that make it this operation; null stands for any value. */
  readonly query: Readonly<Record<string, string | null>>
  /** Query parameters it knows beside those. */
  readonly options: readonly string[]
  /** Whether it reads another object, named by a header. */
  readonly copies: boolean
}

const READ = { on: 'object', access: 'read', opens: 'key', query: {}, options: [], copies: false } as const
const WRITE = { ...READ, access: 'read-write' } as const
const LIST = { ...READ, on: 'bucket', opens: 'prefix', method: 'GET' } as const
const LIST_OPTIONS = ['prefix', 'delimiter', 'max-keys', 'encoding-type']
const PART = { uploadId: null, partNumber: null } as const

/** What vended credentials allow (`signers/r2.ts`), as requests. */
const OPERATIONS: readonly DataOperation[] = [
  { ...READ, action: 'GetObject', method: 'GET' },
  { ...READ, action: 'HeadObject', method: 'HEAD' },
  { ...WRITE, action: 'PutObject', method: 'PUT' },
  { ...WRITE, action: 'CopyObject', method: 'PUT', copies: true },
  { ...WRITE, action: 'DeleteObject', method: 'DELETE' },
  { ...WRITE, action: 'CreateMultipartUpload', method: 'POST', query: { uploads: '' } },
  { ...WRITE, action: 'UploadPart', method: 'PUT', query: PART },
  { ...WRITE, action: 'UploadPartCopy', method: 'PUT', query: PART, copies: true },
  {
    ...WRITE,
    action: 'ListParts',
    method: 'GET',
    query: { uploadId: null },
    options: ['max-parts', 'part-number-marker'],
  },
  { ...WRITE, action: 'CompleteMultipartUpload', method: 'POST', query: { uploadId: null } },
  { ...WRITE, action: 'AbortMultipartUpload', method: 'DELETE', query: { uploadId: null } },
  {
    ...LIST,
    action: 'ListObjectsV2',
    query: { 'list-type': '2', prefix: null },
    options: [...LIST_OPTIONS, 'continuation-token', 'start-after', 'fetch-owner'],
  },
  { ...LIST, action: 'ListObjectsV1', query: { prefix: null }, options: [...LIST_OPTIONS, 'marker'] },
  {
    ...WRITE,
    on: 'bucket',
    action: 'DeleteObjects',
    method: 'POST',
    opens: 'keys of the body',
    query: { delete: '' },
  },
]

/** Names the operation for SDKs' own bookkeeping; it changes nothing. */
const NEUTRAL = 'x-id'

/** The operation that a request means. @throws CatalogError `bad-request` if it is none that is signed */
export function operationOf(method: string, on: DataOperation['on'], query: Query, copies: boolean): DataOperation {
  const found = OPERATIONS.find(
    (operation) =>
      operation.method === method && operation.on === on && operation.copies === copies && isAskedFor(operation, query),
  )
  if (!found)
    throw badRequest(
      `Invalid request to sign: expected one of ${OPERATIONS.map(({ action }) => action).join(', ')} with the parameters of that operation only`,
    )
  return found
}

function isAskedFor({ query: wanted, options }: DataOperation, query: Query): boolean {
  const named = Object.entries(wanted).every(([name, value]) =>
    value === null ? query.has(name) : query.get(name) === value,
  )
  return (
    named && query.pairs.every(([name]) => Object.hasOwn(wanted, name) || options.includes(name) || name === NEUTRAL)
  )
}
