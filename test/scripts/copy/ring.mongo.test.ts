// Contract: a catalog that was copied from D1 to Postgres to MongoDB and back is the same, for every reader and writer, and
// its rows have the same checksum. Source: src/store/store.ts; README, "Moving between databases". STORE_SEED says which one.
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Store } from '#store/store'
import { randomTenant, type RandomTenant } from '#test/contract/agreement'
import { AT, newId } from '#test/contract/fixture'
import { copy } from '../../../scripts/copy/copy.ts'
import { databases, type Database, type DatabaseKind, type Databases } from './databases.ts'

const STEPS = 150
const RING: readonly DatabaseKind[] = ['postgres', 'mongo', 'd1']
let made: Databases

beforeAll(async () => {
  made = await databases()
})
afterAll(() => made?.stop())

async function copied(from: Database, to: Database): Promise<string> {
  const [source, target] = [from.open(), to.open()]
  try {
    const options = { intoExisting: false, stop: new AbortController().signal, seen: () => {} }
    return (await copy(source, target, options)).checksum()
  } finally {
    await source.close()
    await target.close()
  }
}

/** What random histories don't have. */
async function more(store: Store, { tenantId }: RandomTenant): Promise<void> {
  const tenant = store.tenant(tenantId)
  const { records: users } = await tenant.users.list({ limit: 1 })
  const scope = { type: 'tenant' } as const
  await tenant.grants.create({ id: newId(), userId: users[0]?.id ?? '', scope, actions: ['read'], createdAt: AT })
  await tenant.revokedTokens.create({ id: newId(), expiresAt: AT })
  const report = {
    at: AT,
    principalId: 'u',
    principalName: 'alice',
    client: null,
    report: '{"id":9223372036854775807}',
  }
  for (const objectId of ['a', 'b', 'a', 'a', 'b'])
    await tenant.metrics.add({ objectId, ...report }, { perTable: 2, perTenant: 100 })
  for (const { id } of await tenant.purges.pending({ limit: 1 })) await tenant.purges.save(id, 'half')
}

it('has the same checksum all the way round', async () => {
  const first = await made.make('d1')
  for (const _ of [1, 2]) {
    const tenant = await randomTenant(first.store)
    await tenant.goOn(first.store, STEPS)
    await more(first.store, tenant)
  }
  const sums: string[] = []
  let from = first
  for (const kind of RING) {
    const to = await made.make(kind)
    sums.push(await copied(from, to))
    from = to
  }
  expect(new Set(sums).size).toBe(1)
})

it('is the same for whoever reads it and goes on with it, wherever it is', async () => {
  let at = await made.make('d1')
  const tenant = await randomTenant(at.store)
  await tenant.goOn(at.store, STEPS)
  for (const kind of [...RING, ...RING]) {
    const to = await made.make(kind)
    await copied(at, to)
    expect(await to.store.readiness()).toEqual({ ready: true })
    await tenant.agrees(to.store)
    await tenant.goOn(to.store, STEPS)
    await tenant.agrees(to.store)
    at = to
  }
})
