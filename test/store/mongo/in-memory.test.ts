// Contract: the MongoDB store is a store, and answers as the model does, on a server that knows nothing but the verbs.
// Source: src/store/store.ts; src/store/mongo/log.ts; DESIGN §2.1.
import { vi } from 'vitest'
import { SCHEMA } from '#store/mongo/documents'
import { mongoStore, rememberedViews } from '#store/mongo/mongo'
import { PRODUCT, SCHEMA_ID, SCHEMA_VERSION, type SchemaDocument } from '#store/mongo/schema'
import type { Store } from '#store/store'
import { agreesWithModel } from '#test/contract/agreement'
import { storeContract } from '#test/contract/store-contract'
import { memoryServer } from './memory-server.ts'

/** Cases that write thousands of keys take longer than the usual five seconds. */
vi.setConfig({ testTimeout: 120_000 })

async function open(): Promise<Store> {
  const server = memoryServer()
  const schema: SchemaDocument = { _id: SCHEMA_ID, product: PRODUCT, version: SCHEMA_VERSION }
  await server.insertOne(SCHEMA, schema)
  return mongoStore(server, { newId: () => crypto.randomUUID(), views: rememberedViews() })
}

storeContract('mongo (in memory)', open)
agreesWithModel('mongo (in memory)', open)
