// Contract: a page of a namespace with 100,000 tables is its own documents, however many there are beside, found by an index.
// Source: src/store/mongo/schema.ts; DESIGN §2.1 "List". The server's own explain says which index; it sorts what it has
// found where MongoDB's reads on in the index, so what it examines is not held here.
import type { Db, MongoClient } from 'mongodb'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { CURRENT, type Current } from '#store/mongo/documents'
import { driverVerbs, mongoClient } from '#store/mongo/driver'
import { newMemory } from '#store/mongo/log'
import { migrateMongo } from '#store/mongo/migrate'
import { mongoStore } from '#store/mongo/mongo'
import { placesOf } from '#store/mongo/places'
import type { Doc, MongoVerbs, Query } from '#store/mongo/verbs'
import { newId, newTenant, tableValue, type Fixture } from '#test/contract/fixture'
import { startMongo, type RealServer } from './real-server.ts'
import { stagesOf } from './recording.ts'

const TABLES = 100_000
const AT_A_TIME = 10_000
const PAGE = { class: 'asset', namespace: 'crowded', kind: 'table', limit: 100 } as const

let server: RealServer
let client: MongoClient
let db: Db
let fixture: Fixture
let found = 0
const queries: Query[] = []

beforeAll(async () => {
  server = await startMongo({ durable: false })
  const opened = mongoClient(server.url('crowded'))
  client = opened.client
  db = opened.db
  await migrateMongo(db)
  const verbs = counting(driverVerbs(db))
  fixture = await newTenant(async () => mongoStore(verbs, { newId, memory: newMemory() }))
  const group = placesOf(fixture.tenantId).entries(fixture.main.id, PAGE)
  const value = JSON.stringify({ ...tableValue(), rev: newId() })
  for (let start = 0; start < TABLES; start += AT_A_TIME) {
    const documents = Array.from({ length: AT_A_TIME }, (_, i): Current => {
      const key = `t${String(start + i).padStart(6, '0')}`
      return { _id: `${group}\u001e${key}`, n: 1, group, key, state: 'table', value, seq: 1 }
    })
    await db.collection<Current>(CURRENT).insertMany(documents, { ordered: false })
  }
}, 300_000)

afterAll(async () => {
  await client?.close()
  await server?.stop()
})

it.each([
  [undefined, 't000000'],
  ['t049999', 't050000'],
])('the page after %s', async (after, first) => {
  queries.length = 0
  found = 0
  const { page } = await fixture.tenant.read({
    at: { catalog: 'demo', ref: 'main' },
    page: { ...PAGE, ...(after === undefined ? {} : { after }) },
  })
  expect(page?.entries.map(({ name }) => name).slice(0, 1)).toEqual([first])
  expect(page?.entries.length).toBe(PAGE.limit)
  expect(found).toBeLessThan(PAGE.limit + 30)
  const [query] = queries.filter(({ filter }) => 'state' in filter && !('$in' in Object(filter['state'])))
  expect(await stagesOf(db, query ?? { collection: '', filter: {} })).toContain('IXSCAN group_1_state_1_key_1')
})

/** Verbs that count what they are answered. */
function counting(verbs: MongoVerbs): MongoVerbs {
  return {
    ...verbs,
    find: async <T extends Doc>(query: Query) => {
      const documents = await verbs.find<T>(query)
      queries.push(query)
      found += documents.length
      return documents
    },
  }
}
