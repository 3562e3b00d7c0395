// Contract: an empty database gets its first tenant once; a later start changes what its settings say about locations only.
// Source: README, From clone to first row and the options of npm start.
import { expect, it } from 'vitest'
import type { ClientLocations } from '#domain/records'
import { bootstrap, DEFAULT_TENANT_ID } from '#src/bootstrap'
import { memoryStore } from '#store/memory/memory'

it('makes the warehouse, keeps what it says about locations, and changes it when told', async () => {
  const store = memoryStore()
  const { warehouses } = store.tenant(DEFAULT_TENANT_ID)
  const start = async (clientLocations: ClientLocations | null): Promise<[boolean, ClientLocations | undefined]> => {
    const newId = (): string => crypto.randomUUID()
    const isNew = await bootstrap(store, { password: 'p', bucketName: 'lake', clientLocations, now: new Date(), newId })
    return [isNew, (await warehouses.byName('local'))?.clientLocations]
  }
  expect(await start(null)).toEqual([true, undefined])
  const first = await warehouses.byName('local')
  expect(await start('replace')).toEqual([false, 'replace'])
  expect(await start(null)).toEqual([false, 'replace'])
  expect(await start('refuse')).toEqual([false, 'refuse'])
  expect(await warehouses.byName('local')).toEqual({ ...first, clientLocations: 'refuse' })
  const { records } = await warehouses.list({ limit: 10 })
  expect(records).toHaveLength(1)
})

it('makes a warehouse as it is told', async () => {
  const store = memoryStore()
  const newId = (): string => crypto.randomUUID()
  await bootstrap(store, { password: 'p', bucketName: 'lake', clientLocations: 'replace', now: new Date(), newId })
  expect(await store.tenant(DEFAULT_TENANT_ID).warehouses.byName('local')).toMatchObject({ clientLocations: 'replace' })
})
