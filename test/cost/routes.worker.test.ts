// Contract: what every catalog route may cost, counted at the bindings, and that the Worker's own log line says the same.
// From: the design, "One round trip" and "A table commit is one pure step"; the figures are in budgets.ts.
import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { icebergRoutes } from '#http/iceberg/routes'
import { managementRoutes } from '#http/management/routes'
import { beforeAll, expect, test, vi } from 'vitest'
import { BUDGETS, overruns } from './budgets.ts'
import { CASES, commitThatDeletes, LAKE, seedCases, signForStaged } from './cases.ts'
import { propertyCommit } from './lake.ts'
import { openWorker, type CostWorker, type Sent } from './worker.ts'

let worker: CostWorker

beforeAll(async () => {
  worker = await openWorker()
  await seedCases(worker)
})

test.each(CASES)('%s', async (name, sent, status) => {
  const { answer, count, logged } = await worker.measured(sent)
  await noPurge()
  expect(answer.status, answer.text).toBe(status)
  expect(overruns(count, BUDGETS[name])).toEqual([])
  expect(logged).toEqual({
    storeRoundTrips: count.store,
    storeStatements: count.statements,
    rowsRead: count.rowsRead,
    rowsWritten: count.rowsWritten,
    objectGets: count.gets,
    objectPuts: count.puts,
    objectDeletes: count.deletes,
    durableObjectCalls: count.durableObjects,
  })
})

test('a long history makes neither a load nor a commit dearer', async () => {
  const load: Sent = ['GET', `${LAKE}/t0003`]
  const commit = (n: number): Sent => ['POST', `${LAKE}/t0003`, propertyCommit(n)]
  await worker.call(commit(0))
  const before = [await worker.measured(load), await worker.measured(commit(1))].map(({ count }) => count)
  for (let n = 2; n < 42; n += 1) await worker.call(commit(n))
  const after = [await worker.measured(load), await worker.measured(commit(42))].map(({ count }) => count)
  expect(after).toEqual(before)
})

test('a commit that deletes old metadata asks the store and the bucket once more each, after the answer', async () => {
  const { sent, key } = await commitThatDeletes(worker)
  const { answer, count } = await worker.measured(sent, undefined, () =>
    vi.waitFor(async () => expect(await env.LAKE.list({ prefix: key })).toMatchObject({ objects: [] })),
  )
  expect(answer.status).toBe(200)
  const looks = count.gets
  expect(looks).toBeGreaterThan(0)
  expect(
    overruns(
      { ...count, gets: count.gets - looks },
      BUDGETS['POST /v1/{prefix}/namespaces/{namespace}/tables/{table} (deletes old metadata)'],
    ),
  ).toEqual([])
})

test('a request for a staged table asks the store once more, whether a table has come to have its folders', async () => {
  const { answer, count } = await worker.measured(await signForStaged(worker))
  expect(answer.status, answer.text).toBe(200)
  expect(overruns(count, BUDGETS['POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/sign (staged)'])).toEqual([])
})

test('a user with grants costs no more than one row for each', async () => {
  const [grants, userId] = [50, crypto.randomUUID()]
  const { catalog } = (await worker.tenant.read({ at: { catalog: 'demo', ref: 'main' } })).place ?? {}
  const createdAt = new Date().toISOString()
  const user = {
    id: userId,
    username: 'reader',
    role: 'tenant-user' as const,
    passwordHash: null,
    active: true,
    createdAt,
  }
  await worker.tenant.users.create(user)
  const scope = { type: 'catalog' as const, catalogId: catalog?.id ?? '' }
  for (let n = 0; n < grants; n += 1)
    await worker.tenant.grants.create({ id: crypto.randomUUID(), userId, scope, actions: ['read'], createdAt })
  const asAdmin = await worker.measured(['GET', `${LAKE}/t0003`])
  const asUser = await worker.measured(['GET', `${LAKE}/t0003`], await worker.tokenOf(userId))
  expect(asUser.answer.status).toBe(200)
  expect(asUser.count).toEqual({ ...asAdmin.count, rowsRead: asAdmin.count.rowsRead + grants })
})

test('every catalog route has a budget', () => {
  const budgets = Object.keys(BUDGETS)
  const without = [...icebergRoutes, ...managementRoutes]
    .map(({ method, path }) => `${method} ${path}`)
    .filter((route) => !budgets.some((name) => name === route || name.startsWith(`${route} (`)))
  expect(without).toEqual([])
})

/** The runner's own work is not part of the request that woke it. */
async function noPurge(): Promise<void> {
  const runner = env.PURGE_RUNNER.getByName(worker.tenantId)
  await runInDurableObject(runner, (_, state) => state.storage.deleteAlarm())
}
