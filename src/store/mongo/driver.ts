import { MongoClient, type Collection, type Db, type FindOptions, type MongoClientOptions } from 'mongodb'
import { STORE_CALL_MS_MAX } from '#src/limits'
import { failureOfCode, neverSent } from './failures.ts'
import { VerbFailure, type Doc, type MongoVerbs, type Query } from './verbs.ts'

/** Used where the connection string names no database. */
const DATABASE = 'pangolin'

/** Longest wait for a server to be found, and for a connection to it. */
const CONNECT_MS_MAX = 5000

/**
 * More documents than any one query of the store is for: all in one answer, but for the 16 MB that fit into one. A server
 * sends the first hundred only unless it is told.
 */
const AT_ONCE = { batchSize: 10_000 }

/** Each of its own: parts of what is given as an object (`writeConcern`) a connection string would change all the same. */
const OPTIONS: MongoClientOptions = {
  appName: 'pangolin',
  readPreference: 'primary',
  readConcernLevel: 'majority',
  w: 'majority',
  journal: true,
  serverSelectionTimeoutMS: CONNECT_MS_MAX,
  connectTimeoutMS: CONNECT_MS_MAX,
  socketTimeoutMS: STORE_CALL_MS_MAX,
  // A second attempt of the driver's own that never left would hide that the first one may have been done.
  retryWrites: false,
}

const NO_CONNECTION_STRING =
  'The connection string of the catalog database is not one that MongoDB takes; odd characters in it must be percent-encoded'

/**
 * A client of the official driver for a connection string, which may set everything but how safe reads and writes are.
 * In a Worker it has to live in a Durable Object: its connections belong to whoever opened them.
 * @throws VerbFailure for a string that is none; the message doesn't repeat it
 */
export function mongoClient(url: string): { client: MongoClient; db: Db } {
  try {
    const client = new MongoClient(url, OPTIONS)
    const [, named] = /^mongodb(?:\+srv)?:\/\/[^/]*\/([^?]+)/.exec(url) ?? []
    return { client, db: client.db(named === undefined ? DATABASE : decodeURIComponent(named)) }
  } catch (error) {
    throw new VerbFailure('unavailable', NO_CONNECTION_STRING, error)
  }
}

/** The verbs by the official driver. */
export function driverVerbs(db: Db): MongoVerbs {
  const of = (name: string): Collection<Doc> => db.collection<Doc>(name)
  const run = async <T>(command: Promise<T>): Promise<T> => command.catch(failed)
  return {
    findOne: async <T extends Doc>({ collection, filter }: Query) => run(of(collection).findOne<T>(filter)),
    find: async <T extends Doc>({ collection, filter, ...options }: Query) => {
      const found = of(collection).find<T>(filter, { ...AT_ONCE, ...(options as FindOptions) })
      return run(found.toArray())
    },
    insertOne: async (collection, document) => void (await run(of(collection).insertOne({ ...document }))),
    insertMany: async (collection, documents) =>
      void (await run(of(collection).insertMany([...documents], { ordered: false }))),
    updateOne: async ({ collection, filter, update, upsert }) =>
      (await run(of(collection).updateOne(filter, update as object, { upsert }))).matchedCount,
    deleteMany: async (collection, filter) => void (await run(of(collection).deleteMany(filter))),
    aggregate: async <T extends Doc>(collection: string, pipeline: readonly object[]) => {
      const found = of(collection).aggregate<T>([...pipeline], AT_ONCE)
      return run(found.toArray())
    },
  }
}

/** Errors of the driver after which it is certain that nothing was sent. */
const NEVER_SENT = ['MongoServerSelectionError', 'MongoTopologyClosedError', 'MongoPoolClosedError']

/** So it is after these, which tell of connections that were lost to somebody else, or are all in use. */
const WAITED_IN_VAIN = ['MongoPoolClearedError', 'MongoWaitQueueTimeoutError']

/**
 * What the driver's error means. A concern of the write that was not met (`w: majority` on a primary that steps down) has
 * codes of refusals, but the write was done: whether it stays is open.
 * @throws VerbFailure always
 */
export function failed(error: unknown): never {
  const { name = '', code, syscall, writeErrors, errorLabelSet } = error as DriverError
  const isLookup = syscall?.startsWith('query') === true
  if (WAITED_IN_VAIN.includes(name))
    throw new VerbFailure('not-done', 'The catalog database had no connection to spare', error)
  if (isLookup || NEVER_SENT.includes(name) || errorLabelSet?.has('HandshakeError') === true) throw neverSent(error)
  const isWritten = name === 'MongoWriteConcernError' || writeErrors?.length === 0
  const isSure = !isWritten && (writeErrors === undefined || writeErrors.every((one) => one.code === code))
  throw failureOfCode(isSure ? code : undefined, error)
}

interface DriverError {
  readonly name?: string
  readonly code?: unknown
  /** Of a failed lookup of the host's name. */
  readonly syscall?: string
  readonly writeErrors?: readonly { readonly code: unknown }[]
  readonly errorLabelSet?: ReadonlySet<string>
}
