// Contract: a call that never ends, of the database or the bucket, ends its request and holds up nobody else.
// Source: DESIGN 5 and 6: definitely not done is 503 with Retry-After; every wait has a limit.
import { env } from 'cloudflare:workers'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { validateFile } from '#domain/location'
import { meteredD1, newCost } from '#src/meter'
import { OBJECT_CALL_MS_MAX, STORE_CALL_MS_MAX } from '#src/limits'
import { impatient, within } from '#src/time-limits'
import { d1Store } from '#store/sql/d1'
import { memoryObjects } from '#test/support/objects'

const never = new Promise<never>(() => undefined)
const file = validateFile('s3://lake/t/m.json', { kind: 'r2', bucket: 'lake', prefix: '' }, 'file')

afterEach(() => {
  vi.useRealTimers()
})

/** What a promise ends in once `ms` have passed. */
async function after<T>(ms: number, work: () => Promise<T>): Promise<unknown> {
  vi.useFakeTimers()
  const result = work().catch((error: unknown) => error)
  await vi.advanceTimersByTimeAsync(ms)
  return result
}

describe('within', () => {
  it('passes on what comes in time, results and errors', async () => {
    expect(await within(1000, 'It', Promise.resolve(5))).toBe(5)
    await expect(within(1000, 'It', Promise.reject(new Error('no')))).rejects.toThrow('no')
  })

  it('gives up on what does not', async () => {
    expect(await after(1000, () => within(1000, 'It', never))).toMatchObject({ kind: 'unavailable' })
  })
})

it('a bucket that hangs is given up on', async () => {
  const objects = impatient(
    { ...memoryObjects(), read: async () => never, create: async () => never },
    OBJECT_CALL_MS_MAX,
  )
  const calls: (() => Promise<unknown>)[] = [
    () => objects.read(file, 10),
    () => objects.create(file, new Uint8Array(), 'x'),
  ]
  for (const call of calls) expect(await after(OBJECT_CALL_MS_MAX, call)).toMatchObject({ kind: 'unavailable' })
})

describe('a database that hangs', () => {
  const hanging = new Proxy(env.DB, {
    get: (target, property) =>
      property === 'batch' ? async () => never : (Reflect.get(target, property, target) as () => unknown).bind(target),
  })
  const tenant = d1Store(meteredD1(hanging, newCost())).tenant('tenant')

  it('leaves a commit unknown, to be settled', async () => {
    const who = { principalId: 'u', principalName: 'u', client: null, requestId: 'r', address: null }
    const audit = { ...who, action: 'a', target: 't', targetId: null, message: 'm', result: 'success' as const }
    const member = { id: 'c', idempotency: null, log: { kind: 'create' as const, author: 'u', message: 'm' }, audit }
    const commit = { branchId: 'b', at: '2026-01-01T00:00:00Z', members: [member], changes: [], checks: [], purges: [] }
    expect(await after(STORE_CALL_MS_MAX, () => tenant.commit(commit))).toMatchObject({ outcome: 'unknown' })
    expect(await after(STORE_CALL_MS_MAX, () => tenant.settle('c'))).toBeInstanceOf(Error)
  })
})
