import { httpVerbs, type Credentials, type Endpoint } from '#store/mongo/http'
import { VerbFailure, type Doc, type MongoVerbs } from '#store/mongo/verbs'
import { unusable } from './config.ts'
import { STORE_CALL_MS_MAX } from './limits.ts'
import type { Cost } from './meter.ts'
import type { VerbReply } from './mongo-connection.ts'
import { within } from './time-limits.ts'

/** Durable Objects that hold connections: one of them does about a thousand calls a second. */
const CONNECTIONS = 4

/** The verbs by the transport that is configured: an endpoint of the Data API, or the driver. */
export function mongoVerbsOf(env: Cloudflare.Env, cost: Cost): MongoVerbs {
  const endpoint = endpointOf(env)
  const metered = (verbs: MongoVerbs): MongoVerbs => meteredVerbs(verbs, cost)
  return endpoint ? httpVerbs(endpoint, metered) : metered(connectionVerbs(env))
}

/** The endpoint that the settings name, or null. @throws CatalogError `unusable` where one is missing */
export function endpointOf(env: Cloudflare.Env): Endpoint | null {
  const { MONGO_DATA_API_URL: url, MONGO_DATABASE: database = 'pangolin', MONGO_DATA_SOURCE: dataSource = '' } = env
  if (!url) return null
  return { url: url.replace(/\/$/, ''), credentials: credentialsOf(env), dataSource, database }
}

function credentialsOf(env: Cloudflare.Env): Credentials {
  const { MONGO_API_KEY: key, MONGO_TOKEN: token, MONGO_USERNAME: username, MONGO_PASSWORD: password } = env
  if (key) return { kind: 'api-key', key }
  if (token) return { kind: 'bearer', token }
  if (username && password) return { kind: 'basic', username, password }
  throw unusable(
    new Error('MONGO_API_KEY, MONGO_TOKEN, or MONGO_USERNAME and MONGO_PASSWORD must be set with MONGO_DATA_API_URL'),
  )
}

/** The verbs by the driver, whose client lives in a Durable Object. */
function connectionVerbs(env: Cloudflare.Env): MongoVerbs {
  if (!env.MONGO || !env.MONGO_URL)
    throw unusable(
      new Error('MONGO_URL or MONGO_DATA_API_URL must be set where STORE is mongo, and MONGO be bound for the former'),
    )
  const connections = env.MONGO
  const call = async <T>(verb: keyof MongoVerbs, ...args: readonly unknown[]): Promise<T> => {
    const [random = 0] = crypto.getRandomValues(new Uint8Array(1))
    const name = `connection ${random % CONNECTIONS}`
    const connection = connections.get(connections.idFromName(name))
    const reply = (await connection.call(verb, args)) as VerbReply
    if (!reply.ok) throw new VerbFailure(reply.kind, reply.message)
    return JSON.parse(typeof reply.json === 'string' ? reply.json : await new Response(reply.json).text()) as T
  }
  return {
    findOne: async (query) => call('findOne', query),
    find: async (query) => call('find', query),
    insertOne: async (collection, document) => call('insertOne', collection, document),
    insertMany: async (collection, documents) => call('insertMany', collection, documents),
    updateOne: async (update) => call('updateOne', update),
    deleteMany: async (collection, filter) => call('deleteMany', collection, filter),
    aggregate: async (collection, pipeline) => call('aggregate', collection, pipeline),
  }
}

/** Verbs that count into `cost`, and whose answers are unknown after `STORE_CALL_MS_MAX`. */
function meteredVerbs(verbs: MongoVerbs, cost: Cost): MongoVerbs {
  const answered = async <T>(call: Promise<T>): Promise<T> => {
    cost.storeRoundTrips += 1
    cost.storeStatements += 1
    return within(STORE_CALL_MS_MAX, 'The catalog database', call).catch((error: unknown) => {
      throw error instanceof VerbFailure
        ? error
        : new VerbFailure('late', 'The catalog database did not answer; try again', error)
    })
  }
  const read = async <T>(call: Promise<T[]>): Promise<T[]> => {
    const found = await answered(call)
    cost.rowsRead += found.length
    return found
  }
  const written = async <T>(count: number, call: Promise<T>): Promise<T> => {
    const result = await answered(call)
    cost.rowsWritten += count
    return result
  }
  return {
    findOne: async <T extends Doc>(query: Parameters<MongoVerbs['findOne']>[0]) => {
      const found = await answered(verbs.findOne<T>(query))
      cost.rowsRead += found ? 1 : 0
      return found
    },
    find: async <T extends Doc>(query: Parameters<MongoVerbs['find']>[0]) => read(verbs.find<T>(query)),
    insertOne: async (collection, document) => written(1, verbs.insertOne(collection, document)),
    insertMany: async (collection, documents) => written(documents.length, verbs.insertMany(collection, documents)),
    updateOne: async (update) => written(1, verbs.updateOne(update)),
    deleteMany: async (collection, filter) => answered(verbs.deleteMany(collection, filter)),
    aggregate: async <T extends Doc>(collection: string, pipeline: Parameters<MongoVerbs['aggregate']>[1]) =>
      read(verbs.aggregate<T>(collection, pipeline)),
  }
}
