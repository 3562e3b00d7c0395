// Contract: whatever is wrong with a MongoDB, readiness says it, requests are told to come back, and nothing is lost.
// Source: DESIGN §2.1 "Outcome fencing", §5; the server's error codes; the built Worker, by the driver and by HTTP verbs.
import { afterAll, beforeAll, describe } from 'vitest'
import { mongoClient } from '#store/mongo/driver'
import { migrateMongo } from '#store/mongo/migrate'
import { startDataApi } from '#test/store/mongo/data-api'
import { startMongoFaults, type MongoPlan } from '#test/store/mongo/fault-proxy'
import { startMongo, type RealServer } from '#test/store/mongo/real-server'
import type { BuiltWorker } from '#test/support/built-worker'
import { built, serve } from '#test/support/served-worker'
import { survivesFaults, type Ends, type Fault, type FaultyWorker } from './store-faults.ts'

const KEY = 'the key of this run'

const FAULTS: Readonly<Record<'both' | 'driver' | 'http', readonly Fault[]>> = {
  both: [
    ['error-13-Unauthorized', /refuses the credentials/, false],
    ['error-13435-NotPrimaryNoSecondaryOk', /not the primary/, false],
    ['items-14031-OutOfDiskSpace', /disk of the catalog database is full/, true],
    ['drop', /cannot be reached|does not answer|closes connections at once/, false],
  ],
  driver: [
    ['login-18-AuthenticationFailed', /refuses the credentials/, false],
    ['writes-10107-NotWritablePrimary', /not the primary/, true],
  ],
  http: [
    ['status-401', /refuses the credentials/, false],
    ['status-404', /not at its address/, false],
    ['status-429', /too much to do/, false],
    ['status-503', /failed to answer/, false],
  ],
}

let script: BuiltWorker
let server: RealServer

beforeAll(async () => {
  server = await startMongo({ durable: true })
  script = await built('--env', 'mongo')
})

afterAll(() => server?.stop())

const objects = { MONGO: 'MongoConnection' }

describe.each(['driver', 'http'] as const)('a Worker on a MongoDB by %s', (transport) => {
  const start = async (plan: MongoPlan, ends: Ends): Promise<FaultyWorker> => {
    const url = server.url(transport)
    const password = /:([^:@]*)@/.exec(url)?.[1] ?? ''
    const secrets = [KEY, password, decodeURIComponent(password)]
    const { client, db } = mongoClient(url)
    ends.push(() => client.close())
    await migrateMongo(db)
    if (transport === 'http') {
      const endpoint = await startDataApi(db, { kind: 'api-key', key: KEY }, plan)
      ends.push(() => endpoint.stop())
      const bindings = { MONGO_DATA_API_URL: endpoint.url, MONGO_API_KEY: KEY, MONGO_DATABASE: transport }
      const worker = await serve(script, { worker: { bindings: { STORE: 'mongo', ...bindings } }, objects })
      return { worker, cut: () => {}, secrets }
    }
    const proxy = await startMongoFaults(server.port, plan)
    ends.push(() => proxy.stop())
    const bindings = { STORE: 'mongo', MONGO_URL: url.replace(`:${server.port}/`, `:${proxy.port}/`) }
    return { worker: await serve(script, { worker: { bindings }, objects }), cut: proxy.cut, secrets }
  }

  survivesFaults({
    faults: [...FAULTS.both, ...FAULTS[transport]],
    lost: ['cut', 'lose'],
    start,
    restart: () => server.restart(),
  })
})
