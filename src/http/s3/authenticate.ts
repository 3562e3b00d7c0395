import { type Presented, readAuthorization } from './authorization.ts'
import { type CredentialIssuer, openCredential, type Rights } from './credential.ts'
import { S3Error } from './errors.ts'
import {
  canonicalPaths,
  canonicalQuery,
  canonicalRequest,
  requestStringToSign,
  signatureMatches,
  signingKey,
} from './sigv4.ts'
import type { Query } from './uri.ts'

/** A request whose signature was right, with what is needed to verify the chunks of its body. */
export interface Authenticated {
  readonly rights: Rights
  readonly presented: Presented
  readonly key: CryptoKey
}

/**
 * Who signed the request, and what that credential may do. Nothing is decided yet about bucket, action or key.
 * @throws S3Error as S3 answers: `RequestTimeTooSkewed`, `InvalidAccessKeyId`, `InvalidToken`, `ExpiredToken`,
 * `SignatureDoesNotMatch` …
 */
export async function authenticate(
  issuer: CredentialIssuer,
  request: Request,
  rawPath: string,
  query: Query,
  now: Date,
): Promise<Authenticated> {
  const presented = readAuthorization(request, query, now)
  const { accessKeyId, sessionToken, scope, signature } = presented
  const { rights, secretAccessKey } = await openCredential(accessKeyId, sessionToken, issuer, request, now)
  const headers = signedHeaders(request, presented)
  const key = await signingKey(secretAccessKey, scope)
  for (const path of canonicalPaths(rawPath)) {
    const canonical = canonicalRequest(request.method, path, canonicalQuery(query), headers, presented.payload)
    if (await signatureMatches(key, signature, await requestStringToSign(scope, canonical)))
      return { rights, presented, key }
  }
  throw new S3Error('SignatureDoesNotMatch', 'The request signature we calculated does not match the one you provided.')
}

/** The signed headers with their values. Every `x-amz-*` header decides something, so none may be unsigned. */
function signedHeaders(request: Request, presented: Presented): readonly (readonly [string, string])[] {
  for (const name of request.headers.keys())
    if (name.startsWith('x-amz-') && !presented.signedHeaders.includes(name))
      throw new S3Error('AccessDenied', `There were headers present in the request which were not signed: ${name}`)
  return presented.signedHeaders.map((name) => [name, headerAsSent(request, name)])
}

/** Cloudflare rewrites `accept-encoding` and keeps the client's own beside the request; some SDKs sign it. */
function headerAsSent(request: Request, name: string): string {
  if (name === 'accept-encoding' && request.cf !== undefined) {
    const { clientAcceptEncoding } = request.cf
    return typeof clientAcceptEncoding === 'string' ? clientAcceptEncoding : ''
  }
  if (name === 'host') return request.headers.get('host') ?? new URL(request.url).host
  return request.headers.get(name) ?? ''
}
