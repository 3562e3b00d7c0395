// Contract: the MongoDB store is a store on a real server, by the Data API over HTTP.
// Source: src/store/store.ts; DESIGN §2.1; the Data API's OpenAPI description.
import type { MongoClient } from 'mongodb'
import { afterAll, beforeAll } from 'vitest'
import { mongoClient } from '#store/mongo/driver'
import { httpVerbs, type Credentials } from '#store/mongo/http'
import { migrateMongo } from '#store/mongo/migrate'
import { newMemory } from '#store/mongo/log'
import { mongoStore } from '#store/mongo/mongo'
import type { MongoVerbs } from '#store/mongo/verbs'
import { agreesWithModel } from '#test/contract/agreement'
import { newId, type OpenStore } from '#test/contract/fixture'
import { storeContract } from '#test/contract/store-contract'
import { startDataApi } from './data-api.ts'
import { startMongo, type RealServer } from './real-server.ts'

const credentials: Credentials = { kind: 'api-key', key: newId() }
let server: RealServer
let client: MongoClient
let endpoint: Awaited<ReturnType<typeof startDataApi>>
let verbs: MongoVerbs

beforeAll(async () => {
  server = await startMongo({ durable: false })
  const behind = mongoClient(server.url('data-api'))
  client = behind.client
  await migrateMongo(behind.db)
  endpoint = await startDataApi(behind.db, credentials)
  verbs = httpVerbs({ url: endpoint.url, credentials, dataSource: 'Cluster0', database: 'data-api' })
})

afterAll(async () => {
  await endpoint?.stop()
  await client?.close()
  await server?.stop()
})

const memory = newMemory()
const open: OpenStore = async () => mongoStore(verbs, { newId, memory })

storeContract('mongo (Data API)', open, { keysListed: 2000 })
agreesWithModel('mongo (Data API)', open)
