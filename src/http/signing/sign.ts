import type { Vending } from '#catalog/deps'
import { badRequest, CatalogError } from '#domain/errors'
import { beginsWith, isWithin, locateObject, validateFolder, type ValidatedLocation } from '#domain/location'
import type { R2Storage } from '#domain/records'
import type { StorageAccess } from '#signers/signer'
import type { Entry } from '#versions/model'
import { S3Error } from '../s3/errors.ts'
import { parseDelete } from '../s3/request-xml.ts'
import { sha256Hex } from '../s3/sigv4.ts'
import { parseCopySource } from '../s3/uri.ts'
import { addressOf, type Address } from './address.ts'
import { headersToSign, payloadOf, type SentHeaders, type SignedHeaders } from './headers.ts'
import { operationOf, type DataOperation } from './operations.ts'

/** RemoteSignRequest (REST specification). The region is the warehouse's, whatever the client says. */
export interface SignRequest {
  readonly method: string
  readonly uri: string
  readonly headers: SentHeaders
  /** Of DeleteObjects, null otherwise. */
  readonly body: string | null
}

/** What opens for the caller: the table's folders, for reading or for both. */
export interface Opened {
  readonly storage: R2Storage
  readonly locations: Entry['locations']
  readonly access: StorageAccess
}

/** A request as it is to be sent: `headers` are to be added to the client's own. */
export interface SignedRequest {
  readonly uri: string
  readonly headers: Readonly<Record<string, string>>
  readonly action: string
}

/**
 * Signs one request to object storage if a vended credential of the same caller would open it: a known data operation
 * on objects in the table's folders, for what he may do there.
 * @throws CatalogError `bad-request` for what cannot be understood in one way only, `forbidden`
 */
export async function signRequest(
  vending: Vending,
  opened: Opened,
  request: SignRequest,
  now: Date,
): Promise<SignedRequest> {
  try {
    const address = addressOf(request.uri, vending.endpoint, opened.storage.bucket)
    const signed = headersToSign(request.headers)
    const source = signed.get('x-amz-copy-source') ?? null
    const on = address.key === '' ? 'bucket' : 'object'
    const operation = operationOf(request.method, on, address.query, source !== null)
    checkOpened(operation, address, { source, body: request.body }, opened)
    const payload = await boundPayload(operation, signed, request.body)
    const headers = await vending.requests.sign({
      method: request.method,
      url: address.canonical,
      headers: { ...Object.fromEntries(signed), 'x-amz-content-sha256': payload },
      nowMs: now.getTime(),
    })
    return { uri: address.canonical, headers, action: operation.action }
  } catch (error) {
    // What reads S3's own forms complains in S3's; the caller of this route expects Iceberg's.
    throw error instanceof S3Error ? badRequest(`Invalid request to sign: ${error.message}`) : error
  }
}

function checkOpened(
  { action, access, opens }: DataOperation,
  { key, query }: Address,
  { source, body }: { readonly source: string | null; readonly body: string | null },
  opened: Opened,
): void {
  if (access === 'read-write' && opened.access === 'read')
    throw new CatalogError('forbidden', `Not allowed: ${action} needs update on the table, at the head of a branch`)
  const { storage } = opened
  const folders = opened.locations.map((uri) => validateFolder(uri, storage, 'table location'))
  if (opens === 'key') checkKey(key, storage, folders)
  if (opens === 'prefix' && !folders.some((folder) => beginsWith(query.get('prefix') ?? '', folder.key)))
    throw outside('prefix of a listing')
  if (opens === 'keys of the body') for (const each of keysToDelete(body)) checkKey(each, storage, folders)
  if (source !== null) checkKey(copySourceKey(source, storage), storage, folders)
}

function checkKey(key: string, storage: R2Storage, folders: readonly ValidatedLocation[]): void {
  if (/%2e/i.test(key)) throw badRequest('Invalid key: encoded dots are not allowed')
  const object = locateObject(`s3://${storage.bucket}/${key}`, storage)
  if (!object || !folders.some((folder) => isWithin(object, folder))) throw outside('key')
}

/** Another bucket is none of the table's. */
function copySourceKey(source: string, storage: R2Storage): string {
  const { bucket, key } = parseCopySource(source)
  if (bucket !== storage.bucket) throw outside('copy source')
  return key
}

function keysToDelete(body: string | null): readonly string[] {
  if (body === null)
    throw badRequest('Invalid request to sign: expected the body of DeleteObjects, because its keys are checked')
  return parseDelete(body).objects.map(({ key, versionId }) => {
    if (versionId !== undefined) throw badRequest('Invalid body: versions are not deleted')
    return key
  })
}

/** The hash that the signature binds; of DeleteObjects that of the very body that was checked. */
async function boundPayload(operation: DataOperation, signed: SignedHeaders, body: string | null): Promise<string> {
  const given = payloadOf(signed)
  if (operation.opens !== 'keys of the body') return given
  const hash = await sha256Hex(new TextEncoder().encode(body ?? ''))
  if (signed.has('x-amz-content-sha256') && given !== hash)
    throw badRequest(
      'Invalid headers: expected x-amz-content-sha256 to be the SHA-256 of the body that was given, or nothing',
    )
  return hash
}

/** Says nothing of what lies there instead. */
function outside(what: string): CatalogError {
  return new CatalogError('forbidden', `Not allowed: the ${what} lies outside the table's folders`)
}
