// Contract: what is wrong with a MongoDB is said in one sentence without a secret, and nothing acknowledged is lost.
// Source: the server's error codes; src/store/mongo/failures.ts, schema.ts, migrate.ts.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { MongoClient } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CatalogError } from '#domain/errors'
import { SCHEMA, STORAGE } from '#store/mongo/documents'
import { driverVerbs, failed, mongoClient } from '#store/mongo/driver'
import { codeInText, failureOfCode } from '#store/mongo/failures'
import { VerbFailure } from '#store/mongo/verbs'
import { httpVerbs, type Credentials } from '#store/mongo/http'
import { INDEXES, indexName, SCHEMA_ID } from '#store/mongo/schema'
import { migrateMongo } from '#store/mongo/migrate'
import { newMemory } from '#store/mongo/log'
import { mongoStore } from '#store/mongo/mongo'
import type { MongoVerbs } from '#store/mongo/verbs'
import type { Store } from '#store/store'
import {
  answered,
  AT,
  commitOf,
  create,
  fork,
  land,
  member,
  newId,
  newTenant,
  readKey,
  tableKey,
  tableValue,
} from '#test/contract/fixture'
import { startDataApi } from './data-api.ts'
import { memoryServer } from './memory-server.ts'
import { recordingVerbs, type Lookup } from './recording.ts'
import { startMongo, type RealServer } from './real-server.ts'

let server: RealServer
let client: MongoClient

beforeAll(async () => {
  server = await startMongo({ durable: true })
  client = mongoClient(server.url('faults')).client
})

afterAll(async () => {
  await client?.close()
  await server?.stop()
})

function storeOn(verbs: MongoVerbs): Store {
  return mongoStore(verbs, { newId, memory: newMemory() })
}

async function readinessBy(url: string): Promise<unknown> {
  const opened = mongoClient(url)
  try {
    return await storeOn(driverVerbs(opened.db)).readiness()
  } finally {
    await opened.client.close()
  }
}

describe('readiness', () => {
  it('tells of credentials that are refused, without repeating them', async () => {
    const url = server.url('faults').replace(/:\/\/catalog:[^@]*@/, '://catalog:wrong-secret@')
    const reason = expect.stringMatching(/^The catalog database refuses the credentials; (?!.*wrong-secret)/) as string
    expect(await readinessBy(url)).toEqual({ ready: false, reason })
  })

  it('tells of a server that is not there', async () => {
    const url = `mongodb://catalog:secret@127.0.0.1:1/faults?directConnection=true`
    expect(await readinessBy(url)).toEqual({ ready: false, reason: 'The catalog database cannot be reached' })
  })

  it('tells what is missing, until the migration has made it', async () => {
    const db = client.db('missing')
    const store = storeOn(driverVerbs(db))
    expect(await store.readiness()).toMatchObject({ reason: expect.stringMatching(/no schema yet; run/) as string })
    await Promise.all([migrateMongo(db), migrateMongo(db)])
    expect(await store.readiness()).toEqual({ ready: true })
    for (const index of INDEXES) {
      await db.collection(index.collection).dropIndex(indexName(index))
      const name = `${index.collection}.${indexName(index)}`
      expect(await store.readiness()).toMatchObject({
        reason: expect.stringContaining(`lacks the index ${name}; run`) as string,
      })
      await migrateMongo(db)
    }
    expect(await store.readiness()).toEqual({ ready: true })
  })

  it.each([
    ['a newer version', { product: 'pangolin', version: 99 }, /written by a newer version: it has schema 99/],
    ['another product', { product: 'other', version: 1 }, /belongs to another product/],
  ])('and the migration refuse a database of %s', async (name, schema, reason) => {
    const db = client.db(name.replace(' ', '-'))
    await db.collection<typeof schema & { _id: string }>(SCHEMA).insertOne({ _id: SCHEMA_ID, ...schema })
    expect(await storeOn(driverVerbs(db)).readiness()).toMatchObject({
      reason: expect.stringMatching(reason) as string,
    })
    await expect(migrateMongo(db)).rejects.toThrow(reason)
  })

  it('does not come to a database that others use: the migration refuses it', async () => {
    const db = client.db('used')
    await db.collection('orders').insertOne({ total: 1 })
    await expect(migrateMongo(db)).rejects.toThrow(/holds the collection 'orders' of something else/)
    expect(await db.listCollections().toArray()).toHaveLength(1)
  })
})

