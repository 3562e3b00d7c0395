import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mongoClient } from '#store/mongo/driver'
import { driverVerbs } from '#store/mongo/driver'
import { newMemory } from '#store/mongo/log'
import { migrateMongo } from '#store/mongo/migrate'
import { mongoStore } from '#store/mongo/mongo'
import { SCHEMA_VERSION } from '#store/sql/d1'
import { migrate } from '#store/sql/postgres/migrate'
import { postgresStore } from '#store/sql/postgres/postgres'
import { tcpDatabase } from '#store/sql/postgres/tcp'
import { readinessOf } from '#store/sql/readiness'
import { sqlStore } from '#store/sql/store'
import type { Store } from '#store/store'
import { mongoTarget } from '../../../scripts/copy/mongo.ts'
import { sqlTarget } from '../../../scripts/copy/sql.ts'
import { sqliteFile } from '../../../scripts/copy/sqlite.ts'
import type { Target } from '../../../scripts/copy/store.ts'
import { postgresMigrations } from '../../../scripts/postgres/migrations.ts'
import { startMongo } from '../../store/mongo/real-server.ts'
import { ownServer } from '../../store/postgres/own-server.ts'

/** A database, as the catalog sees it and as a copy does: `open` makes a target anew, as another process would. */
export interface Database {
  readonly store: Store
  readonly url: string
  open(): Target
}

export type DatabaseKind = 'd1' | 'postgres' | 'mongo'

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
      const store = sqlStore(db, async () => {
        const [result] = await db.read<{ version: number }>([
          { sql: 'SELECT max(version) AS version FROM schema_version', params: [] },
        ])
        return readinessOf(result?.rows[0]?.version ?? 0, SCHEMA_VERSION, 'migrate')
      })
      return {
        store,
        url: path,
        open: () => {
          const own = sqliteFile(path)
          return sqlTarget(own, path, 'schema_version', async () => own.close())
        },
      }
    },
    postgres: async (): Promise<Database> => {
      const { db, url } = await postgres.emptyDatabase()
      await migrate(db, postgresMigrations())
      return {
        store: postgresStore(db),
        url,
        open: () => {
          const own = tcpDatabase(url)
          return sqlTarget(own, new URL(url).pathname, 'pangolin_schema', async () => own.close())
        },
      }
    },
    mongo: async (): Promise<Database> => {
      const url = mongo.url(newName())
      const { client, db } = mongoClient(url)
      ends.push(() => client.close())
      await migrateMongo(db)
      return {
        store: mongoStore(driverVerbs(db), { newId: () => crypto.randomUUID(), memory: newMemory() }),
        url,
        open: () => {
          const own = mongoClient(url)
          return mongoTarget(own.client, own.db, own.db.databaseName)
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
