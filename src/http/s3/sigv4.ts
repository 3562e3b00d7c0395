import { fromHex, toHex } from '#domain/hex'
import { type Query, percentDecoded, uriEncode } from './uri.ts'

/**
 * AWS Signature Version 4 ("Create a signed AWS API request", and for chunks "Signature calculations for the
 * Authorization header: transferring payload in multiple chunks").
 */
export interface SigningScope {
  /** `YYYYMMDDTHHMMSSZ` */
  readonly timestamp: string
  readonly region: string
}

export const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/** The canonical forms a client may have signed: the path re-encoded segment by segment, or exactly as sent. */
export function canonicalPaths(rawPath: string): readonly string[] {
  const encoded = rawPath
    .split('/')
    .map((segment) => uriEncode(percentDecoded(segment)))
    .join('/')
  return encoded === rawPath ? [encoded] : [encoded, rawPath]
}

/** The parameters sorted and re-encoded, without the presigned signature itself. */
export function canonicalQuery(query: Query): string {
  return query.pairs
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => [uriEncode(name), uriEncode(value)] as const)
    .toSorted((a, b) => compare(a[0], b[0]) || compare(a[1], b[1]))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

/** `headers` are the signed ones: lower-case names in the client's order, values as they arrived. */
export function canonicalRequest(
  method: string,
  path: string,
  query: string,
  headers: readonly (readonly [name: string, value: string])[],
  payload: string,
): string {
  const lines = headers.map(([name, value]) => `${name}:${value.trim().replace(/ +/g, ' ')}\n`).join('')
  const names = headers.map(([name]) => name).join(';')
  return [method, path, query, lines, names, payload].join('\n')
}

/** The first signature of a request, over its canonical form. */
export async function requestStringToSign(scope: SigningScope, canonical: string): Promise<string> {
  const hash = await sha256Hex(new TextEncoder().encode(canonical))
  return ['AWS4-HMAC-SHA256', scope.timestamp, scopePath(scope), hash].join('\n')
}

/** A chunk's signature follows from the one before it. `hash` is the hex SHA-256 of the chunk's bytes. */
export function chunkStringToSign(scope: SigningScope, previous: string, hash: string): string {
  return ['AWS4-HMAC-SHA256-PAYLOAD', scope.timestamp, scopePath(scope), previous, EMPTY_SHA256, hash].join('\n')
}

/** The trailer's signature follows from the last chunk's. `hash` is over `name:value\n` of each trailing header. */
export function trailerStringToSign(scope: SigningScope, previous: string, hash: string): string {
  return ['AWS4-HMAC-SHA256-TRAILER', scope.timestamp, scopePath(scope), previous, hash].join('\n')
}

/** The key that signs everything of one day, region and service. */
export async function signingKey(secretAccessKey: string, scope: SigningScope): Promise<CryptoKey> {
  let key: ArrayBuffer | Uint8Array = new TextEncoder().encode(`AWS4${secretAccessKey}`)
  for (const part of scopePath(scope).split('/')) key = await hmac(await hmacKey(key), part)
  return hmacKey(key)
}

/** Whether `signature` (hex) is that of `text`; takes the same time wherever they differ. */
export async function signatureMatches(key: CryptoKey, signature: string, text: string): Promise<boolean> {
  if (!/^[0-9a-f]{64}$/.test(signature)) return false
  return crypto.subtle.verify('HMAC', key, fromHex(signature), new TextEncoder().encode(text))
}

export async function sha256Hex(bytes: Uint8Array): Promise<string> {
  return toHex(await crypto.subtle.digest('SHA-256', bytes))
}

function scopePath({ timestamp, region }: SigningScope): string {
  return `${timestamp.slice(0, 8)}/${region}/s3/aws4_request`
}

function hmacKey(key: ArrayBuffer | Uint8Array): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify'])
}

function hmac(key: CryptoKey, text: string): Promise<ArrayBuffer> {
  return crypto.subtle.sign('HMAC', key, new TextEncoder().encode(text))
}
