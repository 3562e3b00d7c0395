// Contract: a token counts only if one of our keys signed it, asymmetrically, with kid, iss, aud and exp.
// Source: RFC 7519, RFC 8725 (best practice); security cases 8, 17, 18, 37.
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type CryptoKey, type JWTHeaderParameters } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { tokenAuthority, type TokenAuthority } from '#authn/tokens'

const now = new Date('2026-06-01T12:00:00Z')
const later = new Date('2026-06-01T13:00:00Z')
const identity = { tenantId: 'tenant-1', userId: 'user-1', tokenId: 'token-1' }
const claims = { tenantId: 'tenant-1', userId: 'user-1', session: { id: 'token-1', startedAt: now } }

let authority: TokenAuthority
let key: CryptoKey
let jwks: string

beforeAll(async () => {
  const pair = await generateKeyPair('ES256', { extractable: true })
  key = pair.privateKey
  jwks = JSON.stringify({ keys: [{ ...(await exportJWK(key)), kid: 'k1', alg: 'ES256' }] })
  authority = tokenAuthority({ jwks, issuer: 'pangolin', audience: 'pangolin' })
})

/** A token that is right in everything, to be spoiled in one thing. */
function good(header: JWTHeaderParameters = { alg: 'ES256', kid: 'k1' }): SignJWT {
  return new SignJWT({ tenant: 'tenant-1' })
    .setProtectedHeader(header)
    .setSubject('user-1')
    .setJti('token-1')
    .setIssuer('pangolin')
    .setAudience('pangolin')
    .setIssuedAt(now)
    .setExpirationTime(later)
}

describe('verify', () => {
  it('accepts what it issued', async () => {
    const token = await authority.issue(identity, { issuedAt: now, expiresAt: later })
    expect(await authority.verify(token, now)).toEqual(claims)
    expect(await authority.verify(await good().sign(key), now)).toEqual(claims)
  })

  it('tells the session of a token that says none by its own id and time, and of another by what it says', async () => {
    const session = { id: 'login', startedAt: new Date('2026-05-31T12:00:00Z') }
    const times = { issuedAt: now, expiresAt: later }
    expect((await authority.verify(await authority.issue({ ...identity, session }, times), now)).session).toEqual(
      session,
    )
    expect((await authority.verify(await authority.issue(identity, times), now)).session).toEqual(claims.session)
  })

  it('says that an expired token has expired', async () => {
    const token = await authority.issue(identity, { issuedAt: now, expiresAt: later })
    await expect(authority.verify(token, new Date('2026-06-01T14:00:00Z'))).rejects.toThrow(/expired/)
  })

  const spoiled: [string, () => Promise<string>][] = [
    ['another issuer', () => good().setIssuer('evil').sign(key)],
    ['another audience', () => good().setAudience('other').sign(key)],
    ['no kid', () => good({ alg: 'ES256' }).sign(key)],
    ['an unknown kid', () => good({ alg: 'ES256', kid: 'k2' }).sign(key)],
    ['a foreign key', async () => good().sign((await generateKeyPair('ES256')).privateKey)],
    ['no signature', async () => new UnsecuredJWT({ tenant: 't', sub: 'u', jti: 'j', iss: 'pangolin' }).encode()],
    ['a shared secret', () => good({ alg: 'HS256', kid: 'k1' }).sign(new TextEncoder().encode(jwks))],
    ['not yet valid', () => good().setNotBefore(later).sign(key)],
    ['no tenant', () => without('tenant')],
    ['no sub', () => without('sub')],
    ['no jti', () => without('jti')],
    ['no exp', () => without('exp')],
    ['a session that is no text', () => without('none', { sid: 7 })],
    ['a login at no time', () => without('none', { auth_time: 'x' })],
    ['nonsense', async () => 'a.b.c'],
  ]

  async function without(claim: string, more: object = {}): Promise<string> {
    const all = {
      tenant: 't',
      sub: 'u',
      jti: 'j',
      iss: 'pangolin',
      aud: 'pangolin',
      iat: now.getTime() / 1000,
      exp: later.getTime() / 1000,
      ...more,
    }
    const kept = Object.fromEntries(Object.entries(all).filter(([name]) => name !== claim))
    return new SignJWT(kept).setProtectedHeader({ alg: 'ES256', kid: 'k1' }).sign(key)
  }

  it.each(spoiled)('refuses a token with %s, without repeating it', async (_, make) => {
    const token = await make()
    const refusal: unknown = await authority.verify(token, now).catch((error: unknown) => error)
    expect(refusal).toMatchObject({ kind: 'unauthenticated' })
    expect(String(refusal)).not.toContain(token)
  })

  it('keeps accepting tokens of an older key after a new one was put in front', async () => {
    const old = await good().sign(key)
    const fresh = await exportJWK((await generateKeyPair('ES256', { extractable: true })).privateKey)
    const { keys } = JSON.parse(jwks) as { keys: object[] }
    const rotated = tokenAuthority({
      jwks: JSON.stringify({ keys: [{ ...fresh, kid: 'k2', alg: 'ES256' }, ...keys] }),
      issuer: 'pangolin',
      audience: 'pangolin',
    })
    expect(await rotated.verify(old, now)).toEqual(claims)
    await expect(
      authority.verify(await rotated.issue(identity, { issuedAt: now, expiresAt: later }), now),
    ).rejects.toThrow(/not valid/)
  })
})

describe('tokenAuthority', () => {
  it.each([
    ['no audience', { issuer: 'pangolin', audience: '' }],
    ['no issuer', { issuer: '', audience: 'pangolin' }],
  ])('does not start with %s', (_, settings) => {
    expect(() => tokenAuthority({ jwks, ...settings })).toThrow(/must be set/)
  })

  it('does not start without keys, or with symmetric ones', () => {
    expect(() => tokenAuthority({ jwks: '', issuer: 'p', audience: 'p' })).toThrow(/must be set/)
    const symmetric = JSON.stringify({ keys: [{ kty: 'oct', k: 'c2VjcmV0', kid: 'a', alg: 'HS256' }] })
    expect(() => tokenAuthority({ jwks: symmetric, issuer: 'p', audience: 'p' })).toThrow(/alg out of/)
  })
})