describe('the server itself', () => {
  it('answers every lookup from an index', async () => {
    const db = client.db('explained')
    await migrateMongo(db)
    const recorded = new Map<string, Lookup>()
    const { tenant, main, catalog } = await newTenant(async () => storeOn(recordingVerbs(driverVerbs(db), recorded)))
    const key = tableKey('a', 't')
    const value = tableValue({ locations: ['s3://lake/a/b/'] })
    const change = { ...create(key, value), unusedBefore: value.locations }
    await land(tenant, commitOf(main.id, [change], { checks: [{ empty: 'b' }] }))
    const dev = await fork(tenant, main.id, 'dev')
    await land(
      tenant,
      commitOf(main.id, [{ key, expect: (await readKey(tenant, main.id, key))?.rev ?? null, next: null }]),
    )
    for (let i = 0; i < 20; i += 1)
      await land(tenant, commitOf(main.id, [create(tableKey('a', `t${i}`), tableValue())]))
    const page = { class: 'asset', namespace: 'a', kind: 'table', limit: 10, after: 'a' } as const
    for (const ref of ['main', 'dev'])
      await tenant.read({ caller: { userId: 'u', tokenId: 't' }, at: { catalog: 'demo', ref }, keys: [key], page })
    await tenant.history.log({ branchId: dev.id, limit: 10 })
    await tenant.history.audit({ limit: 10 })
    await tenant.purges.pending({ limit: 10 })
    await tenant.branches.tag({ id: newId(), name: 'v', from: { branchId: main.id, seq: 1 }, at: AT })
    await tenant.branches.get(catalog.id, 'dev')
    await tenant.users.list({ limit: 10 })
    await land(tenant, commitOf(main.id, [], { members: [member({ idempotency: answered('k') })] }))
    await tenant.idempotency.finish({ ...answered(), at: AT })
    const files = { objectId: value.objectId, metadataLocations: [value.metadataLocation ?? ''] }
    await tenant.history.trim({ ...files, forgottenAt: { branchId: main.id, seq: 3 } })
    await tenant.branches.tag({ id: newId(), name: 'w', from: { branchId: main.id, seq: 4 }, at: AT })
    const report = { at: AT, principalId: 'u', principalName: 'ann', client: null, report: '{}' }
    for (let i = 0; i < 2; i += 1)
      await tenant.metrics.add({ ...report, objectId: value.objectId }, { perTable: 1, perTenant: 9 })
    await tenant.metrics.newest({ objectId: value.objectId, limit: 10 })
    expect(recorded.size).toBeGreaterThan(20)
    // What names its documents by id has no need of any other index.
    const lookups = [...recorded.values()].filter(({ filter }) => !('_id' in filter))
    for (const { collection, filter, sort = {} } of lookups) {
      const found = db.collection(collection).find(filter as object, { sort: sort as Record<string, 1> })
      const { queryPlanner } = (await found.explain()) as { queryPlanner: { winningPlan: unknown } }
      const plan = JSON.stringify(queryPlanner.winningPlan)
      expect(plan, `${collection} ${JSON.stringify(filter)}`).toContain('IXSCAN')
      expect(plan).not.toContain('COLLSCAN')
    }
  })
})

describe('a server that dies and comes back', () => {
  it('has everything that was acknowledged, and the same client goes on', async () => {
    const db = client.db('restarted')
    await migrateMongo(db)
    const store = storeOn(driverVerbs(db))
    const { tenant, main } = await newTenant(async () => store)
    const names = Array.from({ length: 40 }, (_, i) => `t${i}`)
    const acknowledged: string[] = []
    const killed = Promise.withResolvers<void>()
    const writing = names.map(async (name, i) => {
      if (i > 20) await killed.promise
      const commit = commitOf(main.id, [create(tableKey('a', name), tableValue())])
      const { outcome } = await tenant.commit(commit).catch(({ kind }: CatalogError) => ({ outcome: kind }))
      if (outcome === 'committed') acknowledged.push(name)
      else expect(['busy', 'unavailable', 'unknown']).toContain(outcome)
      if (i === 5) void server.restart().then(killed.resolve, killed.reject)
    })
    await Promise.all(writing)
    expect(acknowledged.length).toBeGreaterThan(20)
    for (const name of acknowledged) expect(await readKey(tenant, main.id, tableKey('a', name))).not.toBeNull()
    await land(tenant, commitOf(main.id, []))
  })
})

