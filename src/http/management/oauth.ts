import { decodeJwt } from 'jose'
import type { TokenClaims, TokenSession } from '#authn/tokens'
import { CatalogError } from '#domain/errors'
import type { User } from '#domain/records'
import { LOGIN_BODY_BYTES_MAX } from '#src/limits'
import { readText } from '../body.ts'
import { json } from '../respond.ts'
import { clientCredentials, tokenParameters, type TokenParameters } from './oauth-client.ts'
import { NEVER_STORED, OAuthError } from './oauth-error.ts'
import {
  openSession,
  prolongSession,
  userWithPassword,
  type Credentials,
  type Session,
  type SessionDeps,
  type Subject,
} from './session.ts'

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
/** Ours are both. */
const TOKEN_TYPES = [ACCESS_TOKEN, 'urn:ietf:params:oauth:token-type:jwt']

type Grant = (deps: SessionDeps, headers: Headers, parameter: TokenParameters) => Promise<Session>

const GRANTS: Readonly<Record<string, Grant>> = {
  client_credentials: byPassword,
  'urn:ietf:params:oauth:grant-type:token-exchange': byExchange,
}

/**
 * `POST /v1/oauth/tokens` (REST specification, getToken): what engines call that were configured with `credential=`, and
 * Java again before its token expires. Answers `{access_token, token_type, expires_in, issued_token_type, scope?}`.
 * A scope is echoed: what a user may do is decided by his grants alone.
 * @throws OAuthError for what the client got wrong, CatalogError for a body that can't be read
 */
export async function grantToken(deps: SessionDeps, request: Request): Promise<Response> {
  const type = request.headers.get('content-type')
  if (type && !/^application\/x-www-form-urlencoded *(?:;|$)/i.test(type))
    throw new OAuthError('invalid_request', 'Expected a body of Content-Type application/x-www-form-urlencoded')
  const parameter = tokenParameters(await readText(request, LOGIN_BODY_BYTES_MAX))
  const session = await grantOf(parameter)(deps, request.headers, parameter)
  const scope = parameter('scope')
  return json(
    {
      access_token: session.token,
      token_type: 'bearer',
      expires_in: session.ttlSeconds,
      issued_token_type: ACCESS_TOKEN,
      ...(scope === null ? {} : { scope }),
    },
    NEVER_STORED,
  )
}

function grantOf(parameter: TokenParameters): Grant {
  const expected = Object.keys(GRANTS).join(' or ')
  const type = parameter('grant_type')
  if (type === null) throw new OAuthError('invalid_request', `grant_type is missing: expected ${expected}`)
  const grant = Object.hasOwn(GRANTS, type) ? GRANTS[type] : undefined
  if (!grant) throw new OAuthError('unsupported_grant_type', `Expected the grant_type ${expected}`)
  return grant
}

/** RFC 6749 §4.4. */
async function byPassword(deps: SessionDeps, headers: Headers, parameter: TokenParameters): Promise<Session> {
  const readings = clientCredentials(headers, parameter, deps.defaultTenantId)
  if (!readings)
    throw new OAuthError('invalid_request', 'Expected client_id and client_secret: the name and the password of a user')
  return openSession(deps, await authenticated(deps, readings))
}

/**
 * RFC 8693 with one of our own tokens that still counts, for the same user. The new one lives no longer than the old one
 * did, so that a short token can't be made a long one, and belongs to the session of the old one: it is revoked with it,
 * and no exchange reaches beyond the session's end. A client that also says who it is must be that user.
 */
async function byExchange(deps: SessionDeps, headers: Headers, parameter: TokenParameters): Promise<Session> {
  if (parameter('actor_token') !== null || parameter('actor_token_type') !== null)
    throw new OAuthError('invalid_request', 'Actor tokens are not supported: nobody acts for somebody else here')
  const token = parameter('subject_token')
  if (token === null) throw new OAuthError('invalid_request', 'subject_token is missing: expected an access token')
  checkTokenType('subject_token_type', parameter('subject_token_type'))
  checkTokenType('requested_token_type', parameter('requested_token_type') ?? ACCESS_TOKEN)
  const readings = clientCredentials(headers, parameter, deps.defaultTenantId)
  const client = readings && (await authenticated(deps, readings))
  const subject = await subjectOf(deps, token)
  if (client && (client.tenantId !== subject.tenantId || client.user.id !== subject.user.id))
    throw new OAuthError('invalid_request', 'subject_token: expected a token of the user who is the client')
  const { iat = 0, exp = 0 } = decodeJwt(token)
  const session = await prolongSession(deps, subject, exp - iat)
  if (!session)
    throw new OAuthError(
      'invalid_request',
      'subject_token: the session that began with its login is over; log in again',
    )
  return session
}

async function authenticated(deps: SessionDeps, readings: readonly Credentials[]): Promise<Subject> {
  for (const credentials of readings) {
    const user = await userWithPassword(deps, credentials)
    if (user) return { tenantId: credentials.tenantId, user }
  }
  throw new OAuthError('invalid_client', 'client_id and client_secret do not match an active user and his password')
}

async function subjectOf(deps: SessionDeps, token: string): Promise<Subject & { readonly session: TokenSession }> {
  const claims = await verified(deps, token)
  const user = claims && (await countedUser(deps, claims))
  if (!user)
    throw new OAuthError(
      'invalid_request',
      'subject_token: expected an access token of this catalog and an active user, neither expired nor revoked; log in again',
    )
  return { tenantId: claims.tenantId, user, session: claims.session }
}

/** The user of a token that still counts; what has changed since it was issued, only the store knows. */
async function countedUser(deps: SessionDeps, { tenantId, userId, session }: TokenClaims): Promise<User | null> {
  const { caller } = await deps.store.tenant(tenantId).read({ caller: { userId, tokenId: session.id } })
  return caller?.user?.active && !caller.revoked ? caller.user : null
}

async function verified(deps: SessionDeps, token: string): Promise<TokenClaims | null> {
  try {
    return await deps.tokens.verify(token, deps.now())
  } catch (error) {
    if (error instanceof CatalogError && error.kind === 'unauthenticated') return null
    throw error
  }
}

function checkTokenType(name: string, type: string | null): void {
  if (type === null || !TOKEN_TYPES.includes(type))
    throw new OAuthError('invalid_request', `${name}: expected ${TOKEN_TYPES.join(' or ')}`)
}
