// Contract: what one process has projected of the log, no other one projects again, however old its view of the log is.
// Source: src/store/mongo/log.ts; DESIGN §2.1 "Roll forward (the writer, or whoever finds a long or old tail)".
import { expect, it } from 'vitest'
import { newMemory } from '#store/mongo/log'
import { mongoStore } from '#store/mongo/mongo'
import type { MongoVerbs } from '#store/mongo/verbs'
import type { TenantStore } from '#store/store'
import { commitOf, create, land, mustRead, newId, newTenant, tableKey, tableValue } from '#test/contract/fixture'
import { memoryServer } from './memory-server.ts'

const TAIL = { tailEntriesMax: 4 }

it('finds it done, and writes nothing', async () => {
  const server = memoryServer()
  const writes: string[] = []
  const processOf = () => mongoStore(telling(server, writes), { newId, memory: newMemory(), ...TAIL })
  const { tenant: writer, tenantId, main } = await newTenant(async () => processOf())
  await commitTimes(writer, main.id, 1)
  const other = processOf().tenant(tenantId)
  const last = tableKey('a', 't7')
  expect(await other.read({ at: { branchId: main.id }, keys: [last] })).toMatchObject({ entries: [null] })
  await commitTimes(writer, main.id, 7)
  expect(writes.filter((verb) => verb === 'insertMany').length).toBeGreaterThan(0)
  writes.length = 0
  expect(await mustRead(other, main.id, last)).toMatchObject({ name: 't7' })
  expect(writes).toEqual([])
})

let made = 0

async function commitTimes(tenant: TenantStore, branchId: string, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1)
    await land(tenant, commitOf(branchId, [create(tableKey('a', `t${made++}`), tableValue())]))
}

/** Verbs that tell of what is written to the projections. */
function telling(verbs: MongoVerbs, writes: string[]): MongoVerbs {
  return {
    ...verbs,
    insertMany: async (collection, documents) => {
      writes.push('insertMany')
      await verbs.insertMany(collection, documents)
    },
    updateOne: async (update) => {
      writes.push('updateOne')
      return verbs.updateOne(update)
    },
  }
}
