// Contract: the MongoDB store is a store on a real server, by the driver.
// Source: src/store/store.ts; DESIGN §2.1.
import type { MongoClient } from 'mongodb'
import { afterAll, beforeAll } from 'vitest'
import { driverVerbs, mongoClient } from '#store/mongo/driver'
import { migrateMongo } from '#store/mongo/migrate'
import { newMemory } from '#store/mongo/log'
import { mongoStore } from '#store/mongo/mongo'
import type { MongoVerbs } from '#store/mongo/verbs'
import { agreesWithModel } from '#test/contract/agreement'
import { newId, type OpenStore } from '#test/contract/fixture'
import { storeContract } from '#test/contract/store-contract'
import { startMongo, type RealServer } from './real-server.ts'

let server: RealServer
let client: MongoClient
let verbs: MongoVerbs

beforeAll(async () => {
  server = await startMongo({ durable: false })
  const opened = mongoClient(server.url('driver'))
  client = opened.client
  await migrateMongo(opened.db)
  verbs = driverVerbs(opened.db)
})

afterAll(async () => {
  await client?.close()
  await server?.stop()
})

const memory = newMemory()
const open: OpenStore = async () => mongoStore(verbs, { newId, memory })

storeContract('mongo (driver)', open, { keysListed: 2000 })
agreesWithModel('mongo (driver)', open)