describe('an endpoint of the Data API', () => {
  it.each<[string, Credentials, Credentials]>([
    ['an API key', { kind: 'api-key', key: 'k' }, { kind: 'api-key', key: 'wrong-secret' }],
    ['a token', { kind: 'bearer', token: 't' }, { kind: 'bearer', token: 'wrong-secret' }],
    [
      'a password',
      { kind: 'basic', username: 'é:u', password: 'p@:' },
      { kind: 'basic', username: 'é:u', password: 'wrong-secret' },
    ],
  ])('takes %s, and only the right one', async (name, right, wrong) => {
    const db = client.db(name.replace(' ', '-'))
    await migrateMongo(db)
    const endpoint = await startDataApi(db, right)
    const by = (credentials: Credentials) =>
      storeOn(httpVerbs({ url: endpoint.url, credentials, dataSource: 'c', database: db.databaseName }))
    try {
      expect(await by(right).readiness()).toEqual({ ready: true })
      const reason = expect.stringMatching(
        /^The catalog database refuses the credentials; (?!.*wrong-secret)/,
      ) as string
      expect(await by(wrong).readiness()).toEqual({ ready: false, reason })
    } finally {
      await endpoint.stop()
    }
    expect(await by(right).readiness()).toEqual({ ready: false, reason: 'The catalog database cannot be reached' })
  })
})

describe('an endpoint that refuses a write', () => {
  it.each([
    [400, '{"error":"FunctionError: (WriteConcernFailed) waiting for replication timed out"}', 'unknown', 'mistake'],
    [500, '{"error":"(NotWritablePrimary) no"}', 'unknown', 'unavailable'],
    [500, '{"error":"(OutOfDiskSpace) no"}', 'unavailable', 'unavailable'],
    [500, '{"error":"upstream"}', 'unknown', 'unknown'],
    [403, '', 'unavailable', 'unavailable'],
  ])('with %i %s has done nothing only if it says so before it asks a server', async (status, text, write, read) => {
    const endpoint = createServer((_, response) => response.writeHead(status).end(text)).listen(0, '127.0.0.1')
    await once(endpoint, 'listening')
    const { port } = endpoint.address() as AddressInfo
    const verbs = httpVerbs({
      url: `http://127.0.0.1:${port}`,
      credentials: { kind: 'bearer', token: 't' },
      dataSource: 'c',
      database: 'd',
    })
    try {
      await expect(verbs.insertOne('log', { _id: 'x' })).rejects.toMatchObject({ kind: write })
      await expect(verbs.find({ collection: 'log', filter: {} })).rejects.toMatchObject({ kind: read })
    } finally {
      endpoint.close()
    }
  })
})

describe('a server that hangs', () => {
  it('is not asked again at once where nothing was written yet, and leaves open what became of what was', async () => {
    const verbs = memoryServer()
    const { main, tenantId } = await newTenant(async () => storeOn(verbs))
    const late = async (): Promise<never> => {
      throw new VerbFailure('late', 'The catalog database did not answer')
    }
    const commit = commitOf(main.id, [])
    await expect(
      storeOn({ ...verbs, find: late })
        .tenant(tenantId)
        .commit(commit),
    ).rejects.toMatchObject({
      kind: 'unavailable',
      message: 'The catalog database did not answer; nothing was changed',
    })
    const outcome = await storeOn({ ...verbs, insertOne: late })
      .tenant(tenantId)
      .commit(commit)
    expect(outcome).toMatchObject({ outcome: 'unknown' })
  })
})

