// Contract: the MongoDB store is a store, and answers as the model does, on a server that knows nothing but the verbs;
// it asks that server only for what a declared index has. Source: src/store/store.ts; src/store/mongo/log.ts, schema.ts.
import { expect, it } from 'vitest'
import { SCHEMA } from '#store/mongo/documents'
import { newMemory } from '#store/mongo/log'
import { mongoStore } from '#store/mongo/mongo'
import { OUR_SCHEMA } from '#store/mongo/schema'
import type { Store } from '#store/store'
import { agreesWithModel } from '#test/contract/agreement'
import { storeContract } from '#test/contract/store-contract'
import { memoryServer } from './memory-server.ts'
import { isIndexed, recordingVerbs, type Lookup } from './recording.ts'

const recorded = new Map<string, Lookup>()

async function open(): Promise<Store> {
  const server = memoryServer()
  await server.insertOne(SCHEMA, OUR_SCHEMA)
  const verbs = recordingVerbs(server, recorded)
  return mongoStore(verbs, { newId: () => crypto.randomUUID(), memory: newMemory() })
}

storeContract('mongo (in memory)', open)
agreesWithModel('mongo (in memory)', open)

it('looks documents up by a prefix of an index, whatever the contract asks for', () => {
  expect(recorded.size).toBeGreaterThan(15)
  expect([...recorded.values()].filter((lookup) => !isIndexed(lookup))).toEqual([])
})
