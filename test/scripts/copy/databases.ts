import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Db } from 'mongodb'
import { driverVerbs, mongoClient } from '#store/mongo/driver'
import { newMemory } from '#store/mongo/log'
import { migrateMongo } from '#store/mongo/migrate'
import { mongoStore } from '#store/mongo/mongo'
import { SCHEMA_VERSION } from '#store/sql/d1'
import { migrate } from '#store/sql/postgres/migrate'
import { postgresStore } from '#store/sql/postgres/postgres'
import { tcpDatabase } from '#store/sql/postgres/tcp'
import { readinessOf } from '#store/readiness'
import type { SqlDatabase } from '#store/sql/database'
import { sqlStore } from '#store/sql/store'
import type { Store } from '#store/store'
import { copy, type CopyOptions } from '../../../scripts/copy/copy.ts'
import { mongoTarget } from '../../../scripts/copy/mongo.ts'
import { sqlTarget } from '../../../scripts/copy/sql.ts'
import { sqliteFile } from '../../../scripts/copy/sqlite.ts'
import type { Digest } from '../../../scripts/copy/rows.ts'
import type { Target } from '../../../scripts/copy/store.ts'
import { postgresMigrations } from '../../../scripts/postgres/migrations.ts'
import { startMongo } from '../../store/mongo/real-server.ts'
import { ownServer } from '../../store/postgres/own-server.ts'

/** Told of each call that writes to a database, before and after it: may end it by throwing. */
export type Watch = (when: 'before' | 'after') => void

/** A database, as the catalog sees it and as a copy does. */
export interface Database {
  /** As another process would open it, which has read nothing yet. */
  store(): Store
  readonly url: string
  /** The same, to copy from or to; it reads `rowsMax` rows at a time. */
  open(rowsMax?: number, watch?: Watch): Target
}

export type DatabaseKind = 'd1' | 'postgres' | 'mongo'

/** Copies all of one to the other, a few rows at a time so that histories are cut anywhere; `watch` is told of each write. */
export async function copyOf(
  from: Database,
  to: Database,
  {
    intoExisting = false,
    watch,
    seen = () => {},
  }: { intoExisting?: boolean; watch?: Watch; seen?: CopyOptions['seen'] } = {},
): Promise<Digest> {
  const [source, target] = [from.open(ROWS), to.open(ROWS, watch)]
  try {
    return await copy(source, target, { intoExisting, stop: new AbortController().signal, seen })
  } finally {
    await source.close()
    await target.close()
  }
}

const ROWS = 7

/** Makes empty databases on servers of its own; `stop` ends them. */
export interface Databases {
  make(kind: DatabaseKind): Promise<Database>
  stop(): Promise<void>
}

export async function databases(): Promise<Databases> {
  const folder = mkdtempSync(join(tmpdir(), 'pangolin-copy-'))
  const [postgres, mongo] = await Promise.all([ownServer(), startMongo({ durable: false })])
  const ends: (() => Promise<void> | void)[] = []
  const newName = (): string => `copy_${crypto.randomUUID().replaceAll('-', '')}`
  const make = {
    d1: async (): Promise<Database> => {
      const path = join(folder, `${newName()}.sqlite`)
      const db = sqliteFile(path)
      for (const name of readdirSync('migrations').toSorted()) db.exec(readFileSync(join('migrations', name), 'utf8'))
      ends.push(() => db.close())
      const readiness = async () => {
        const versions = [{ sql: 'SELECT max(version) AS version FROM schema_version', params: [] }]
        const [result] = await db.read<{ version: number }>(versions)
        return readinessOf(result?.rows[0]?.version ?? 0, SCHEMA_VERSION, 'migrate')
      }
      return {
        store: () => sqlStore(db, readiness),
        url: path,
        open: (rowsMax, watch) => {
          const own = sqliteFile(path)
          return sqlTarget(watchedSql(own, watch), path, 'schema_version', async () => own.close(), rowsMax)
        },
      }
    },
    postgres: async (): Promise<Database> => {
      const { db, url } = await postgres.emptyDatabase()
      await migrate(db, postgresMigrations())
      return {
        store: () => postgresStore(db),
        url,
        open: (rowsMax, watch) => {
          const own = tcpDatabase(url)
          const name = new URL(url).pathname
          return sqlTarget(watchedSql(own, watch), name, 'pangolin_schema', () => own.close(), rowsMax)
        },
      }
    },
    mongo: async (): Promise<Database> => {
      const url = mongo.url(newName())
      const { client, db } = mongoClient(url)
      ends.push(() => client.close())
      await migrateMongo(db)
      return {
        store: () => mongoStore(driverVerbs(db), { newId: () => crypto.randomUUID(), memory: newMemory() }),
        url,
        open: (rowsMax, watch) => {
          const own = mongoClient(url)
          return mongoTarget(own.client, watchedMongo(own.db, watch), own.db.databaseName, rowsMax)
        },
      }
    },
  }
  return {
    make: async (kind) => make[kind](),
    stop: async () => {
      for (const each of ends) await each()
      await postgres.stop()
      await mongo.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function watchedSql(db: SqlDatabase, watch: Watch = () => {}): SqlDatabase {
  return {
    ...db,
    write: async (statements) => {
      watch('before')
      const results = await db.write<never>(statements)
      watch('after')
      return results
    },
  }
}

const WRITES: readonly (string | symbol)[] = [
  'insertOne',
  'insertMany',
  'updateOne',
  'updateMany',
  'deleteOne',
  'deleteMany',
]

function watchedMongo(db: Db, watch: Watch = () => {}): Db {
  const watched = <T extends object>(target: T, seen: (name: string | symbol, called: unknown) => unknown): T =>
    new Proxy(target, {
      get: (of, name) => {
        const value: unknown = Reflect.get(of, name, of)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => seen(name, () => Reflect.apply(value, of, args) as unknown)
      },
    })
  const collection = <T extends object>(found: T): T =>
    watched(found, (name, call) => {
      const run = call as () => unknown
      if (!WRITES.includes(name)) return run()
      return (async () => {
        watch('before')
        const result = await run()
        watch('after')
        return result
      })()
    })
  return watched(db, (name, call) => {
    const result = (call as () => object)()
    return name === 'collection' ? collection(result) : result
  })
}
