import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { exportJWK, generateKeyPair } from 'jose'
import { DEFAULT_TENANT_ID } from '#src/bootstrap'
import { configOf } from '#src/config'
import { newCost, type Cost } from '#src/meter'
import worker from '#src/worker'
import { d1Store } from '#store/sql/d1'
import type { Store } from '#store/store'
import { vi } from 'vitest'
import { counted, type Count } from './counted.ts'
import type { Lake } from './lake.ts'

export interface Answer {
  readonly status: number
  readonly text: string
  /** Of the header `Retry-After`. */
  readonly retryAfter: string | null
}

/** A request as tests write it down; `body` is sent as JSON. */
export type Sent = readonly [method: string, path: string, body?: object | undefined, headers?: Record<string, string>]

export interface CostWorker extends Lake {
  readonly store: Store
  readonly tenantId: string
  /** Serves a request by the Worker's own handler, as the administrator unless another token is given. */
  call(sent: Sent, token?: string): Promise<Answer>
  /** The same, with what it cost until `after` has ended: as counted at the bindings, and as the Worker's own log line has it. */
  measured(
    sent: Sent,
    token?: string,
    after?: () => Promise<unknown>,
  ): Promise<{ answer: Answer; count: Count; logged: Cost }>
  tokenOf(userId: string): Promise<string>
}

/** The Worker with complete settings and `more`, its database bootstrapped: catalog `demo`, user `admin`. */
export async function openWorker(more: Partial<Cloudflare.Env> = {}): Promise<CostWorker> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const settings: Cloudflare.Env = {
    ...env,
    TOKEN_KEYS: JSON.stringify({ keys: [{ ...(await exportJWK(privateKey)), kid: 'test', alg: 'ES256' }] }),
    S3_ACCESS_KEY_ID: 'parent',
    S3_SECRET_ACCESS_KEY: 'secret of the parent',
    S3_LOCAL: 'true',
    BOOTSTRAP_PASSWORD: 'a password for tests',
    LOG_LEVEL: 'info',
    ...more,
  }
  const lines = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  const serve = async ([method, path, body, headers]: Sent, token?: string): Promise<Answer> => {
    const context = createExecutionContext()
    const response = await worker.fetch(
      new Request(`http://catalog.test${path}`, {
        method,
        headers: { ...headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
      settings,
      context,
    )
    const text = await response.text()
    await waitOnExecutionContext(context)
    return { status: response.status, text, retryAfter: response.headers.get('retry-after') }
  }
  const ready = await serve(['GET', '/health/ready'])
  if (ready.status !== 200) throw new Error(`the Worker is not ready: ${ready.text}`)

  const store = d1Store(env.DB)
  const tenant = store.tenant(DEFAULT_TENANT_ID)
  const tokenOf = async (userId: string): Promise<string> => {
    const issuedAt = new Date()
    const times = { issuedAt, expiresAt: new Date(issuedAt.getTime() + 3_600_000) }
    const claims = { tenantId: DEFAULT_TENANT_ID, userId, tokenId: crypto.randomUUID() }
    return configOf(settings).tokens.issue(claims, times)
  }
  const admin = await tenant.users.byName('admin')
  const adminToken = await tokenOf(admin?.id ?? '')
  return {
    store,
    tenant,
    tenantId: DEFAULT_TENANT_ID,
    tokenOf,
    call: (sent, token = adminToken) => serve(sent, token),
    put: (key, text) => env.LAKE.put(key, text),
    async measured(sent, token = adminToken, after = async () => undefined) {
      lines.mockClear()
      const { value, count } = await counted(env, async () => {
        const answer = await serve(sent, token)
        await after()
        return answer
      })
      return { answer: value, count, logged: costOf(lines.mock.calls) }
    },
  }
}

/** The figures of a request's log line, the last one written. */
function costOf(calls: readonly unknown[][]): Cost {
  const text = calls.at(-1)?.[0]
  const line = (typeof text === 'string' ? JSON.parse(text) : {}) as Partial<Cost>
  const names = Object.keys(newCost()) as (keyof Cost)[]
  return Object.fromEntries(names.map((name) => [name, line[name]])) as unknown as Cost
}
