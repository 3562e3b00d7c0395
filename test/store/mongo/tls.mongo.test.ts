// Contract: a MongoDB that demands TLS is reached with it, and what is wrong about TLS is said in one sentence.
// Source: MongoDB, "Connection String Options", `tls`; a relay that ends TLS in front of a real server.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { driverVerbs, mongoClient } from '#store/mongo/driver'
import { httpVerbs } from '#store/mongo/http'
import { newMemory } from '#store/mongo/log'
import { migrateMongo } from '#store/mongo/migrate'
import { mongoStore } from '#store/mongo/mongo'
import type { MongoVerbs } from '#store/mongo/verbs'
import { buildWorker } from '#test/support/built-worker'
import { selfSigned } from '#test/support/certificate'
import { startRelay } from '#test/support/relay'
import { serveTrusting } from '#test/support/trusting-worker'
import { startDataApi } from './data-api.ts'
import { startMongo, type RealServer } from './real-server.ts'

const DISTRUST = 'The certificate of the catalog database is not trusted here, or is not for its host'

const folder = mkdtempSync(join(tmpdir(), 'pangolin-tls-'))
const file = join(folder, 'server.crt')
const certificate = selfSigned()
const ends: (() => Promise<unknown>)[] = []
let server: RealServer
let url: string

beforeAll(async () => {
  writeFileSync(file, certificate.certificate)
  server = await startMongo({ durable: false })
  const { client, db } = mongoClient(server.url('tls'))
  await migrateMongo(db)
  await client.close()
  const relay = await startRelay(server.port, { certificate })
  ends.push(() => relay.stop())
  url = server.url('tls').replace(`:${server.port}/`, `:${relay.port}/`)
})

afterAll(async () => {
  for (const end of ends) await end()
  await server?.stop()
  rmSync(folder, { recursive: true, force: true })
})

async function reasonBy(verbs: MongoVerbs): Promise<string> {
  const readiness = await mongoStore(verbs, { newId: () => crypto.randomUUID(), memory: newMemory() }).readiness()
  return readiness.ready ? 'ready' : readiness.reason
}

async function reasonAt(connectionString: string): Promise<string> {
  const { client, db } = mongoClient(connectionString)
  try {
    return await reasonBy(driverVerbs(db))
  } finally {
    await client.close()
  }
}

it('is not reached without TLS, and says so', async () => {
  expect(await reasonAt(url)).toBe('The catalog database closes connections at once; it may demand TLS (tls=true)')
})

it('is not reached by who does not trust it', async () => {
  expect(await reasonAt(`${url}&tls=true`)).toBe(DISTRUST)
})

it('is reached by who trusts it', async () => {
  expect(await reasonAt(`${url}&tls=true&tlsCAFile=${encodeURIComponent(file)}`)).toBe('ready')
})

it('is said to have no TLS if that is what is wrong', async () => {
  expect(await reasonAt(`${server.url('tls')}&tls=true`)).toMatch(/agree on TLS|cannot be reached|closes connections/)
})

it('is reached by a Worker that trusts it', async () => {
  const script = await buildWorker(folder, '--env', 'mongo')
  const bindings = { STORE: 'mongo', MONGO_URL: `${url}&tls=true` }
  const worker = await serveTrusting(file, script, { worker: { bindings }, objects: { MONGO: 'MongoConnection' } })
  try {
    await worker.logIn()
    expect((await worker.send('POST', '/v1/demo/namespaces', { namespace: ['over-tls'] })).status).toBe(200)
  } finally {
    await worker.stop()
  }
})

it('behind an endpoint of the Data API is not reached by who does not trust that', async () => {
  const { client, db } = mongoClient(server.url('tls'))
  const credentials = { kind: 'api-key', key: 'k' } as const
  const endpoint = await startDataApi(db, credentials)
  const relay = await startRelay(Number(new URL(endpoint.url).port), { certificate })
  try {
    const address = `https://127.0.0.1:${relay.port}/data/v1`
    expect(await reasonBy(httpVerbs({ url: address, credentials, dataSource: 'c', database: 'tls' }))).toBe(DISTRUST)
  } finally {
    await relay.stop()
    await endpoint.stop()
    await client.close()
  }
})
