import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { BSON, type Collection, type Db } from 'mongodb'
import type { Credentials } from '#store/mongo/http'

const { EJSON } = BSON

interface Body {
  readonly collection: string
  readonly filter?: object
  readonly projection?: object
  readonly sort?: Record<string, 1>
  readonly limit?: number
  readonly document?: object
  readonly documents?: object[]
  readonly update?: object
  readonly upsert?: boolean
  readonly pipeline?: object[]
}

/** What the Data API's verbs do, and what they answer. */
const VERBS: Readonly<Record<string, (of: Collection, body: Body) => Promise<object>>> = {
  findOne: async (of, { filter = {}, projection = {} }) => ({ document: await of.findOne(filter, { projection }) }),
  find: async (of, { filter = {}, projection = {}, sort = {}, limit = 0 }) => ({
    documents: await of.find(filter, { projection, sort, limit }).toArray(),
  }),
  insertOne: async (of, { document = {} }) => ({ insertedId: (await of.insertOne(document)).insertedId }),
  insertMany: async (of, { documents = [] }) => ({
    insertedIds: Object.values((await of.insertMany(documents)).insertedIds),
  }),
  updateOne: async (of, { filter = {}, update = {}, upsert = false }) => {
    const { matchedCount, modifiedCount, upsertedId } = await of.updateOne(filter, update, { upsert })
    return { matchedCount, modifiedCount, ...(upsertedId === null ? {} : { upsertedId }) }
  },
  deleteMany: async (of, { filter = {} }) => ({ deletedCount: (await of.deleteMany(filter)).deletedCount }),
  aggregate: async (of, { pipeline = [] }) => ({ documents: await of.aggregate(pipeline).toArray() }),
}

/** An endpoint that speaks the Data API and has a real server behind it. It takes one set of credentials. */
export async function startDataApi(db: Db, credentials: Credentials): Promise<{ url: string; stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(EJSON.stringify(body))
    }
    void answerTo(db, credentials, request).then(
      ([status, body]) => answer(status, body),
      (error: unknown) => answer(500, { error: String(error), error_code: 'InternalError' }),
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/data/v1`,
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function answerTo(db: Db, credentials: Credentials, request: IncomingMessage): Promise<[number, object]> {
  const verb = VERBS[request.url?.replace('/data/v1/action/', '') ?? '']
  if (request.method !== 'POST' || !verb) return [404, { error: 'no such action', error_code: 'NotFound' }]
  if (!isHim(credentials, request)) return [401, { error: 'invalid session', error_code: 'InvalidSession' }]
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  const body = EJSON.parse(Buffer.concat(parts).toString()) as Body
  return [200, await verb(db.collection(body.collection), body)]
}

function isHim(credentials: Credentials, { headers }: IncomingMessage): boolean {
  if (credentials.kind === 'api-key') return headers['apikey'] === credentials.key
  if (credentials.kind === 'bearer') return headers['authorization'] === `Bearer ${credentials.token}`
  const login = Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')
  return headers['authorization'] === `Basic ${login}`
}
