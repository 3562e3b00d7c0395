// Contract: whatever is wrong with a MongoDB, readiness says it, requests are told to come back, and nothing is lost.
// Source: DESIGN §2.1 "Outcome fencing", §5; the server's error codes; the built Worker, by the driver and by HTTP verbs.
import type { MongoClient } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mongoClient } from '#store/mongo/driver'
import { migrateMongo } from '#store/mongo/migrate'
import { startDataApi } from '#test/store/mongo/data-api'
import { startMongoFaults, type MongoPlan } from '#test/store/mongo/fault-proxy'
import { startMongo, type RealServer } from '#test/store/mongo/real-server'
import type { BuiltWorker } from '#test/support/built-worker'
import { built, serve, type ServedWorker, type Way } from '#test/support/served-worker'
import { prepare, surviveLostAnswer, surviveRestart, tellsAndRecovers } from './store-faults.ts'

const KEY = 'the key of this run'

const FAULTS = {
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
} as const

let script: BuiltWorker
let server: RealServer

beforeAll(async () => {
  server = await startMongo({ durable: true })
  script = await built('--env', 'mongo')
}, 120_000)

afterAll(() => server?.stop())

describe.each(['driver', 'http'] as const)('a Worker on a MongoDB by %s', (transport) => {
  const plan: MongoPlan = { fault: 'none' }
  const ends: (() => Promise<void>)[] = []
  let worker: ServedWorker
  let cut: () => void
  let secrets: string[]

  const way = async (url: string, client: MongoClient): Promise<Way> => {
    if (transport === 'http') {
      const endpoint = await startDataApi(client.db(transport), { kind: 'api-key', key: KEY }, plan)
      ends.push(() => endpoint.stop())
      const bindings = { MONGO_DATA_API_URL: endpoint.url, MONGO_API_KEY: KEY, MONGO_DATABASE: transport }
      return { worker: { bindings: { STORE: 'mongo', ...bindings } }, objects: { MONGO: 'MongoConnection' } }
    }
    const proxy = await startMongoFaults(server.port, plan)
    ends.push(() => proxy.stop())
    cut = proxy.cut
    const bindings = { STORE: 'mongo', MONGO_URL: url.replace(`:${server.port}/`, `:${proxy.port}/`) }
    return { worker: { bindings }, objects: { MONGO: 'MongoConnection' } }
  }

  beforeAll(async () => {
    cut = () => {}
    const url = server.url(transport)
    secrets = [KEY, /:([^:@]*)@/.exec(url)?.[1] ?? '', decodeURIComponent(/:([^:@]*)@/.exec(url)?.[1] ?? '')]
    const { client, db } = mongoClient(url)
    ends.push(() => client.close())
    await migrateMongo(db)
    worker = await serve(script, await way(url, client))
    ends.push(() => worker.stop())
    await prepare(worker)
  }, 60_000)

  afterAll(async () => {
    for (const end of ends.toReversed()) await end()
  })

  const choose = (fault: string): void => {
    plan.fault = fault
    cut()
  }

  it.each([...FAULTS.both, ...FAULTS[transport]])('tells of %s and recovers', async (fault, reason, isReadable) => {
    choose(fault)
    await tellsAndRecovers(worker, { reason, isReadable }, secrets, () => choose('none'))
  })

  it.each(['cut', 'lose'])('finds out what became of a commit that met a %s', async (fault) => {
    await surviveLostAnswer(
      worker,
      () => choose(fault),
      () => plan.fault === 'none',
    )
  })

  it('loses nothing when the server restarts under load', async () => {
    const replies = await surviveRestart(worker, () => server.restart())
    expect(replies.filter(({ status }) => status === 500)).toEqual([])
  })
})
