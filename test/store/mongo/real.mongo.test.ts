// Contract: the MongoDB store is a store on a real server, by the driver and by the Data API over HTTP.
// Source: src/store/store.ts; DESIGN §2.1; the Data API's OpenAPI description.
import type { MongoClient } from 'mongodb'
import { afterAll, beforeAll } from 'vitest'
import { driverVerbs, mongoClient } from '#store/mongo/driver'
import { httpVerbs, type Credentials } from '#store/mongo/http'
import { migrateMongo } from '#store/mongo/migrate'
import { newMemory } from '#store/mongo/log'
import { mongoStore } from '#store/mongo/mongo'
import type { MongoVerbs } from '#store/mongo/verbs'
import { agreesWithModel } from '#test/contract/agreement'
import type { OpenStore } from '#test/contract/fixture'
import { storeContract } from '#test/contract/store-contract'
import { startDataApi } from './data-api.ts'
import { startMongo, type RealServer } from './real-server.ts'

const credentials: Credentials = { kind: 'api-key', key: crypto.randomUUID() }
let server: RealServer
let client: MongoClient
let endpoint: Awaited<ReturnType<typeof startDataApi>>
let byDriver: MongoVerbs
let byHttp: MongoVerbs

beforeAll(async () => {
  server = await startMongo()
  const opened = mongoClient(server.url('driver'))
  client = opened.client
  const behind = client.db('data-api')
  for (const db of [opened.db, behind]) await migrateMongo(db)
  byDriver = driverVerbs(opened.db)
  endpoint = await startDataApi(behind, credentials)
  byHttp = httpVerbs({ url: endpoint.url, credentials, dataSource: 'Cluster0', database: 'data-api' })
})

afterAll(async () => {
  await endpoint?.stop()
  await client?.close()
  await server?.stop()
})

const newId = () => crypto.randomUUID()

const [driverMemory, httpMemory] = [newMemory(), newMemory()]
const openDriver: OpenStore = async () => mongoStore(byDriver, { newId, memory: driverMemory })
const openHttp: OpenStore = async () => mongoStore(byHttp, { newId, memory: httpMemory })

storeContract('mongo (driver)', openDriver)
agreesWithModel('mongo (driver)', openDriver)
storeContract('mongo (Data API)', openHttp)
agreesWithModel('mongo (Data API)', openHttp)
