import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { BSON, type Collection, type Db } from 'mongodb'
import type { MongoPlan } from './fault-proxy.ts'
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

/**
 * An endpoint that speaks the Data API and has a real server behind it. It takes one set of credentials.
 * @param plan faults as a driver meets them (`fault-proxy.ts`), in words, and `status-NUMBER`
 */
export async function startDataApi(
  db: Db,
  credentials: Credentials,
  plan: MongoPlan = { fault: 'none' },
): Promise<{ url: string; stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(EJSON.stringify(body))
    }
    void answerTo(db, credentials, request, plan).then(
      (answered) => (answered ? answer(...answered) : request.socket.destroy()),
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

/** Null: the connection ends in the place of an answer. */
async function answerTo(
  db: Db,
  credentials: Credentials,
  request: IncomingMessage,
  plan: MongoPlan,
): Promise<[number, object] | null> {
  const verb = VERBS[request.url?.replace('/data/v1/action/', '') ?? '']
  if (request.method !== 'POST' || !verb) return [404, { error: 'no such action', error_code: 'NotFound' }]
  if (!isHim(credentials, request)) return [401, { error: 'invalid session', error_code: 'InvalidSession' }]
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  const body = EJSON.parse(Buffer.concat(parts).toString()) as Body
  const [kind, code, codeName] = plan.fault.split('-')
  const isWrite = /(insert|update|delete)(One|Many)$/.test(request.url ?? '')
  const isLog = isWrite && body.collection === 'log'
  if (kind === 'drop') return null
  if (kind === 'status') return [Number(code), { error: 'the message of the server', error_code: 'Anything' }]
  if (kind === 'error' || ((kind === 'writes' || kind === 'items') && isWrite))
    return [500, { error: `(${codeName}) the message of the server`, error_code: 'InternalError' }]
  if (isLog && (kind === 'cut' || kind === 'lose')) plan.fault = 'none'
  if (isLog && kind === 'cut') return null
  const answer = await verb(db.collection(body.collection), body)
  return isLog && kind === 'lose' ? null : [200, answer]
}

function isHim(credentials: Credentials, { headers }: IncomingMessage): boolean {
  if (credentials.kind === 'api-key') return headers['apikey'] === credentials.key
  if (credentials.kind === 'bearer') return headers['authorization'] === `Bearer ${credentials.token}`
  const login = Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')
  return headers['authorization'] === `Basic ${login}`
}
