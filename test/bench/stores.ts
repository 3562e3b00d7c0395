import { mongoClient } from '#store/mongo/driver'
import { migrateMongo } from '#store/mongo/migrate'
import { migrate } from '#store/sql/postgres/migrate'
import { setup as installMongo } from '#test/store/mongo/program'
import { startMongo } from '#test/store/mongo/real-server'
import { ownServer } from '#test/store/postgres/own-server'
import type { Way } from '#test/support/built-worker'
import { postgresMigrations } from '../../scripts/postgres/migrations.ts'
import { STORES, type StoreName } from '../../scripts/start/options.ts'

export { STORES, type StoreName }

/** Where the measured catalogs keep their records: a server of this run, on this machine. */
export interface BenchStore extends Way {
  /** What its figures say, and what they do not. */
  readonly note: string
  /** Arguments of the build. */
  readonly build: readonly string[]
  stop(): Promise<void>
}

/** Commits of 16 tables and their requests each have connections of their own, as there is no pool in between. */
const POSTGRES_CONNECTIONS = '300'

const OPEN: Readonly<Record<StoreName, () => Promise<BenchStore>>> = {
  d1: async () => ({
    note: 'd1: a SQLite file of miniflare',
    worker: {},
    build: [],
    stop: async () => {},
  }),
  postgres: async () => {
    const server = await ownServer({ max_connections: POSTGRES_CONNECTIONS })
    const { db, url } = await server.emptyDatabase()
    await migrate(db, postgresMigrations())
    return {
      note: "postgres: PostgreSQL 18 without fsync, each request connecting anew: here is nothing of Hyperdrive's pool",
      worker: { hyperdrives: { HYPERDRIVE: url }, bindings: { STORE: 'postgres' } },
      build: [],
      stop: () => server.stop(),
    }
  },
  mongo: async () => {
    await installMongo()
    const server = await startMongo({ durable: false })
    const { client, db } = mongoClient(server.url('bench'))
    await migrateMongo(db)
    return {
      note: "mongo: SecantusDB, written in Python, in MongoDB's place: these figures are its own, and say little of MongoDB",
      worker: { bindings: { STORE: 'mongo', MONGO_URL: server.url('bench') } },
      build: ['--env', 'mongo'],
      objects: { MONGO: 'MongoConnection' },
      stop: async () => {
        await client.close()
        await server.stop()
      },
    }
  },
}

/** Starts the server of a store, empty and migrated. */
export async function openStore(name: StoreName): Promise<BenchStore> {
  return OPEN[name]()
}
