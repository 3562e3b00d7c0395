import { driverVerbs, mongoClient } from '#store/mongo/driver'
import { newMemory } from '#store/mongo/log'
import { migrateMongo } from '#store/mongo/migrate'
import { mongoStore } from '#store/mongo/mongo'
import { startDataApi } from '#test/store/mongo/data-api'
import { startMongo } from '#test/store/mongo/real-server'
import { answeredBy, bodyOf, HANDSHAKE, idOf, messages } from '#test/store/mongo/wire'
import { passOn, startRelay } from '#test/support/relay'
import type { Backend, CountedWay, Outside, Seen } from './outside.ts'
import { lockstep } from './lockstep.ts'

/** What the one on the way saw. */
export interface MongoSeen extends Seen {
  /** Requests that had to wait for the answer of another: how often the latency to the server was paid. Of HTTP only. */
  readonly rounds: number
}

export type MongoTransport = 'driver' | 'data-api'

type Counter = { -readonly [K in keyof MongoSeen]: MongoSeen[K] }

/** A server of its own with our indexes, reached by a Worker over one of the transports. */
export async function mongoBackend(transport: MongoTransport): Promise<Backend<MongoSeen>> {
  const server = await startMongo({ durable: false })
  const { client, db } = mongoClient(server.url('cost'))
  await migrateMongo(db)
  let count = newCounter()
  const on = (): Counter => count
  const way =
    transport === 'driver' ? await driverWay(server.url('cost'), server.port, on) : await httpWay(startDataApi, db, on)
  return {
    // Whatever is in the log is projected as soon as this one looks at it.
    store: mongoStore(driverVerbs(db), { newId: () => crypto.randomUUID(), memory: newMemory(), tailEntriesMax: 1 }),
    build: ['--env', 'mongo'],
    objects: { MONGO: 'MongoConnection' },
    worker: { ...way.worker, bindings: { STORE: 'mongo', ...way.worker.bindings } },
    take: async () => {
      const seen = count
      count = newCounter()
      return seen
    },
    stop: async () => {
      await way.stop()
      await client.close()
      await server.stop()
    },
  }
}

function newCounter(): Counter {
  return { storeRoundTrips: 0, storeStatements: 0, rowsRead: 0, rowsWritten: 0, rounds: 0 }
}

/** A relay that passes everything on and counts the commands that ask for something, and what they are answered. */
async function driverWay(url: string, port: number, count: () => Counter): Promise<CountedWay> {
  const relay = await startRelay(port, {
    connected: (client, server) => {
      const asked = new Set<number>()
      const ask = messages((message) => {
        const [command] = Object.keys(bodyOf(message) ?? {})
        if (command === undefined || HANDSHAKE.includes(command)) return
        asked.add(idOf(message))
        count().storeRoundTrips += 1
        count().storeStatements += 1
      })
      const answer = messages((message) => {
        if (!asked.delete(answeredBy(message))) return
        const { cursor, n = 0 } = bodyOf(message) as Body
        count().rowsRead += (cursor?.firstBatch ?? cursor?.nextBatch ?? []).length
        count().rowsWritten += n
      })
      passOn(client.on('data', ask), server.on('data', answer))
    },
  })
  return {
    worker: { bindings: { MONGO_URL: url.replace(`:${port}/`, `:${relay.port}/`) } },
    stop: () => relay.stop(),
  }
}

interface Body {
  readonly cursor?: { readonly firstBatch?: readonly unknown[]; readonly nextBatch?: readonly unknown[] }
  readonly n?: number
}

/** A gateway that speaks the Data API; its requests are counted, and held until the Worker waits for all of them. */
async function httpWay(
  start: typeof startDataApi,
  db: Parameters<typeof startDataApi>[0],
  count: () => Counter,
): Promise<CountedWay> {
  const key = crypto.randomUUID()
  const gateway = await start(db, { kind: 'api-key', key })
  const turn = lockstep(() => (count().rounds += 1))
  return {
    worker: {
      bindings: { MONGO_DATA_API_URL: 'http://gateway.test/data/v1', MONGO_API_KEY: key, MONGO_DATA_SOURCE: 'here' },
      outboundService: async (request) => {
        const counter = count()
        counter.storeRoundTrips += 1
        counter.storeStatements += 1
        await turn()
        const { pathname } = new URL(request.url)
        const action = `${gateway.url}${pathname.replace('/data/v1', '')}`
        const sent = await request.text()
        const headers = Object.fromEntries(request.headers)
        const answer = await fetch(action, { method: 'POST', headers, body: sent })
        const text = await answer.text()
        const { documents, document } = JSON.parse(text) as { documents?: unknown[]; document?: unknown }
        counter.rowsRead += documents?.length ?? (document ? 1 : 0)
        counter.rowsWritten += writtenBy(pathname, text, sent)
        return new Response(text, { status: answer.status, headers: { 'content-type': 'application/json' } })
      },
    },
    stop: () => gateway.stop(),
  }
}

/** Documents that a verb wrote, as its answer says. */
function writtenBy(path: string, text: string, sent: string): number {
  if (text.includes('"error"')) return 0
  const answer = JSON.parse(text) as { insertedIds?: unknown[]; matchedCount?: unknown; upsertedId?: unknown }
  if (path.endsWith('/insertOne')) return 1
  if (path.endsWith('/insertMany'))
    return answer.insertedIds?.length ?? (JSON.parse(sent) as { documents: [] }).documents.length
  return Number(answer.matchedCount ?? 0) + (answer.upsertedId === undefined ? 0 : 1)
}

/** Entries after which the Worker, which has read them along, looks whether they are projected. */
export const TAIL_ENTRIES_MAX = 16

/** Leaves the Worker with nothing to read along: whatever is in the log is projected, and it knows. */
export async function projectedInWorker(outside: Outside<MongoSeen>): Promise<void> {
  for (let entries = 0; entries < TAIL_ENTRIES_MAX; entries += 1) await outside.tenant.settle(crypto.randomUUID())
  await outside.call(['GET', '/v1/config?warehouse=demo'])
}
