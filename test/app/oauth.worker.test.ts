// Contract: the token endpoint is served where engines look for it, is not advertised, and speaks OAuth also when it fails.
// Source: Iceberg REST specification, getToken; RFC 6749 §5; what operators expect of the log.
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createApp } from '#src/app'
import { DEFAULT_TENANT_ID } from '#src/bootstrap'

const PASSWORD = 'a password for this test only'
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const BY_PASSWORD = { grant_type: 'client_credentials', client_id: 'admin', client_secret: PASSWORD }
const settings = { ...env, LOG_LEVEL: 'info', BOOTSTRAP_PASSWORD: PASSWORD }
const app = createApp()

let lines: string[]

beforeEach(async () => {
  lines = []
  vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line))
  await send('/health/ready')
})

afterEach(() => {
  vi.restoreAllMocks()
})

async function send(path: string, init: RequestInit = {}, on: Partial<Cloudflare.Env> = settings): Promise<Response> {
  return app.fetch(new Request(`http://catalog.test${path}`, init), on)
}

async function ask(body: Record<string, string>, on?: Partial<Cloudflare.Env>): Promise<Response> {
  return send('/v1/oauth/tokens', { method: 'POST', body: new URLSearchParams(body) }, on)
}

async function config(token: string): Promise<Response> {
  return send('/v1/config?warehouse=demo', { headers: { authorization: `Bearer ${token}` } })
}

it('gives tokens that every route accepts, and new ones for them', async () => {
  let body: Record<string, string> = { ...BY_PASSWORD, client_id: `${DEFAULT_TENANT_ID}/admin` }
  for (let round = 0; round < 3; round++) {
    const answer = await ask(body)
    expect(answer.status).toBe(200)
    const { access_token: token } = (await answer.json()) as { access_token: string }
    expect((await config(token)).status).toBe(200)
    body = { grant_type: EXCHANGE, subject_token: token, subject_token_type: ACCESS_TOKEN }
  }
})

it('is not in the list of endpoints, which is of what a catalog serves', async () => {
  const { access_token: token } = (await (await ask(BY_PASSWORD)).json()) as { access_token: string }
  const { endpoints } = (await (await config(token)).json()) as { endpoints: string[] }
  expect(endpoints).toContain('GET /v1/{prefix}/namespaces')
  expect(endpoints.filter((each) => each.includes('oauth'))).toEqual([])
})

it('is one line in the log with its route and reason, and without a secret', async () => {
  const good = (await (await ask(BY_PASSWORD)).json()) as { access_token: string }
  lines = []
  const answers = [
    await ask({ ...BY_PASSWORD, client_secret: `${PASSWORD}?` }),
    await ask({ grant_type: EXCHANGE, subject_token: `${good.access_token}x`, subject_token_type: ACCESS_TOKEN }),
    await ask(BY_PASSWORD),
  ]
  expect(answers.map((answer) => answer.status)).toEqual([401, 400, 200])
  const log = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  const route = 'POST /v1/oauth/tokens'
  expect(log).toMatchObject([
    { route, status: 401, message: expect.stringMatching(/do not match/) as string },
    { route, status: 400, message: expect.stringMatching(/subject_token/) as string },
    { route, status: 200, storeRoundTrips: 1 },
  ])
  for (const secret of [PASSWORD, good.access_token]) expect(lines.join('\n')).not.toContain(secret)
})

it('answers in the form of OAuth when the database or a setting fails, and logs why', async () => {
  const broken = { ...settings, DB: { prepare: fail, batch: fail } as unknown as D1Database }
  for (const on of [broken, { ...settings, TOKEN_KEYS: '' }]) {
    lines = []
    const answer = await ask(BY_PASSWORD, on)
    expect(answer.status).toBeGreaterThanOrEqual(500)
    const body = (await answer.json()) as object
    expect(Object.keys(body)).toEqual(['error', 'error_description'])
    expect(JSON.stringify(body)).not.toMatch(/deliberate|TOKEN_KEYS/)
    expect(lines.join('\n')).toMatch(/deliberate|TOKEN_KEYS/)
  }
})

function fail(): never {
  throw new Error('deliberate')
}
