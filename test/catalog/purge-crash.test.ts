// Contract: a purge that dies anywhere is taken up again and finishes, with or without its cursor, and touches nothing else.
// From: DESIGN.md 2.1; security-cases.md 32.
import { expect, test } from 'vitest'
import { runPurge } from '#catalog/purge'
import type { PurgeStore } from '#store/store'
import { bucketOf, dropWithPurge, pendingJob, runToEnd, storeOf, TABLES, type Bucket } from './purge-lake.ts'

const OBJECTS = TABLES.orders.keys.length
const READS = 1 + Object.keys(TABLES.orders.lists).length + Object.keys(TABLES.orders.manifests).length

const BUDGETS = [4, 10_000]

test.each(BUDGETS)('whichever deletion fails (budget %d)', async (budget) => {
  for (let failing = 1; failing <= OBJECTS; failing++) await crashAndResume({ delete: failing }, budget, 'kept')
})

test.each(BUDGETS)('whichever deletion fails, and the cursor is lost (budget %d)', async (budget) => {
  for (let failing = 1; failing <= OBJECTS; failing++) await crashAndResume({ delete: failing }, budget, 'lost')
})

test('whichever read fails', async () => {
  for (let failing = 1; failing <= READS; failing++) await crashAndResume({ read: failing }, 4, 'kept')
})

test('whichever time the cursor is not saved', async () => {
  for (let failing = 1; failing <= 6; failing++) {
    const bucket = bucketOf('orders', 'legacy')
    const tenant = await storeOf('orders', 'legacy')
    await dropWithPurge(tenant, 'orders')
    let saves = 0
    const save = async (id: string, cursor: string): Promise<void> => {
      saves += 1
      if (saves === failing) throw new Error('the store did not answer')
      await tenant.purges.save(id, cursor)
    }
    const purges = { ...tenant.purges, save }
    await expect(runToEnd(bucket, { ...tenant, purges }, 'purge-orders', 4)).rejects.toThrow('did not answer')
    await runToEnd(bucket, tenant, 'purge-orders', 4)
    expect([...bucket.files.keys()]).toEqual(TABLES.legacy.keys)
  }
})

test.each(['before', 'after'])('whichever call of the store fails %s it happened', async (when) => {
  for (const call of ['save', 'stillNamed', 'done'] as const)
    for (let failing = 1; failing <= 4; failing++) {
      const bucket = bucketOf('orders', 'legacy')
      const tenant = await storeOf('orders', 'legacy')
      await dropWithPurge(tenant, 'orders')
      const isClosed = call === 'done' && when === 'after'
      const faulty = { ...tenant, purges: failingAt(tenant.purges, call, failing, when) }
      const ended = await runToEnd(bucket, faulty, 'purge-orders', 4).then(
        () => true,
        (error: unknown) => String(error),
      )
      expect(ended).toSatisfy((how) => how === true || String(how).includes('did not answer'))
      if (call !== 'done' || failing === 1) expect(ended).not.toBe(true)
      if (ended !== true && !isClosed) await runToEnd(bucket, tenant, 'purge-orders', 4)
      expect([...bucket.files.keys()], `${call} ${failing}`).toEqual(TABLES.legacy.keys)
      await expect(pendingJob(tenant, 'purge-orders')).rejects.toThrow('to be pending')
    }
})

test('a cursor that makes no sense is a start from the beginning', async () => {
  for (const cursor of ['', '{', 'null', '[]', '{"list":-1}', '{"list":1.5,"manifest":0,"file":0,"rest":0}']) {
    const bucket = bucketOf('legacy')
    const tenant = await storeOf('legacy')
    await dropWithPurge(tenant, 'legacy')
    await tenant.purges.save('purge-legacy', cursor)
    await runToEnd(bucket, tenant, 'purge-legacy')
    expect(bucket.files.size).toBe(0)
  }
})

async function crashAndResume(failAt: Bucket['failAt'], budget: number, cursor: 'kept' | 'lost'): Promise<void> {
  const bucket = bucketOf('orders', 'legacy')
  const tenant = await storeOf('orders', 'legacy')
  const fresh = await dropWithPurge(tenant, 'orders')
  bucket.failAt = failAt
  await expect(runToEnd(bucket, tenant, 'purge-orders', budget)).rejects.toThrow('did not answer')
  bucket.failAt = {}
  if (cursor === 'kept') await runToEnd(bucket, tenant, 'purge-orders', budget)
  else expect((await runPurge({ ...bucket, purges: tenant.purges, budget: 10_000 }, fresh)).state).toBe('done')
  expect([...bucket.files.keys()], JSON.stringify(failAt)).toEqual(TABLES.legacy.keys)
  expect(bucket.deleted.every((key) => key.startsWith('sales/orders/'))).toBe(true)
  await expect(pendingJob(tenant, 'purge-orders')).rejects.toThrow('to be pending')
}

/** A store of jobs of which one call fails once, before it happened or after. */
function failingAt(
  purges: PurgeStore,
  call: 'save' | 'stillNamed' | 'done',
  failing: number,
  when: string,
): PurgeStore {
  let calls = 0
  const failOnce = <Input extends unknown[], Output>(real: (...input: Input) => Promise<Output>) => {
    return async (...input: Input): Promise<Output> => {
      calls += 1
      if (calls !== failing) return real(...input)
      if (when === 'after') await real(...input)
      throw new Error('the store did not answer')
    }
  }
  const { save, stillNamed, done } = {
    save: failOnce((id: string, cursor: string) => purges.save(id, cursor)),
    stillNamed: failOnce((locations: readonly string[]) => purges.stillNamed(locations)),
    done: failOnce((id: string) => purges.done(id)),
  }
  if (call === 'save') return { ...purges, save }
  return call === 'done' ? { ...purges, done } : { ...purges, stillNamed }
}
