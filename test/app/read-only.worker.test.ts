// Contract: with READ_ONLY a deployment changes nothing, neither records nor files, says so, and goes on answering.
// Source: README, "Moving between databases": whoever copies a database must be able to stop what writes to it.
import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import type { LaneRequest } from '#catalog/lane-queue'
import { icebergRoutes } from '#http/iceberg/routes'
import { managementRoutes } from '#http/management/routes'
import { PurgeRunner } from '#src/purge-runner'
import { readOnly } from '#src/read-only'
import { TableLane } from '#src/table-lane'
import type { Bootstrap, MetricsReport, NewRef } from '#store/store'
import type { CatalogCommit, IdempotencyRecord } from '#versions/model'
import { CASES, LAKE, seedCases } from '#test/cost/cases'
import { propertyCommit } from '#test/cost/lake'
import { openWorker, type CostWorker } from '#test/cost/worker'
import { beforeAll, describe, expect, it } from 'vitest'

const settings = { ...env, READ_ONLY: 'true', LOG_LEVEL: 'info' }
const CHANGES = [...icebergRoutes, ...managementRoutes].filter(({ writes }) => writes)

let writable: CostWorker
let closed: CostWorker

beforeAll(async () => {
  writable = await openWorker()
  await seedCases(writable)
  closed = await openWorker({ READ_ONLY: 'true' })
})

/** Every row of the database, and every file of the bucket. */
async function everything(): Promise<unknown> {
  const names = await env.DB.prepare(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'",
  ).all<{ name: string }>()
  const tables = names.results.map(({ name }) => name)
  const rows = await env.DB.batch(tables.map((name) => env.DB.prepare(`SELECT * FROM ${name}`)))
  const { objects } = await env.LAKE.list()
  return [tables, rows.map(({ results }) => results), objects.map(({ key, etag }) => [key, etag])]
}

describe('a read-only deployment', () => {
  it.each(CHANGES.map(({ method, path }) => `${method} ${path}`))('%s is told to come back', async (route) => {
    const before = await everything()
    const requests = CASES.filter(([name]) => name === route || name.startsWith(`${route} (`))
    expect(requests.length).toBeGreaterThan(0)
    for (const [, sent] of requests) {
      const { status, text, retryAfter } = await closed.call(sent)
      expect([status, retryAfter]).toEqual([503, '1'])
      expect(text).toContain('read-only')
    }
    expect(await everything()).toEqual(before)
  })

  it.each([
    [['GET', '/health/ready'], 200],
    [['GET', '/v1/config?warehouse=demo'], 200],
    [['GET', `${LAKE}/t0000`], 200],
    [['GET', `${LAKE}/t0000/credentials`], 200],
    // What engines report is lost, and they hear nothing of it.
    [['POST', `${LAKE}/t0000/metrics`, { 'report-type': 'scan-report' }], 204],
  ] as const)('%j is answered, and changes nothing', async (sent, status) => {
    const before = await everything()
    const answer = await closed.call(sent)
    expect(answer.status, answer.text).toBe(status)
    expect(await everything()).toEqual(before)
  })

  it('says so to whoever asks whether it is ready', async () => {
    expect((await closed.call(['GET', '/health/ready'])).text).toBe('{"status":"ready","read-only":true}')
    expect((await writable.call(['GET', '/health/ready'])).text).toBe('{"status":"ready"}')
  })

  it('tells again what was done under a key, and does nothing new under another', async () => {
    const commit = (key: string) => ['POST', `${LAKE}/t0001`, propertyCommit(1), { 'idempotency-key': key }] as const
    const [key, other] = [crypto.randomUUID(), crypto.randomUUID()]
    const done = await writable.call(commit(key))
    const before = await everything()
    expect(await closed.call(commit(key))).toEqual(done)
    expect((await closed.call(commit(other))).status).toBe(503)
    expect(await everything()).toEqual(before)
  })

  it('does not know who you are any better than before', async () => {
    const drop = ['DELETE', `${LAKE}/t0000`] as const
    expect((await closed.call(drop, 'no token')).status).toBe(401)
  })
})

