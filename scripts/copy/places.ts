import { existsSync, readdirSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { CatalogError } from '#domain/errors'
import { COPYING } from '#store/copying'
import { driverVerbs, failed, mongoClient } from '#store/mongo/driver'
import { migrateMongo } from '#store/mongo/migrate'
import { readinessOf as mongoReadiness } from '#store/mongo/schema'
import { VerbFailure } from '#store/mongo/verbs'
import { SCHEMA_VERSION } from '#store/sql/d1'
import { migrate } from '#store/sql/postgres/migrate'
import { postgresStore, SCHEMA_VERSION_TABLE } from '#store/sql/postgres/postgres'
import { tcpDatabase } from '#store/sql/postgres/tcp'
import { readinessOf } from '#store/readiness'
import { postgresMigrations } from '../postgres/migrations.ts'
import { endProcessesWith } from '../processes.ts'
import { readFolderDatabase } from '../start/belonging.ts'
import { DATA_VARIABLE, isUsed, openDataFolder, type DataFolder } from '../start/data-folder.ts'
import { STORE_NAMES } from '../start/database.ts'
import { hasEmbedded, startEmbedded } from '../start/embedded.ts'
import { applyMigrations, hasDatabase } from '../start/migrate.ts'
import { Refusal } from '../start/refusal.ts'
import { D1_CHARS_MAX, deployedD1 } from './d1-api.ts'
import { mongoTarget } from './mongo.ts'
import { BATCH_ROWS_MAX } from './rows.ts'
import { sqlTarget } from './sql.ts'
import { sqliteFile } from './sqlite.ts'
import type { Target } from './store.ts'

/** Data folders that a command holds, so that no `npm start` uses them meanwhile: each is opened once. */
export class Folders {
  readonly #open = new Map<string, DataFolder>()

  /** Ends what a killed `npm start` has left behind, which would go on writing. Returns the path. */
  async open(name: string): Promise<string> {
    const known = existsSync(name) ? this.#open.get(realpathSync(name)) : undefined
    if (known) return known.path
    const folder = openDataFolder(name)
    this.#open.set(folder.path, folder)
    await endProcessesWith(DATA_VARIABLE, folder.path)
    return folder.path
  }

  close(): void {
    for (const folder of this.#open.values()) folder.close()
  }
}

/**
 * A database to copy `from`, which has to be in order, or `to`, which is brought up to date.
 * @throws Refusal for what is no such URL, and what cannot be used
 */
export async function openPlace(
  url: string,
  role: 'from' | 'to',
  folders: Folders,
  stop: AbortSignal,
): Promise<Target> {
  try {
    return await openAny(url, role, folders, stop)
  } catch (error) {
    const isSentence = error instanceof Refusal || error instanceof CatalogError || error instanceof VerbFailure
    if (isSentence || stop.aborted) throw error
    throw new Refusal(
      `The database to copy ${role} cannot be used: ${error instanceof Error ? error.message : String(error)}.`,
    )
  }
}

async function openAny(url: string, role: 'from' | 'to', folders: Folders, stop: AbortSignal): Promise<Target> {
  const [scheme] = url.split(':')
  switch (scheme) {
    case 'd1':
      if (url.startsWith('d1://')) return openDeployedD1(url, role, stop)
      return openD1(url.slice('d1:'.length), role, folders, stop)
    case 'postgres':
    case 'postgresql':
      return url.includes('://')
        ? openPostgres(url, role)
        : openEmbedded(url.slice(url.indexOf(':') + 1), role, folders)
    case 'mongodb':
    case 'mongodb+srv':
      return openMongo(url, role)
    default:
      throw new Refusal(
        'A database is d1:FOLDER or postgres:FOLDER (the data folder of npm start), d1://ACCOUNT_ID/DATABASE_ID, postgres://user:password@host/database or mongodb://user:password@host/database.',
      )
  }
}

async function openD1(name: string, role: 'from' | 'to', folders: Folders, stop: AbortSignal): Promise<Target> {
  const elsewhere = existsSync(name) ? readFolderDatabase(name) : null
  if (elsewhere && role === 'from')
    throw new Refusal(
      `The records of ${name} are in ${STORE_NAMES[elsewhere.store]}: give --from ${hasEmbedded(name) ? `postgres:${name}` : 'the URL of that'}.`,
    )
  if (role === 'from' && !(existsSync(name) && hasDatabase(name)))
    throw new Refusal(`There is no D1 database in the folder ${name}.`)
  // What wrangler has made by itself is no data folder, and nothing locks it.
  const isDataFolder = role === 'to' || isUsed(name)
  const data = isDataFolder ? await folders.open(name) : realpathSync(name)
  if (role === 'to') await applyMigrations(data, stop)
  const folder = join(data, 'v3', 'd1', 'miniflare-D1DatabaseObject')
  const files = readdirSync(folder).filter((file) => file.endsWith('.sqlite') && file !== 'metadata.sqlite')
  if (files.length !== 1) throw new Refusal(`Expected one D1 database in the folder ${data}, found ${files.length}.`)
  const file = sqliteFile(join(folder, files[0] ?? ''))
  const versions = [{ sql: 'SELECT max(version) AS version FROM schema_version', params: [] }]
  const [found] = await file.read<{ version: number }>(versions)
  refuseUnready(readinessOf(found?.rows[0]?.version ?? 0, SCHEMA_VERSION, 'start the catalog once (npm start)'), role)
  const target = sqlTarget(file, `d1:${data}`, 'schema_version', async () => file.close())
  if (elsewhere && !(await target.progress()) && (await target.tenants()).length > 0) {
    file.close()
    throw new Refusal(
      `The D1 database in ${name} is the old one of records that are in ${STORE_NAMES[elsewhere.store]}: move ${join(name, 'v3', 'd1')} away first.`,
    )
  }
  return target
}

/** A D1 database on Cloudflare, which has its schema before anything is copied into it. */
async function openDeployedD1(url: string, role: 'from' | 'to', stop: AbortSignal): Promise<Target> {
  const db = deployedD1(url, { env: process.env, stop })
  const versions = [{ sql: 'SELECT max(version) AS version FROM schema_version', params: [] }]
  const found = await db.read<{ version: number | null }>(versions).catch((error: unknown) => {
    if (String(error).includes('no such table')) return []
    throw error
  })
  const toMigrate = 'with its id in wrangler.toml, run npx wrangler d1 migrations apply DB --remote'
  refuseUnready(readinessOf(found[0]?.rows[0]?.version ?? 0, SCHEMA_VERSION, toMigrate), role)
  return sqlTarget(db, db.name, 'schema_version', async () => {}, BATCH_ROWS_MAX, D1_CHARS_MAX)
}

/** The PostgreSQL that a data folder holds, which is there for as long as the place is open. */
async function openEmbedded(name: string, role: 'from' | 'to', folders: Folders): Promise<Target> {
  if (role === 'to') throw new Refusal('A data folder with a PostgreSQL of its own can only be copied from.')
  if (!existsSync(name) || !hasEmbedded(name)) throw new Refusal(`There is no PostgreSQL in the folder ${name}.`)
  const data = await folders.open(name)
  const { url, stop } = await startEmbedded(data)
  try {
    const target = await openPostgres(url, role)
    const close = async (): Promise<void> => {
      await target.close()
      await stop()
    }
    return { ...target, name: `postgres:${data}`, close }
  } catch (error) {
    await stop()
    throw error
  }
}

async function openPostgres(url: string, role: 'from' | 'to'): Promise<Target> {
  const db = tcpDatabase(url)
  const target = sqlTarget(db, nameOf(url), SCHEMA_VERSION_TABLE, () => db.close())
  try {
    if (role === 'to' && !(await target.progress())) await migrate(db, postgresMigrations())
    refuseUnready(await postgresStore(db).readiness(), role)
    return target
  } catch (error) {
    await db.close()
    throw error
  }
}

async function openMongo(url: string, role: 'from' | 'to'): Promise<Target> {
  const { client, db } = mongoClient(url)
  const target = mongoTarget(client, db, nameOf(url, db.databaseName))
  try {
    if (role === 'to' && !(await target.progress().catch(failed))) await migrateMongo(db)
    refuseUnready(await mongoReadiness(driverVerbs(db)), role)
    return target
  } catch (error) {
    await client.close()
    throw error
  }
}

/** Half of a copy may be copied into, but not from. */
function refuseUnready(readiness: { readonly ready: boolean; readonly reason?: string }, role: 'from' | 'to'): void {
  if (readiness.ready || (role === 'to' && readiness.reason === COPYING)) return
  throw new Refusal(`The database to copy ${role} is not in order: ${readiness.reason}.`)
}

/** A connection string without user, password and settings, among which a password may be, too. */
export function nameOf(url: string, database?: string): string {
  const [address = ''] = url.split('?')
  const [, scheme = '', hosts = '', path = ''] = /^(\w+(?:\+srv)?:\/\/)(?:.*@)?([^/]*)\/?(.*)/.exec(address) ?? []
  return `${scheme}${hosts}/${database ?? path}`
}
