import { expect, vi } from 'vitest'
import { tokenAuthority } from '#authn/tokens'
import { createApp } from '#src/app'
import { DEFAULT_TENANT_ID } from '#src/bootstrap'
import { workerSettings } from '#test/support/built-worker'

const SETTINGS = workerSettings('info')

/**
 * With these settings the catalog says in one sentence what is wrong, and every request, of a user with a good token and of
 * one who logs in, is told to come back. None of the secrets is told.
 */
export async function expectUnusable(
  settings: Readonly<Record<string, unknown>>,
  reason: RegExp,
  secrets: readonly string[] = [],
): Promise<void> {
  const env = { ...SETTINGS, LAKE: {}, ...settings } as unknown as Cloudflare.Env
  const app = createApp()
  const logged = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  const send = (path: string, init: RequestInit = {}) => app.fetch(new Request(`http://catalog.test${path}`, init), env)
  const authority = tokenAuthority({ jwks: SETTINGS['TOKEN_KEYS'] ?? '', issuer: 'pangolin', audience: 'pangolin' })
  const times = { issuedAt: new Date(), expiresAt: new Date(Date.now() + 60_000) }
  const token = await authority.issue({ tenantId: DEFAULT_TENANT_ID, userId: 'u', tokenId: 't' }, times)
  const headers = { authorization: `Bearer ${token}` }
  const login = JSON.stringify({ username: 'admin', password: 'x' })
  const ready = await send('/health/ready')
  const text = await ready.text()
  expect(ready.status).toBe(503)
  expect((JSON.parse(text) as { reason: string }).reason).toMatch(reason)
  const answers = [
    await send('/v1/demo/namespaces', { headers }),
    await send('/v1/demo/namespaces', { method: 'POST', headers, body: '{"namespace":["a"]}' }),
    await send('/api/v1/users/login', { method: 'POST', body: login }),
  ]
  const texts = [text]
  for (const answer of answers) {
    const told = await answer.text()
    texts.push(told)
    expect([answer.status, answer.headers.get('retry-after')], told).toEqual([503, '1'])
  }
  const log = logged.mock.calls.flat().join('\n')
  logged.mockRestore()
  for (const secret of secrets) for (const told of [...texts, log]) expect(told).not.toContain(secret)
}
