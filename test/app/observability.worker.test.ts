// Contract: operators see every request once, with its cost and without a secret; clients get the id it is logged under.
// Source: issue list of what operators expect: health, request ids, one JSON line a request, CORS for browser engines.
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createApp } from '#src/app'

const PASSWORD = 'a password for this test only'
const settings = { ...env, LOG_LEVEL: 'info', BOOTSTRAP_PASSWORD: PASSWORD }
const app = createApp()

let lines: string[]

beforeEach(() => {
  lines = []
  vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line))
})

afterEach(() => {
  vi.restoreAllMocks()
})

async function get(path: string, init: RequestInit = {}, on: Partial<Cloudflare.Env> = settings): Promise<Response> {
  return app.fetch(new Request(`http://catalog.test${path}`, init), on)
}

async function token(): Promise<string> {
  await get('/health/ready')
  const body = JSON.stringify({ username: 'admin', password: PASSWORD })
  const answer = await get('/api/v1/users/login', { method: 'POST', body })
  return ((await answer.json()) as { token: string }).token
}

describe('health', () => {
  it('is live, and ready once the first tenant exists', async () => {
    expect((await get('/health/live')).status).toBe(200)
    const ready = await get('/health/ready')
    expect([ready.status, await ready.json()]).toEqual([200, { status: 'ready' }])
    expect((await get('/health/ready')).status).toBe(200)
  })

  it.each<[string, Partial<Cloudflare.Env>, RegExp]>([
    ['no signing keys', { TOKEN_KEYS: '' }, /TOKEN_KEYS/],
    ['no audience', { TOKEN_AUDIENCE: '' }, /TOKEN_AUDIENCE/],
    ['a log level that does not exist', { LOG_LEVEL: 'loud' }, /LOG_LEVEL/],
    ['neither read-only nor not', { READ_ONLY: 'yes' }, /READ_ONLY must be true or false, not "yes"/],
    ['an access key without an account', { S3_LOCAL: 'false' }, /R2_ACCOUNT_ID/],
  ])('is not ready with %s, and says which', async (_, wrong, reason) => {
    const answer = await get('/health/ready', {}, { ...settings, ...wrong })
    expect(answer.status).toBe(503)
    expect(((await answer.json()) as { reason: string }).reason).toMatch(reason)
    expect((await get('/health/live', {}, { ...settings, ...wrong })).status).toBe(200)
  })

  it('is not ready when the database does not answer', async () => {
    const broken = { ...settings, DB: { prepare: fail, batch: fail } as unknown as D1Database }
    const answer = await get('/health/ready', {}, broken)
    expect(answer.status).toBe(503)
    expect(await answer.text()).not.toContain('at ')
  })
})

describe('login', () => {
  it('gives a token for a day and more, and the same answer for a wrong password and an unknown user', async () => {
    await get('/health/ready')
    const answer = await get('/api/v1/users/login', {
      method: 'POST',
      body: JSON.stringify({ username: 'admin', password: PASSWORD }),
    })
    const body = (await answer.json()) as { token: string; 'expires-at': string; user: object }
    expect(Date.parse(body['expires-at']) - Date.now()).toBeGreaterThan(24 * 3600 * 1000)
    expect(JSON.stringify(body)).not.toContain('pbkdf2')
    const wrong = await get('/api/v1/users/login', { method: 'POST', body: '{"username":"admin","password":"x"}' })
    const unknown = await get('/api/v1/users/login', { method: 'POST', body: '{"username":"eve","password":"x"}' })
    expect([wrong.status, await wrong.text()]).toEqual([unknown.status, await unknown.text()])
    expect(wrong.status).toBe(401)
  })

  it.each([
    '',
    '{}',
    '[]',
    '{"username":5,"password":"x"}',
    '{"username":"admin"}',
    '{"username":"a","password":"x","tenant-id":"y"}',
  ])('refuses %j with 400', async (body) => {
    const answer = await get('/api/v1/users/login', { method: 'POST', body })
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ error: { code: 400, type: 'BadRequestException' } })
  })
})

