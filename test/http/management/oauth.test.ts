// Contract: the token endpoint gives a user who shows his password, or a token that still counts, a token; OAuth's errors to all others.
// Source: Iceberg REST specification, getToken; RFC 6749 §2.3.1, §4.4, §5; RFC 8693 §2; security cases 8, 17, 18, 37.
import { decodeJwt, exportJWK, generateKeyPair } from 'jose'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { hashPassword } from '#authn/passwords'
import { tokenAuthority, type TokenAuthority } from '#authn/tokens'
import { CatalogError } from '#domain/errors'
import type { User } from '#domain/records'
import { grantToken } from '#http/management/oauth'
import { oauthErrorResponse } from '#http/management/oauth-error'
import type { SessionDeps } from '#http/management/session'
import { LOGIN_BODY_BYTES_MAX, SESSION_SECONDS_MAX, TOKEN_TTL_SECONDS } from '#src/limits'
import { memoryStore } from '#store/memory/memory'
import type { Store } from '#store/store'

const HOME = '00000000-0000-4000-8000-00000000000a'
const ABROAD = '00000000-0000-4000-8000-00000000000b'
const PASSWORD = 'a p+ss%41word: of this test'
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const NOW = new Date('2026-06-01T12:00:00Z')
const BY_PASSWORD = { grant_type: 'client_credentials', client_id: 'ann', client_secret: PASSWORD }

let passwordHash: string
let tokens: TokenAuthority
let strangers: TokenAuthority
let store: Store
let now: Date
let ann: User

beforeAll(async () => {
  passwordHash = await hashPassword(PASSWORD, new Uint8Array(16).fill(3))
  tokens = await authority()
  strangers = await authority()
})

beforeEach(async () => {
  now = NOW
  store = memoryStore()
  ann = await addUser(HOME, 'ann')
})

async function authority(): Promise<TokenAuthority> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(privateKey)), kid: 'k1', alg: 'ES256' }] })
  return tokenAuthority({ jwks, issuer: 'pangolin', audience: 'pangolin' })
}

async function addUser(tenantId: string, username: string, change: Partial<User> = {}): Promise<User> {
  const id = crypto.randomUUID()
  const user: User = { id, username, role: 'tenant-user', passwordHash, active: true, createdAt: '', ...change }
  expect(await store.tenant(tenantId).users.create(user)).toBe(true)
  return user
}

interface Granted {
  readonly access_token: string
  readonly expires_in: number
}

interface Answer {
  readonly status: number
  readonly headers: Headers
  // oxlint-disable-next-line typescript/no-explicit-any -- what a client sees is JSON of any shape
  readonly json: any
}

async function ask(
  body: Record<string, string> | URLSearchParams | string,
  headers: Record<string, string> = {},
  changed: Partial<SessionDeps> = {},
): Promise<Answer> {
  const deps = { store, tokens, defaultTenantId: HOME, now: () => now, newId: () => crypto.randomUUID(), ...changed }
  const text = typeof body === 'string' ? body : new URLSearchParams(body).toString()
  const type = { 'content-type': 'application/x-www-form-urlencoded' }
  const request = new Request('http://catalog.test/v1/oauth/tokens', {
    method: 'POST',
    body: text,
    headers: { ...type, ...headers },
  })
  const answer = await grantToken(deps, request).catch((error: unknown) => oauthErrorResponse(error, 'req-1'))
  return { status: answer.status, headers: answer.headers, json: await answer.json() }
}

