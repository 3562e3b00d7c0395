import { createLocalJWKSet, errors, importJWK, jwtVerify, SignJWT, type JWK, type JWTPayload } from 'jose'
import { CatalogError } from '#domain/errors'
import { recent } from '#domain/recent'
import { VERIFIED_TOKENS_MAX } from '#src/limits'

/** Signature algorithms a token may use: asymmetric only, so that no public key can be mistaken for a shared secret. */
const ALGORITHMS = ['ES256', 'ES384', 'EdDSA', 'RS256']

/** Tolerated difference between the clocks of issuer and Worker. */
const CLOCK_TOLERANCE_SECONDS = 30

/** What a valid token says. Role and rights are not in it: they are read from the store with every request. */
export interface TokenClaims {
  readonly tenantId: string
  readonly userId: string
  readonly session: TokenSession
}

/**
 * One login and every token that was exchanged for its token: they are revoked together, and end together. `id` is the
 * `jti` of the login's own token, which began it.
 */
export interface TokenSession {
  readonly id: string
  readonly startedAt: Date
}

/** Issues and verifies the catalog's own bearer tokens (RFC 7519), signed with the first key of a private JWKS. */
export interface TokenAuthority {
  /** @param token without a session, it begins one */
  issue(
    token: {
      readonly tenantId: string
      readonly userId: string
      readonly tokenId: string
      readonly session?: TokenSession
    },
    times: { readonly issuedAt: Date; readonly expiresAt: Date },
  ): Promise<string>
  /**
   * A token that was found good stays so until it expires, and is not looked into again; whether it was revoked is the
   * store's to say. @throws CatalogError `unauthenticated`; the message never repeats the token
   */
  verify(token: string, now: Date): Promise<TokenClaims>
}

/**
 * @param jwks private JWKS as JSON text; every key needs `kid` and `alg`. The first signs, all of them verify, so a key
 *   is rotated by putting the new one in front.
 * @throws Error when the settings are unusable: a Worker without issuer, audience or keys must not start
 */
export function tokenAuthority(settings: { jwks: string; issuer: string; audience: string }): TokenAuthority {
  const keys = privateKeys(settings.jwks)
  const [signing] = keys
  if (!signing || !settings.issuer || !settings.audience)
    throw new Error('TOKEN_KEYS, TOKEN_ISSUER and TOKEN_AUDIENCE must be set before the catalog can start')
  const verificationKeys = createLocalJWKSet({ keys: keys.map(publicPart) })
  const verified = recent<{ readonly claims: TokenClaims; readonly expiresAtMs: number }>(VERIFIED_TOKENS_MAX)

  return {
    async issue({ tenantId, userId, tokenId, session }, { issuedAt, expiresAt }) {
      return new SignJWT({ tenant: tenantId, ...(session ? sessionClaims(session) : {}) })
        .setProtectedHeader({ alg: signing.alg, kid: signing.kid, typ: 'JWT' })
        .setSubject(userId)
        .setJti(tokenId)
        .setIssuer(settings.issuer)
        .setAudience(settings.audience)
        .setIssuedAt(issuedAt)
        .setExpirationTime(expiresAt)
        .sign(await importJWK(signing, signing.alg))
    },

    async verify(token, now) {
      const known = verified.get(token)
      if (known && now.getTime() < known.expiresAtMs) return known.claims
      try {
        const { payload, protectedHeader } = await jwtVerify(token, verificationKeys, {
          algorithms: ALGORITHMS,
          issuer: settings.issuer,
          audience: settings.audience,
          requiredClaims: ['exp', 'iat', 'sub', 'jti', 'tenant'],
          clockTolerance: CLOCK_TOLERANCE_SECONDS,
          currentDate: now,
        })
        if (typeof protectedHeader.kid !== 'string') throw new errors.JWTInvalid('kid is required')
        const claims = claimsOf(payload)
        verified.set(token, { claims, expiresAtMs: (payload.exp ?? 0) * 1000 })
        return claims
      } catch (cause) {
        const reason =
          cause instanceof errors.JWTExpired ? 'the token has expired: log in again' : 'the token is not valid'
        throw new CatalogError('unauthenticated', `Not authorized: ${reason}`, cause)
      }
    },
  }
}

interface SigningKey extends JWK {
  readonly kid: string
  readonly alg: string
}

function privateKeys(jwks: string): SigningKey[] {
  const parsed = parseKeys(jwks || '{"keys":[]}')
  const keys = (parsed as { keys?: unknown }).keys
  if (!Array.isArray(keys)) throw new Error('TOKEN_KEYS must be a JSON Web Key Set: {"keys":[…]}')
  return keys.map((key: SigningKey) => {
    if (!key.kid || !ALGORITHMS.includes(key.alg))
      throw new Error(`Every key of TOKEN_KEYS needs a kid and an alg out of ${ALGORITHMS.join(', ')}`)
    return key
  })
}

/** The parser's own message would quote the keys. */
function parseKeys(jwks: string): unknown {
  try {
    return JSON.parse(jwks)
  } catch {
    throw new Error('TOKEN_KEYS must be a JSON Web Key Set, and is not even JSON')
  }
}

/** Public members only (RFC 7517 §9.3 and RFC 7518 §6): what verification needs and nothing more. */
function publicPart({ kty, kid, alg, crv, x, y, n, e }: SigningKey): JWK {
  return Object.fromEntries(
    Object.entries({ kty, kid, alg, crv, x, y, n, e, use: 'sig' }).filter(([, value]) => value !== undefined),
  )
}

/** `sid` and `auth_time` of OpenID Connect. A token without them began its session. */
function sessionClaims({ id, startedAt }: TokenSession): JWTPayload {
  return { sid: id, auth_time: Math.floor(startedAt.getTime() / 1000) }
}

function claimsOf(payload: JWTPayload): TokenClaims {
  const { tenant, sub, jti, iat, sid = jti, auth_time: startedAt = iat } = payload
  if (typeof tenant !== 'string' || !sub || !jti) throw new errors.JWTInvalid('tenant, sub and jti are required')
  if (typeof sid !== 'string' || !sid || typeof startedAt !== 'number')
    throw new errors.JWTInvalid('sid must be text and auth_time a number')
  return { tenantId: tenant, userId: sub, session: { id: sid, startedAt: new Date(startedAt * 1000) } }
}