it('a lane that another version of the Worker asks writes no file', async () => {
  const lane = env.TABLE_LANE.getByName('read-only')
  const before = await everything()
  const request = { actor: { requestId: 'r' } } as LaneRequest
  const reply = await runInDurableObject(lane, async (_, state) =>
    new TableLane(state, settings).commit(writable.tenantId, request),
  )
  expect(reply).toMatchObject({ ok: false, kind: 'unavailable' })
  expect(await everything()).toEqual(before)
})

it('a purge waits until changes are taken again, and a new deployment takes it up', async () => {
  const file = 'dropped/metadata/1.metadata.json'
  await env.LAKE.put(file, '{}')
  const warehouse = (await writable.tenant.warehouses.list({ limit: 1 })).records[0]?.id
  await env.DB.prepare(
    "INSERT INTO purge VALUES (?1, 'p', 'o', ?2, ?3, '[\"s3://lake/dropped\"]', 'pending', NULL, ?4)",
  )
    .bind(writable.tenantId, warehouse, `s3://lake/${file}`, '2026-01-01T00:00:00.000Z')
    .run()
  const before = await everything()
  await runInDurableObject(env.PURGE_RUNNER.getByName('read-only'), async (_, state) => {
    await state.storage.put({ tenantId: writable.tenantId, expectUntilMs: 0 })
    await new PurgeRunner(state, settings).alarm()
    expect(await everything()).toEqual(before)
    expect(await state.storage.getAlarm()).not.toBeNull()
  })
  const taskOf = async () =>
    runInDurableObject(env.PURGE_RUNNER.getByName(writable.tenantId), (_, { storage }) => storage.get('tenantId'))
  await openWorker({ READ_ONLY: 'true' })
  expect(await taskOf()).toBeUndefined()
  await openWorker()
  expect(await taskOf()).toBe(writable.tenantId)
  await runInDurableObject(env.PURGE_RUNNER.getByName('read-only'), async (_, state) => {
    await new PurgeRunner(state, { ...settings, READ_ONLY: 'false' }).alarm()
    expect(await everything()).not.toEqual(before)
    await state.storage.deleteAlarm()
  })
})

it('what asks is passed on, and what changes is refused', async () => {
  const { tenant: open } = writable
  const store = readOnly(writable.store)
  const tenant = store.tenant(writable.tenantId)
  const [user] = (await open.users.list({ limit: 1 })).records
  const at = { catalog: 'demo', ref: 'main' }
  expect(await tenant.read({ at })).toEqual(await open.read({ at }))
  expect(await tenant.users.list({ limit: 1 })).toEqual(await open.users.list({ limit: 1 }))
  expect(await tenant.history.audit({ limit: 5 })).toEqual(await open.history.audit({ limit: 5 }))
  expect(await store.readiness()).toEqual({ ready: true })
  const changes = [
    () => store.bootstrap({} as Bootstrap),
    () => tenant.commit({} as CatalogCommit),
    () => tenant.settle('c'),
    () => tenant.idempotency.finish({} as IdempotencyRecord),
    () => tenant.branches.fork({} as NewRef),
    () => tenant.branches.tag({} as NewRef),
    () => tenant.branches.close('b'),
    () => tenant.history.trim({ objectId: 'o', metadataLocations: [], forgottenAt: { branchId: 'b', seq: 1 } }),
    () => tenant.purges.save('p', ''),
    () => tenant.purges.done('p'),
    () => tenant.metrics.add({} as MetricsReport, { perTable: 1, perTenant: 1 }),
    ...(user ? [() => tenant.users.create(user), () => tenant.users.update(user)] : []),
    () => tenant.users.delete(user?.id ?? ''),
  ]
  const before = await everything()
  for (const change of changes) await expect(change()).rejects.toMatchObject({ kind: 'unavailable' })
  expect(await everything()).toEqual(before)
})