function basic(id: string, secret: string): { authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` }
}

async function granted(answer: Promise<Answer>): Promise<Granted> {
  const { status, json } = await answer
  expect([status, json.error_description]).toEqual([200, undefined])
  return json
}

async function tokenOf(user: User, tenantId = HOME, ttlSeconds = TOKEN_TTL_SECONDS): Promise<string> {
  const expiresAt = new Date(NOW.getTime() + ttlSeconds * 1000)
  const claims = { tenantId, userId: user.id, tokenId: crypto.randomUUID() }
  return tokens.issue(claims, { issuedAt: NOW, expiresAt })
}

function tokenIn({ access_token: token }: Granted): string {
  return token
}

function exchanging(token: string, more: Record<string, string> = {}): Record<string, string> {
  return { grant_type: EXCHANGE, subject_token: token, subject_token_type: ACCESS_TOKEN, ...more }
}

function expectRefusal(answer: Answer, status: number, error: string, description: RegExp = /./): void {
  expect([answer.status, answer.json]).toEqual([
    status,
    { error, error_description: expect.stringMatching(description) as string },
  ])
  expect(answer.headers.get('cache-control')).toBe('no-store')
  expect(answer.headers.get('content-type')).toBe('application/json')
  expect(answer.headers.get('www-authenticate')).toBe(status === 401 ? 'Basic realm="catalog", charset="UTF-8"' : null)
}

describe('client_credentials', () => {
  it('with a password gives a bearer token of that user', async () => {
    const answer = await ask({ ...BY_PASSWORD, scope: 'catalog sign', audience: 'x', unheard: 'of' })
    expect(answer.json).toEqual({
      access_token: expect.any(String) as string,
      token_type: 'bearer',
      expires_in: TOKEN_TTL_SECONDS,
      issued_token_type: ACCESS_TOKEN,
      scope: 'catalog sign',
    })
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store'])
    const { access_token: token } = answer.json as Granted
    expect(await tokens.verify(token, now)).toMatchObject({ tenantId: HOME, userId: ann.id })
    const { iat = 0, exp } = decodeJwt(token)
    expect(exp).toBe(iat + TOKEN_TTL_SECONDS)
  })

  it('finds the user of another tenant by its id in front of the name', async () => {
    const bob = await addUser(ABROAD, 'bob')
    const { access_token: token } = await granted(ask({ ...BY_PASSWORD, client_id: `${ABROAD.toUpperCase()}/bob` }))
    expect(await tokens.verify(token, now)).toMatchObject({ tenantId: ABROAD, userId: bob.id })
    expectRefusal(await ask({ ...BY_PASSWORD, client_id: 'bob' }), 401, 'invalid_client')
    expectRefusal(await ask({ ...BY_PASSWORD, client_id: `${ABROAD}/ann` }), 401, 'invalid_client')
  })

  it('takes a slash in a name for what it is', async () => {
    await addUser(HOME, 'ops/ann')
    await granted(ask({ ...BY_PASSWORD, client_id: 'ops/ann' }))
  })

  it.each<[string, string, string]>([
    ['as engines send it', 'ann', PASSWORD],
    ['form-encoded, as OAuth has it', 'ann', encodeURIComponent(PASSWORD)],
    ['with a tenant', `${HOME}/ann`, PASSWORD],
    ['with a tenant and form-encoded', encodeURIComponent(`${HOME}/ann`), encodeURIComponent(PASSWORD)],
  ])('accepts HTTP Basic %s', async (_, id, secret) => {
    await granted(ask({ grant_type: 'client_credentials', scope: 'catalog' }, basic(id, secret)))
  })

  it('does not mind another scheme of Authorization, which some clients have for all requests', async () => {
    await granted(ask(BY_PASSWORD, { authorization: 'Bearer of-old' }))
  })

  it('refuses a wrong password, unknown user, unknown tenant and user who may not log in alike', async () => {
    await addUser(HOME, 'disabled', { active: false })
    await addUser(HOME, 'bare', { passwordHash: null })
    const wrong = await ask({ ...BY_PASSWORD, client_secret: 'wrong' })
    expectRefusal(wrong, 401, 'invalid_client', /do not match/)
    for (const id of ['nobody', 'disabled', 'bare', `${crypto.randomUUID()}/ann`, 'x'.repeat(5000), 'a\0b']) {
      const answer = await ask({ ...BY_PASSWORD, client_id: id })
      expectRefusal(answer, 401, 'invalid_client')
      expect(answer.json).toEqual(wrong.json)
    }
    const inHeader = await ask({ grant_type: 'client_credentials' }, basic('ann', 'wrong'))
    expectRefusal(inHeader, 401, 'invalid_client')
    expect(inHeader.json).toEqual(wrong.json)
  })

  it('says how to configure a credential that has no colon', async () => {
    const hint = /credential=username:password/
    const { grant_type: grant, client_secret: secret } = BY_PASSWORD
    expectRefusal(await ask({ grant_type: grant, client_secret: secret }), 400, 'invalid_request', hint)
    expectRefusal(await ask({ ...BY_PASSWORD, client_id: '' }), 400, 'invalid_request', hint)
    expectRefusal(await ask({ grant_type: grant }, basic('', secret)), 400, 'invalid_request', hint)
  })

  it.each<[string, Record<string, string>, Record<string, string>]>([
    ['no client at all', { grant_type: 'client_credentials' }, {}],
    ['no secret', { grant_type: 'client_credentials', client_id: 'ann' }, {}],
    ['an empty secret', { ...BY_PASSWORD, client_secret: '' }, {}],
    ['an empty secret in Basic', { grant_type: 'client_credentials' }, basic('ann', '')],
    ['two ways at once', BY_PASSWORD, basic('ann', PASSWORD)],
    ['Basic without a value', { grant_type: 'client_credentials' }, { authorization: 'Basic' }],
    ['Basic without a colon', { grant_type: 'client_credentials' }, { authorization: `Basic ${btoa('ann')}` }],
    ['Basic that is not base64', { grant_type: 'client_credentials' }, { authorization: 'Basic *' }],
    ['Basic that is not UTF-8', { grant_type: 'client_credentials' }, { authorization: `Basic ${btoa('\xff:x')}` }],
  ])('refuses %s', async (_, body, headers) => {
    expectRefusal(await ask(body, headers), 400, 'invalid_request')
  })
})

describe('token exchange', () => {
  it('gives a new token of the same user, also when it comes with his old one or his password as Java sends them', async () => {
    const token = await tokenOf(ann)
    now = new Date(NOW.getTime() + 1000)
    const ways: Record<string, string>[] = [{}, { authorization: `Bearer ${token}` }, basic('ann', PASSWORD)]
    for (const headers of ways) {
      const answer = await granted(ask(exchanging(token, { scope: 'catalog' }), headers))
      expect(answer).toMatchObject({ issued_token_type: ACCESS_TOKEN, token_type: 'bearer', scope: 'catalog' })
      expect(answer.expires_in).toBe(TOKEN_TTL_SECONDS)
      const [before, after] = [decodeJwt(token), decodeJwt(answer.access_token)]
      expect(await tokens.verify(answer.access_token, now)).toMatchObject({ tenantId: HOME, userId: ann.id })
      expect(after.jti).not.toBe(before.jti)
      expect(after.exp).toBe((before.exp ?? 0) + 1)
    }
  })

  it('makes no long token of a short one, and none longer than a session', async () => {
    expect((await granted(ask(exchanging(await tokenOf(ann, HOME, 60))))).expires_in).toBe(60)
    const long = await tokenOf(ann, HOME, 10 * TOKEN_TTL_SECONDS)
    expect((await granted(ask(exchanging(long)))).expires_in).toBe(TOKEN_TTL_SECONDS)
  })

  it('stays in the session of the login, which is revoked as one', async () => {
    const login = tokenIn(await granted(ask(BY_PASSWORD)))
    const other = tokenIn(await granted(ask(BY_PASSWORD)))
    const first = tokenIn(await granted(ask(exchanging(login))))
    const second = tokenIn(await granted(ask(exchanging(first))))
    const sessions = await Promise.all([login, first, second].map(async (token) => tokens.verify(token, now)))
    const session = { id: decodeJwt(login).jti ?? '', startedAt: NOW }
    for (const claims of sessions) expect(claims).toEqual({ tenantId: HOME, userId: ann.id, session })
    await store.tenant(HOME).revokedTokens.create({ id: session.id, expiresAt: '2099-01-01T00:00:00.000Z' })
    for (const token of [login, first, second])
      expectRefusal(await ask(exchanging(token)), 400, 'invalid_request', /revoked/)
    await granted(ask(exchanging(other)))
  })

  it('ends with the session, however often it is done', async () => {
    let token = await tokenOf(ann)
    const endMs = NOW.getTime() + SESSION_SECONDS_MAX * 1000
    const days = 24 * 3600_000
    for (; now.getTime() < endMs - days; now = new Date(now.getTime() + 6 * days))
      token = tokenIn(await granted(ask(exchanging(token))))
    expect(now.getTime()).toBe(endMs)
    now = new Date(endMs - 1500)
    const last = await granted(ask(exchanging(token)))
    expect([last.expires_in, (decodeJwt(last.access_token).exp ?? 0) * 1000]).toEqual([1, endMs - 1000])
    now = new Date(endMs)
    for (const each of [token, last.access_token])
      expectRefusal(await ask(exchanging(each)), 400, 'invalid_request', /session .* is over; log in again/)
  })

  it('stays in the tenant of the token', async () => {
    const bob = await addUser(ABROAD, 'bob')
    const { access_token: token } = await granted(ask(exchanging(await tokenOf(bob, ABROAD))))
    expect(await tokens.verify(token, now)).toMatchObject({ tenantId: ABROAD, userId: bob.id })
  })

  it('refuses what would be refused on any other route, at once and alike', async () => {
    const good = await tokenOf(ann)
    await granted(ask(exchanging(good)))
    const times = { issuedAt: NOW, expiresAt: new Date(NOW.getTime() + 3600_000) }
    const foreign = await strangers.issue({ tenantId: HOME, userId: ann.id, tokenId: 'x' }, times)
    const disabled = await addUser(HOME, 'disabled', { active: false })
    const revoked = await tokenOf(ann)
    await granted(ask(exchanging(revoked)))
    const { jti = '' } = decodeJwt(revoked)
    await store.tenant(HOME).revokedTokens.create({ id: jti, expiresAt: '2099-01-01T00:00:00.000Z' })
    const bad = {
      'signed by somebody else': foreign,
      'of a user who is not active': await tokenOf(disabled),
      'of a user of another tenant': await tokenOf(ann, ABROAD),
      'of nobody': await tokenOf({ ...ann, id: crypto.randomUUID() }),
      'of a tenant that is none': await tokenOf(ann, 'nowhere'),
      revoked,
      'without signature': good.slice(0, good.lastIndexOf('.') + 1),
      'that is none': 'letmein',
    }
    for (const [what, token] of Object.entries(bad)) {
      const answer = await ask(exchanging(token))
      expectRefusal(answer, 400, 'invalid_request', /subject_token/)
      expect(JSON.stringify(answer.json), what).not.toContain(token)
    }
    await store.tenant(HOME).users.update({ ...ann, active: false })
    expectRefusal(await ask(exchanging(good)), 400, 'invalid_request', /subject_token/)
  })

  it('refuses a token that has expired, also with the password', async () => {
    const token = await tokenOf(ann, HOME, 60)
    now = new Date(NOW.getTime() + 120_000)
    expectRefusal(await ask(exchanging(token)), 400, 'invalid_request', /expired/)
    expectRefusal(await ask(exchanging(token), basic('ann', PASSWORD)), 400, 'invalid_request', /expired/)
  })

  it("refuses a client who says who it is and isn't, or is somebody else", async () => {
    await addUser(HOME, 'bob')
    const token = await tokenOf(ann)
    expectRefusal(await ask(exchanging(token), basic('ann', 'wrong')), 401, 'invalid_client')
    expectRefusal(await ask(exchanging(token), basic('bob', PASSWORD)), 400, 'invalid_request', /the client/)
  })

  it.each<[string, Record<string, string>]>([
    ['no subject', { subject_token: '' }],
    ['a subject of no type', { subject_token_type: '' }],
    ['a subject of another type', { subject_token_type: 'urn:ietf:params:oauth:token-type:saml2' }],
    ['a wish for another type', { requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }],
    ['an actor', { actor_token: 'x' }],
    ['the type of an actor', { actor_token_type: ACCESS_TOKEN }],
  ])('refuses %s', async (_, change) => {
    expectRefusal(await ask(exchanging(await tokenOf(ann), change)), 400, 'invalid_request')
  })

  it('takes a token for the JSON Web Token that it is', async () => {
    const jwt = 'urn:ietf:params:oauth:token-type:jwt'
    const types = { subject_token_type: jwt, requested_token_type: jwt }
    await granted(ask(exchanging(await tokenOf(ann), types)))
  })
})

describe('a request that is none', () => {
  it.each<[string, string, string]>([
    ['no body', '', 'invalid_request'],
    ['an empty grant', 'grant_type=', 'invalid_request'],
    ['another grant', 'grant_type=password&username=ann&password=x', 'unsupported_grant_type'],
    ['a grant that every object has', 'grant_type=constructor', 'unsupported_grant_type'],
    ['two grants', `${new URLSearchParams(BY_PASSWORD).toString()}&grant_type=x`, 'invalid_request'],
    ['two clients', `${new URLSearchParams(BY_PASSWORD).toString()}&client_id=bob`, 'invalid_request'],
    ['a body that is too large', `x=${'y'.repeat(LOGIN_BODY_BYTES_MAX)}`, 'invalid_request'],
  ])('is refused: %s', async (_, body, error) => {
    expectRefusal(await ask(body), 400, error)
  })

  it('is refused in JSON', async () => {
    const answer = await ask(JSON.stringify(BY_PASSWORD), { 'content-type': 'application/json' })
    expectRefusal(answer, 400, 'invalid_request', /form-urlencoded/)
  })

  it('may say its character set', async () => {
    await granted(ask(BY_PASSWORD, { 'content-type': 'application/x-www-form-urlencoded; charset=UTF-8' }))
  })
})

describe('when the store', () => {
  function failing(error: unknown): Partial<SessionDeps> {
    const tenant = (): never => {
      throw error
    }
    return { store: { ...store, tenant } }
  }

  it('is overloaded, the client may come back', async () => {
    const answer = await ask(BY_PASSWORD, {}, failing(new CatalogError('unavailable', 'The database is overloaded')))
    expectRefusal(answer, 503, 'temporarily_unavailable', /overloaded/)
    expect(answer.headers.get('retry-after')).toBe('1')
  })

  it('fails, the client learns the request id and nothing else', async () => {
    const answer = await ask(exchanging(await tokenOf(ann)), {}, failing(new Error('deliberate')))
    expectRefusal(answer, 500, 'server_error', /^Internal error; .* req-1$/)
  })
})
