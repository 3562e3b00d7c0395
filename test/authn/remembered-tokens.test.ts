// Contract: that a token was verified is remembered only until it expires, and only for that very token.
// From: the design, "One round trip" — only immutable things are cached; security case: a token past its expiry.
import { exportJWK, generateKeyPair } from 'jose'
import { beforeAll, expect, test } from 'vitest'
import { tokenAuthority, type TokenAuthority } from '#authn/tokens'

const now = new Date('2026-06-01T12:00:00Z')
const later = new Date('2026-06-01T13:00:00Z')
const identity = { tenantId: 'tenant-1', userId: 'user-1', tokenId: 'token-1' }
const claims = { tenantId: 'tenant-1', userId: 'user-1', session: { id: 'token-1', startedAt: now } }

let authority: TokenAuthority
let token: string

beforeAll(async () => {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(privateKey)), kid: 'k1', alg: 'ES256' }] })
  authority = tokenAuthority({ jwks, issuer: 'pangolin', audience: 'pangolin' })
  token = await authority.issue(identity, { issuedAt: now, expiresAt: later })
})

test('a token that was verified before is refused once it has expired', async () => {
  expect(await authority.verify(token, now)).toEqual(claims)
  expect(await authority.verify(token, now)).toEqual(claims)
  await expect(authority.verify(token, new Date(later.getTime() + 60_000))).rejects.toThrow(/expired/)
})

test('the same claims under another signature are looked into', async () => {
  await authority.verify(token, now)
  const [header, payload, signature = ''] = token.split('.')
  const other = `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`
  await expect(authority.verify([header, payload, other].join('.'), now)).rejects.toThrow(/not valid/)
})
