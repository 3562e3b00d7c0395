// Contract: a MongoDB that is not ours, not migrated or not there, and settings that are none, are said to be so.
// Source: DESIGN §5; src/mongo-verbs.ts; src/store/mongo/schema.ts; a real server of this file's own.
import type { Db, MongoClient } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SCHEMA } from '#store/mongo/documents'
import { mongoClient } from '#store/mongo/driver'
import { migrateMongo } from '#store/mongo/migrate'
import { startDataApi } from '#test/store/mongo/data-api'
import { startMongo, type RealServer } from '#test/store/mongo/real-server'
import { expectUnusable } from './unusable.ts'

const KEY = 'the secret key'
let server: RealServer
let client: MongoClient

beforeAll(async () => {
  server = await startMongo({ durable: false })
  client = mongoClient(server.url('unusable')).client
})

afterAll(async () => {
  await client?.close()
  await server?.stop()
})

async function unusable(db: Db, reason: RegExp): Promise<void> {
  const endpoint = await startDataApi(db, { kind: 'api-key', key: KEY })
  const settings = { MONGO_DATA_API_URL: endpoint.url, MONGO_API_KEY: KEY, MONGO_DATABASE: db.databaseName }
  try {
    await expectUnusable({ STORE: 'mongo', ...settings }, reason, [KEY])
  } finally {
    await endpoint.stop()
  }
}

describe('a database', () => {
  it('without a schema', async () => {
    await unusable(client.db('empty'), /no schema yet; run the migrations/)
    expect(await client.db('empty').listCollections().toArray()).toEqual([])
  })

  it.each([
    ['of another product', { product: 'other', version: 1 }, /belongs to another product/],
    [
      'of an older version',
      { product: 'pangolin', version: 0 },
      /has schema 0, this version needs 1; run the migrations/,
    ],
    ['of a newer version', { product: 'pangolin', version: 2 }, /written by a newer version: it has schema 2/],
  ])('%s', async (name, schema, reason) => {
    const db = client.db(name.replaceAll(' ', '-'))
    await migrateMongo(db)
    await db.collection(SCHEMA).updateOne({}, { $set: schema })
    await unusable(db, reason)
  })
})

describe('settings', () => {
  it.each<[string, object, RegExp]>([
    ['that name no way to it', {}, /^MONGO_URL or MONGO_DATA_API_URL must be set/],
    ['that name no credentials', { MONGO_DATA_API_URL: 'http://127.0.0.1:1' }, /^MONGO_API_KEY, MONGO_TOKEN, or/],
    [
      'of an endpoint that is not there',
      { MONGO_DATA_API_URL: 'http://127.0.0.1:1', MONGO_API_KEY: KEY },
      /^The catalog database cannot be reached$/,
    ],
  ])('%s', async (_, settings, reason) => {
    await expectUnusable({ STORE: 'mongo', ...settings }, reason, [KEY])
  })
})

describe('a connection string', () => {
  it.each([
    'mongodb://u:s%zz@h/db',
    'mongodb://u:se/cret@h/db',
    'mongodb://u:se@cret@h/db',
    'mysql://u:secret@h/db',
    'secret',
  ])('that is none, as %s, is not repeated', (url) => {
    expect(() => mongoClient(url)).toThrow(
      expect.objectContaining({
        kind: 'unavailable',
        message: expect.stringMatching(/^The connection string .* percent-encoded$/) as string,
      }),
    )
  })

  it('decides neither how safe reads and writes are, nor that they are tried twice', async () => {
    const opened = mongoClient(
      `${server.url('x')}&w=1&journal=false&retryWrites=true&readPreference=nearest&readConcernLevel=local`,
    )
    const { retryWrites, writeConcern, readPreference, readConcern } = opened.client.options
    expect([retryWrites, writeConcern?.w, writeConcern?.journal, readPreference.mode, readConcern?.level]).toEqual([
      false,
      'majority',
      true,
      'primary',
      'majority',
    ])
    await opened.client.close()
  })
})
