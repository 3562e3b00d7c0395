import type { TenantId } from '#domain/records'
import { OAuthError } from './oauth-error.ts'
import type { Credentials } from './session.ts'

/** The parameters of a token request. Each is there at most once, and empty means absent (RFC 6749 §3.2). */
export type TokenParameters = (name: string) => string | null

/** @throws OAuthError `invalid_request` when a parameter that is asked for was given twice */
export function tokenParameters(body: string): TokenParameters {
  const form = new URLSearchParams(body)
  return (name) => {
    const [value, ...more] = form.getAll(name).filter((each) => each !== '')
    if (more.length > 0)
      throw new OAuthError('invalid_request', `Expected ${name} once, found it ${more.length + 1} times`)
    return value ?? null
  }
}

/**
 * How the client says who it is: HTTP Basic, or `client_id` and `client_secret` in the body (RFC 6749 §2.3.1). A client
 * is a user, `username` or `tenant-id/username`, and its secret is his password. Several readings mean that any of
 * them may be the right one. Null: nothing was said.
 * @throws OAuthError `invalid_request`
 */
export function clientCredentials(
  headers: Headers,
  parameter: TokenParameters,
  defaultTenantId: TenantId,
): readonly Credentials[] | null {
  const secret = parameter('client_secret')
  const basic = /^Basic(?: +(.*))?$/i.exec(headers.get('authorization') ?? '')
  if (basic && secret !== null)
    throw new OAuthError(
      'invalid_request',
      'Expected one way of client authentication, found HTTP Basic and client_secret',
    )
  if (basic) return basicReadings(basic[1] ?? '').map((pair) => credentialsOf(...pair, defaultTenantId))
  return secret === null ? null : [credentialsOf(parameter('client_id'), secret, defaultTenantId)]
}

/**
 * OAuth wants id and secret form-encoded inside of Basic; engines send them as they are. Where that makes a difference,
 * nothing but the password can tell which it was.
 */
function basicReadings(encoded: string): [id: string, secret: string][] {
  const text = fromBase64(encoded)
  const colon = text?.indexOf(':') ?? -1
  if (text === null || colon < 0)
    throw new OAuthError(
      'invalid_request',
      "Expected 'Authorization: Basic' with the base64 of client_id:client_secret",
    )
  const asSent: [string, string] = [text.slice(0, colon), text.slice(colon + 1)]
  const [id, secret] = asSent.map(formDecoded)
  const differs = id !== asSent[0] || secret !== asSent[1]
  return id && secret && differs ? [asSent, [id, secret]] : [asSent]
}

function credentialsOf(id: string | null, password: string, defaultTenantId: TenantId): Credentials {
  if (!id)
    throw new OAuthError(
      'invalid_request',
      'client_id is missing: a client is a user of the catalog, so configure credential=username:password',
    )
  if (!password) throw new OAuthError('invalid_request', "client_secret is missing: expected the user's password")
  const [, tenantId, username] = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/(.+)$/is.exec(id) ?? []
  return { tenantId: tenantId?.toLowerCase() ?? defaultTenantId, username: username ?? id, password }
}

function fromBase64(encoded: string): string | null {
  try {
    const bytes = Uint8Array.from(atob(encoded.trim()), (character) => character.charCodeAt(0))
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return null
  }
}

function formDecoded(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return null
  }
}
