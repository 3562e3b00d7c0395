// Contract: the MongoDB store is a store on a real server, by the driver and by the Data API over HTTP.
// Source: src/store/store.ts; DESIGN §2.1; the Data API's OpenAPI description.
import type { MongoClient } from 'mongodb'
import { afterAll, beforeAll, vi } from 'vitest'
import { driverVerbs, mongoClient } from '#store/mongo/driver'
import { httpVerbs, type Credentials } from '#store/mongo/http'
import { migrateMongo } from '#store/mongo/migrate'
import { mongoStore, rememberedViews } from '#store/mongo/mongo'
import type { MongoVerbs } from '#store/mongo/verbs'
import { agreesWithModel } from '#test/contract/agreement'
import { storeContract } from '#test/contract/store-contract'
import { startDataApi } from './data-api.ts'
import { startMongo, type RealServer } from './real-server.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 })

const credentials: Credentials = { kind: 'api-key', key: crypto.randomUUID() }
let server: RealServer
let client: MongoClient
let endpoint: Awaited<ReturnType<typeof startDataApi>>
let byDriver: MongoVerbs
let byHttp: MongoVerbs

beforeAll(async () => {
  server = await startMongo()
  const opened = mongoClient(server.url('contract'))
  client = opened.client
  await migrateMongo(opened.db)
  byDriver = driverVerbs(opened.db)
  endpoint = await startDataApi(opened.db, credentials)
  byHttp = httpVerbs({ url: endpoint.url, credentials, dataSource: 'Cluster0', database: 'contract' })
})

afterAll(async () => {
  await endpoint?.stop()
  await client?.close()
  await server?.stop()
})

const options = { newId: () => crypto.randomUUID(), views: rememberedViews() }

storeContract('mongo (driver)', async () => mongoStore(byDriver, options))
agreesWithModel('mongo (driver)', async () => mongoStore(byDriver, options))
storeContract('mongo (Data API)', async () => mongoStore(byHttp, options))
agreesWithModel('mongo (Data API)', async () => mongoStore(byHttp, options))
