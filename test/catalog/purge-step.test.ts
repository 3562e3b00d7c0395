// Contract: one step works on the pending jobs within its budget and says when to come again; no job holds up another.
// From: DESIGN.md 2.1 and 6.
import { expect, test } from 'vitest'
import { purgeStep, type PurgeStepDeps, type PurgeStepResult } from '#catalog/purge'
import type { TenantStore } from '#store/store'
import { bucketOf, dropWithPurge, storeOf, TABLES, type Bucket } from './purge-lake.ts'

const AT = '2026-01-01T00:00:00.000Z'

function depsOf(tenant: TenantStore, bucket: Bucket, budget = 10_000): PurgeStepDeps {
  return { purges: tenant.purges, storageOf: async (id) => (id === 'w' ? bucket : null), budget }
}

function states({ jobs }: PurgeStepResult): string[] {
  return jobs.map(({ id, state }) => `${id} ${state}`)
}

test('without jobs there is nothing to come again for', async () => {
  expect(await purgeStep(depsOf(await storeOf(), bucketOf()))).toEqual({ again: 'never', jobs: [] })
})

test('all pending jobs are done in one step if the budget allows', async () => {
  const bucket = bucketOf('orders', 'legacy', 'packed')
  const tenant = await storeOf('orders', 'legacy', 'packed')
  await dropWithPurge(tenant, 'orders')
  await dropWithPurge(tenant, 'legacy')
  const result = await purgeStep(depsOf(tenant, bucket))
  expect(result.again).toBe('never')
  expect(states(result).toSorted()).toEqual(['purge-legacy done', 'purge-orders done'])
  expect([...bucket.files.keys()]).toEqual(TABLES.packed.keys)
})

test('steps share the budget among jobs, and ask to come again at once until all is done', async () => {
  const bucket = bucketOf('orders', 'legacy')
  const tenant = await storeOf('orders', 'legacy')
  await dropWithPurge(tenant, 'orders')
  await dropWithPurge(tenant, 'legacy')
  for (let steps = 1; ; steps++) {
    const { again, jobs } = await purgeStep(depsOf(tenant, bucket, 5))
    expect(jobs.reduce((sum, job) => sum + ('looked' in job ? job.looked : 0), 0)).toBeLessThanOrEqual(5)
    if (again === 'never') break
    expect(again).toBe('now')
    expect(steps).toBeLessThan(100)
  }
  expect(bucket.files.size).toBe(0)
})

test('a job that waits and one that fails do not hold up the others', async () => {
  const bucket = bucketOf('orders', 'legacy', 'packed')
  const tenant = await storeOf('legacy')
  await tenant.branches.tag({ id: 'v1', name: 'v1', from: { branchId: 'main' }, at: AT })
  await dropWithPurge(tenant, 'legacy')
  const other = await storeOf('orders', 'packed')
  await dropWithPurge(other, 'orders', { warehouseId: 'gone' })
  await dropWithPurge(other, 'packed')
  const pending: TenantStore['purges']['pending'] = async (query) =>
    query.after === undefined ? [...(await tenant.purges.pending(query)), ...(await other.purges.pending(query))] : []
  const purges = {
    ...other.purges,
    pending,
    stillNamed: async (locations: readonly string[]) =>
      (await tenant.purges.stillNamed(locations)) || (await other.purges.stillNamed(locations)),
  }
  const result = await purgeStep({ ...depsOf(other, bucket), purges })
  expect(result.again).toBe('later')
  expect(states(result)).toEqual(['purge-legacy waiting', 'purge-orders failed', 'purge-packed done'])
  expect(result.jobs[1]).toMatchObject({ cause: { kind: 'no-such-warehouse' } })
  expect([...bucket.files.keys()].toSorted()).toEqual([...TABLES.orders.keys, ...TABLES.legacy.keys].toSorted())
})

test('a storage that does not answer fails the job for now', async () => {
  const bucket = bucketOf('legacy')
  bucket.failAt = { delete: 1 }
  const tenant = await storeOf('legacy')
  await dropWithPurge(tenant, 'legacy')
  const failed = await purgeStep(depsOf(tenant, bucket))
  expect({ again: failed.again, states: states(failed) }).toEqual({ again: 'later', states: ['purge-legacy failed'] })
  bucket.failAt = {}
  expect((await purgeStep(depsOf(tenant, bucket))).again).toBe('never')
  expect(bucket.files.size).toBe(0)
})

test('jobs beyond the first page are reached', async () => {
  const tenant = await storeOf()
  const jobs = Array.from({ length: 120 }, (_, index) => ({
    id: `j${String(index).padStart(3, '0')}`,
    objectId: `o${index}`,
    warehouseId: 'w',
    cursor: null,
    createdAt: AT,
    metadataLocation: 's3://lake/gone.metadata.json',
    locations: [`s3://lake/${index}/`],
  }))
  const pending: TenantStore['purges']['pending'] = async ({ limit, after }) =>
    jobs.filter(({ id }) => after === undefined || id > after).slice(0, limit)
  const purges = { ...tenant.purges, pending, stillNamed: async () => true }
  const result = await purgeStep({ ...depsOf(tenant, bucketOf()), purges })
  expect({ again: result.again, jobs: result.jobs.length }).toEqual({ again: 'later', jobs: 120 })
  const short = await purgeStep({ ...depsOf(tenant, bucketOf(), 70), purges })
  expect({ again: short.again, jobs: short.jobs.length }).toEqual({ again: 'now', jobs: 70 })
})