describe('each request', () => {
  it('is one line with route, tenant, principal, status, time and cost', async () => {
    const authorization = `Bearer ${await token()}`
    lines = []
    const answer = await get('/v1/demo/namespaces', { headers: { authorization, 'x-request-id': 'req-1' } })
    expect(answer.headers.get('x-request-id')).toBe('req-1')
    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'info',
      requestId: 'req-1',
      method: 'GET',
      route: 'GET /v1/{prefix}/namespaces',
      status: 200,
      storeRoundTrips: 1,
      objectGets: 0,
    })
  })

  it('gets an id of ours if it brings none, or one that does not belong in a log', async () => {
    for (const given of [undefined, 'a b', 'x'.repeat(65), '"'])
      expect(
        (await get('/health/live', given ? { headers: { 'x-request-id': given } } : {})).headers.get('x-request-id'),
      ).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('leaves no secret in the log, also when it fails', async () => {
    const secret = await token()
    const headers = { authorization: `Bearer ${secret}` }
    const table = { name: 't', schema: { type: 'struct', fields: [] } }
    await get('/v1/demo/namespaces', { method: 'POST', headers, body: '{"namespace":["logged"]}' })
    const created = await get('/v1/demo/namespaces/logged/tables', {
      method: 'POST',
      headers,
      body: JSON.stringify(table),
    })
    const { config } = (await created.json()) as { config: Record<string, string> }
    await get(`/v1/demo/namespaces?token=${secret}`, { headers })
    await get('/v1/demo/namespaces', { headers: { authorization: `Bearer ${secret}x` } })
    await get(
      '/v1/demo/namespaces',
      { headers },
      { ...settings, DB: { prepare: fail, batch: fail } as unknown as D1Database },
    )
    await get('/s3/lake/x', { headers: { authorization: config['s3.secret-access-key'] ?? '' } })
    await get('/api/v1/users/login', {
      method: 'POST',
      body: JSON.stringify({ username: 'admin', password: `${PASSWORD}?` }),
    })
    const log = lines.join('\n')
    expect(lines.length).toBeGreaterThan(6)
    for (const each of [
      secret,
      PASSWORD,
      config['s3.secret-access-key'],
      config['s3.session-token'],
      env.S3_SECRET_ACCESS_KEY,
    ])
      expect(log).not.toContain(each)
  })

  it('answers a defect of ours with a 500 that says nothing but the id', async () => {
    const headers = { authorization: `Bearer ${await token()}`, 'x-request-id': 'req-2' }
    const broken = { ...settings, DB: { prepare: fail, batch: fail } as unknown as D1Database }
    const answer = await get('/v1/demo/namespaces', { headers }, broken)
    expect(answer.status).toBeGreaterThanOrEqual(500)
    const text = await answer.text()
    expect(text).not.toContain('deliberate')
    expect(lines.join('\n')).toContain('deliberate')
  })

  it('to what is not served is a 404, and with a method that is not, a 405', async () => {
    expect((await get('/v1/demo/views')).status).toBe(404)
    expect((await get('/nothing')).status).toBe(404)
    const answer = await get('/v1/config', { method: 'DELETE' })
    expect([answer.status, await answer.json()]).toMatchObject([405, { error: { type: 'MethodNotAllowedException' } }])
  })
})

describe('a browser', () => {
  it('may send what engines send', async () => {
    const wanted = 'authorization, x-iceberg-access-delegation, x-client-version, if-none-match, idempotency-key'
    const answer = await get('/v1/demo/namespaces', {
      method: 'OPTIONS',
      headers: {
        origin: 'https://engine.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': wanted,
      },
    })
    expect(answer.status).toBe(204)
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    for (const header of wanted.split(', '))
      expect(answer.headers.get('access-control-allow-headers')).toContain(header)
    const get_ = await get('/health/live', { headers: { origin: 'https://engine.example' } })
    expect(get_.headers.get('access-control-expose-headers')).toContain('ETag')
  })
})

function fail(): never {
  throw new Error('deliberate')
}
