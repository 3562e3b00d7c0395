// Contract: the MongoDB store is a store on a real server, by the driver, which finds all that it is asked for by an index.
// Source: src/store/store.ts; DESIGN §2.1.
import type { Db, MongoClient } from 'mongodb'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { driverVerbs, mongoClient } from '#store/mongo/driver'
import { migrateMongo } from '#store/mongo/migrate'
import { newMemory } from '#store/mongo/log'
import { mongoStore } from '#store/mongo/mongo'
import type { MongoVerbs } from '#store/mongo/verbs'
import { agreesWithModel } from '#test/contract/agreement'
import { newId, type OpenStore } from '#test/contract/fixture'
import { storeContract } from '#test/contract/store-contract'
import { startMongo, type RealServer } from './real-server.ts'
import { recordingVerbs, stagesOf, type Lookup } from './recording.ts'

let server: RealServer
let client: MongoClient
let db: Db
let verbs: MongoVerbs

beforeAll(async () => {
  server = await startMongo({ durable: false })
  const opened = mongoClient(server.url('driver'))
  client = opened.client
  db = opened.db
  await migrateMongo(db)
  verbs = recordingVerbs(driverVerbs(db), recorded)
})

afterAll(async () => {
  await client?.close()
  await server?.stop()
})

const recorded = new Map<string, Lookup>()
const memory = newMemory()
const open: OpenStore = async () => mongoStore(verbs, { newId, memory })

storeContract('mongo (driver)', open, { keysListed: 2000 })
agreesWithModel('mongo (driver)', open)

it('looks nothing up by going through a collection, in the words of the server', async () => {
  expect(recorded.size).toBeGreaterThan(15)
  for (const lookup of recorded.values()) {
    const stages = await stagesOf(db, lookup)
    expect.soft(stages, JSON.stringify(lookup)).not.toContain('COLLSCAN')
  }
  expect(await stagesOf(db, { collection: 'current', filter: { value: 'x' } })).toContain('COLLSCAN')
})
