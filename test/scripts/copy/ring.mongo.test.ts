// Contract: a catalog that was copied from D1 to Postgres to MongoDB and back is the same, for every reader and writer, and
// its rows have the same checksum. Source: src/store/store.ts; README, "Moving between databases". STORE_SEED says which one.
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Store } from '#store/store'
import { randomTenant, type RandomTenant } from '#test/contract/agreement'
import {
  answered,
  AT,
  REPORT,
  commitOf,
  firstRecords,
  fork,
  land,
  landCreate,
  mustRead,
  newId,
  tableKey,
  tableValue,
} from '#test/contract/fixture'
import { CONTENTS, RECORDS, type Digest, type Row } from '../../../scripts/copy/rows.ts'
import { digestOf } from '../../../scripts/copy/store.ts'
import { copyOf, databases, type DatabaseKind, type Databases } from './databases.ts'

const STEPS = 80
/** Audit records have numbers of the database's own. */
const ALIKE = [...CONTENTS, ...RECORDS].filter((table) => table !== 'audit')
const RING: readonly DatabaseKind[] = ['postgres', 'mongo', 'd1']
let made: Databases

beforeAll(async () => {
  made = await databases()
})
afterAll(() => made?.stop())

/** What random histories may lack: a tombstone, a mark, a void id, a purge half done, grants, revoked tokens, reports. */
async function more(store: Store, { tenantId, main }: RandomTenant): Promise<void> {
  const tenant = store.tenant(tenantId)
  const file = `s3://l/${newId()}.json`
  const [key, other] = [tableKey('more', 't'), tableKey('more', 'u')]
  await landCreate(
    tenant,
    main,
    key,
    tableValue({ objectId: 'one', metadataLocation: file, locations: ['s3://m/one/'] }),
  )
  const before = await mustRead(tenant, main, key)
  const next = tableValue({
    objectId: 'one',
    locations: ['s3://m/one/'],
    properties: { '10': 'a', b: 'é\u2028"', '9': '' },
  })
  const seq = await land(tenant, commitOf(main, [{ key, expect: before.rev, next }]))
  await tenant.history.trim({ objectId: 'one', metadataLocations: [file], forgottenAt: { branchId: main, seq } })
  const { id: dev } = await fork(tenant, main, `dev-${newId()}`)
  await land(tenant, commitOf(dev, [{ key, expect: (await mustRead(tenant, dev, key)).rev, next: null }]))
  await landCreate(tenant, main, other, tableValue({ locations: ['s3://m/two/'] }))
  const purge = { id: newId(), objectId: 'x', warehouseId: 'w', metadataLocation: file, locations: ['s3://m/x/'] }
  const dropped = { key: other, expect: (await mustRead(tenant, main, other)).rev, next: null }
  await land(
    tenant,
    commitOf(main, [dropped], { purges: [purge, { ...purge, id: newId(), locations: ['s3://m/y/'] }] }),
  )
  await tenant.purges.save(purge.id, '{"at":"half"}')
  await tenant.settle(newId())
  await tenant.idempotency.finish({ ...answered(), at: AT })
  const { records: users } = await tenant.users.list({ limit: 1 })
  const scope = { type: 'tenant' } as const
  await tenant.grants.create({ id: newId(), userId: users[0]?.id ?? '', scope, actions: ['read'], createdAt: AT })
  await tenant.revokedTokens.create({ id: newId(), expiresAt: AT })
  for (const objectId of ['a', 'b', 'a', 'a', 'b'])
    await tenant.metrics.add({ objectId, ...REPORT }, { perTable: 2, perTenant: 100 })
}

it('has the same checksum all the way round', async () => {
  const first = await made.make('d1')
  for (const _ of [1, 2]) {
    await more(first.store(), await randomTenant(first.store()))
    await (await randomTenant(first.store())).goOn(first.store(), STEPS)
  }
  const source = first.open()
  const entries: Row[] = []
  for await (const { rows } of source.read(['entry'], await source.tenants())) entries.push(...rows)
  await source.close()
  for (const name of ['tombstone', 'trimmed']) expect(entries.some((row) => row[name] === 1)).toBe(true)
  const digests: Digest[] = []
  let from = first
  for (const kind of RING) {
    const to = await made.make(kind)
    digests.push(await copyOf(from, to))
    from = to
  }
  expect(new Set(digests.map((digest) => digest.checksum())).size).toBe(1)
  expect(Object.keys(digests[0]?.saved() ?? {})).toEqual([...CONTENTS, ...RECORDS].toSorted())
})

it('is the same for whoever reads it and goes on with it, wherever it is', async () => {
  let at = await made.make('d1')
  const tenant = await randomTenant(at.store())
  await tenant.goOn(at.store(), STEPS)
  for (const kind of [...RING, ...RING]) {
    const to = await made.make(kind)
    await copyOf(at, to)
    const store = to.store()
    expect(await store.readiness()).toEqual({ ready: true })
    await tenant.agrees(store)
    await tenant.goOn(store, STEPS)
    await tenant.agrees(store)
    at = to
  }
})

it('is the same whichever database the same things were done in', async () => {
  const sums: string[] = []
  const first = firstRecords(newId())
  for (const kind of RING) {
    const database = await made.make(kind)
    const tenant = await randomTenant(database.store(), first)
    await tenant.goOn(database.store(), STEPS)
    const source = database.open()
    sums.push((await digestOf(source, ALIKE, [first.tenant.id])).checksum())
    await source.close()
  }
  expect(new Set(sums).size).toBe(1)
})
