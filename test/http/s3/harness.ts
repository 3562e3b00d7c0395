import { AwsV4Signer } from 'aws4fetch'
import { env } from 'cloudflare:workers'
import { validateFolder, type ValidatedLocation } from '#domain/location'
import { serveS3 } from '#http/s3/serve'
import { r2Signer } from '#signers/r2'
import type { StorageAccess, StorageCredential } from '#signers/signer'

export const NOW = new Date('2026-11-21T05:00:00Z')
export const HOST = 'catalog.test:8787'
export const PARENT = { parentAccessKeyId: 'parentkey', parentSecretAccessKey: 'parentsecret' }

/** A credential as the catalog vends it, for folders of the bucket `lake` unless told otherwise. */
export function credential(
  access: StorageAccess = 'read-write',
  folders: readonly [string, ...string[]] = ['wh/t1'],
  over: { bucket?: string; parent?: typeof PARENT; host?: string; mintedAt?: Date } = {},
): Promise<StorageCredential> {
  const storage = { kind: 'r2', bucket: over.bucket ?? 'lake', prefix: '' } as const
  const [first, ...rest] = folders.map((folder) => validateFolder(`s3://${storage.bucket}/${folder}`, storage, 'test'))
  return r2Signer({ accountId: 'account', ...(over.parent ?? PARENT), endpointHost: over.host ?? HOST }).sign({
    folders: [first as ValidatedLocation, ...rest],
    access,
    nowMs: (over.mintedAt ?? NOW).getTime(),
    ttlSeconds: 3600,
  })
}

export interface Sent {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** Signs the body's hash; `UNSIGNED-PAYLOAD` otherwise. */
  readonly hashed?: boolean
  /** A presigned URL instead of headers. */
  readonly presignedSeconds?: number
  readonly signedAt?: Date
}

/** Signs with aws4fetch, which shares no code with what verifies. `target` is path and query. */
export async function signed(
  key: StorageCredential,
  method: string,
  target: string,
  sent: Sent = {},
): Promise<Request> {
  const body = typeof sent.body === 'string' ? new TextEncoder().encode(sent.body) : sent.body
  const url = new URL(`http://${HOST}${target}`)
  if (sent.presignedSeconds !== undefined) url.searchParams.set('X-Amz-Expires', String(sent.presignedSeconds))
  const hash = sent.hashed ? { 'x-amz-content-sha256': await sha256(body ?? new Uint8Array(0)) } : {}
  const signer = new AwsV4Signer({
    method,
    url: url.href,
    headers: { ...hash, ...sent.headers },
    accessKeyId: key.accessKeyId,
    secretAccessKey: key.secretAccessKey,
    sessionToken: key.sessionToken,
    service: 's3',
    region: 'auto',
    datetime: (sent.signedAt ?? NOW).toISOString().replace(/[:-]|\.\d{3}/g, ''),
    signQuery: sent.presignedSeconds !== undefined,
  })
  const { headers, url: signedUrl } = await signer.sign()
  headers.set('host', HOST)
  if (method === 'PUT' || method === 'POST') headers.set('content-length', String(body?.length ?? 0))
  return new Request(signedUrl, { method, headers, ...(body && body.length > 0 && { body }) })
}

export interface Served {
  readonly bucket?: R2Bucket
  readonly now?: Date
  readonly reports?: unknown[]
}

export function serve(
  request: Request,
  { bucket = env.LAKE, now = NOW, reports = [] }: Served = {},
): Promise<Response> {
  const rawPath = request.url.replace(/^https?:\/\/[^/]*/, '').replace(/\?.*$/s, '')
  const credentials = { ...PARENT, bucketName: 'lake', audience: hostOf }
  return serveS3(
    {
      bucket,
      bucketName: 'lake',
      credentials,
      now: () => now,
      requestId: 'r1',
      report: (cause) => reports.push(cause),
    },
    request,
    rawPath,
  )
}

function hostOf({ headers }: Request): readonly string[] {
  return [headers.get('host') ?? '']
}

/** Signs and serves. */
export async function send(key: StorageCredential, method: string, target: string, sent: Sent = {}): Promise<Response> {
  return serve(await signed(key, method, target, sent))
}

/** Status and S3 error code of an answer, `200 -` without one. */
export async function outcome(response: Response): Promise<string> {
  return `${response.status} ${/<Code>(\w+)<\/Code>/.exec(await bodyText(response))?.[1] ?? '-'}`
}

/** The texts of all elements with this name. */
export function texts(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map((match) => match[1] ?? '')
}

export async function stored(key: string): Promise<string | null> {
  return (await (await env.LAKE.get(key))?.text()) ?? null
}

export async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** Objects are not labelled as text, so `text()` would warn. */
export async function bodyText(response: Response): Promise<string> {
  return new TextDecoder().decode(await response.arrayBuffer())
}