describe('what a server says of itself', () => {
  it.each([
    [14_031, 'OutOfDiskSpace', /disk of the catalog database is full/, null],
    [10_107, 'NotWritablePrimary', /not the primary/, null],
    [13_435, 'NotPrimaryNoSecondaryOk', /not the primary/, null],
    [112, 'WriteConflict', /too much to do/, 'busy'],
    [16_500, 'TooManyRequests', /too much to do/, 'busy'],
  ])(
    '%i: a commit was not done, and may be tried again at once or when somebody has seen to it',
    async (code, codeName, message, outcome) => {
      const failure = (): never => failed({ name: 'MongoServerError', code, codeName })
      expect(failure).toThrow(message)
      expect(codeInText(`{"error":"(${codeName}) no","error_code":"FunctionExecutionError"}`)).toBe(code)
      const verbs = memoryServer()
      const { tenant, main, tenantId } = await newTenant(async () => storeOn(verbs))
      const refusing = storeOn({ ...verbs, insertOne: async () => failure() }).tenant(tenantId)
      const refused = refusing.commit(commitOf(main.id, []))
      if (outcome) expect(await refused).toMatchObject({ outcome })
      else
        await expect(refused).rejects.toMatchObject({
          name: 'CatalogError',
          kind: 'unavailable',
          message: expect.stringMatching(message) as string,
        })
      await expect(refusing.branches.close(main.id)).rejects.toMatchObject({
        name: 'CatalogError',
        kind: 'unavailable',
      })
      await land(tenant, commitOf(main.id, []))
    },
  )

  it.each<[string, object]>([
    ['a lost connection', { name: 'MongoNetworkError' }],
    ['a timeout', { name: 'MongoNetworkTimeoutError' }],
    ...[2, 13, 24, 64, 91, 112, 10_107, 13_435, 14_031].map((code): [string, object] => [
      `a write concern that was not met (${code})`,
      { name: 'MongoWriteConcernError', code },
    ]),
    ['a client that was closed meanwhile', { name: 'MongoClientClosedError' }],
    ['the same of many at once', { name: 'MongoBulkWriteError', code: 10_107, writeErrors: [] }],
    ['a step-down in the middle', { name: 'MongoServerError', code: 11_602 }],
  ])('%s leaves open whether a commit landed', async (_, error) => {
    const verbs = memoryServer()
    const { main, tenantId } = await newTenant(async () => storeOn(verbs))
    const losing = storeOn({ ...verbs, insertOne: async () => failed(error) }).tenant(tenantId)
    expect(await losing.commit(commitOf(main.id, []))).toMatchObject({ outcome: 'unknown' })
  })

  it.each([
    ['a pool that was emptied before its turn', { name: 'MongoPoolClearedError' }, 'not-done'],
    ['a pool whose connections are all in use', { name: 'MongoWaitQueueTimeoutError' }, 'not-done'],
    ['connections that were cut while in use', { name: 'PoolClearedOnNetworkError' }, 'unknown'],
    ['no server that would do', { name: 'MongoServerSelectionError' }, 'unavailable'],
    [
      'a login that failed',
      { name: 'MongoServerError', code: 18, errorLabelSet: new Set(['HandshakeError']) },
      'unavailable',
    ],
    ['a host that has no name', { name: 'Error', syscall: 'querySrv', code: 'ENOTFOUND' }, 'unavailable'],
    ['a conflict of writes', { name: 'MongoServerError', code: 112 }, 'not-done'],
  ])('tells %s by what was done for sure', (_, error, kind) => {
    expect(() => failed(Object.assign(new Error('words'), error))).toThrow(expect.objectContaining({ kind }))
  })

  it('never leaves a duplicate to be taken for anything else', () => {
    expect(failureOfCode(11_000, null).kind).toBe('duplicate')
    expect(codeInText(`E11000 duplicate key error collection: x.${STORAGE}`)).toBe(11_000)
    expect(codeInText('{"error":"(DuplicateKey) E11000 duplicate key error dup key: { _id: \\"a BadValue\\" }"}')).toBe(
      11_000,
    )
    expect(
      codeInText('{"error":"upstream failed at { name: \\"(Unauthorized)\\", codeName: \\"BadValue\\" }"}'),
    ).toBeUndefined()
    expect(codeInText('{"writeConcernError":{"code":10107,"codeName":"NotWritablePrimary"}}')).toBeUndefined()
    expect(() =>
      failed({ name: 'MongoBulkWriteError', code: 11_000, writeErrors: [{ code: 11_000 }, { code: 1 }] }),
    ).toThrow(expect.objectContaining({ kind: 'unknown' }))
  })
})
