import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { databaseIdentity, migrate } from '#store/sql/postgres/migrate'
import { tcpDatabase } from '#store/sql/postgres/tcp'
import { postgresMigrations } from '../postgres/migrations.ts'
import { writeFileAtomic } from './atomic-file.ts'
import { startEmbedded } from './embedded.ts'
import { applyMigrations, hasDatabase } from './migrate.ts'
import type { StartOptions } from './options.ts'
import { Refusal } from './refusal.ts'

/** The database of a run: what the Worker must be told of it, and its end. */
export interface Database {
  readonly settings: Readonly<Record<string, string>>
  /** Rejects if a server of our own ends by itself; never resolves. */
  readonly died: Promise<never>
  stop(): Promise<void>
}

/** Says which Postgres database belongs to a data folder: keys and objects are in one, records in the other. */
const DATABASE_FILE = 'database.json'

/** Opens the database that was asked for, or the folder's own, and brings it up to date. */
export async function openDatabase(options: StartOptions, data: string, stop: AbortSignal): Promise<Database> {
  const isPostgres = existsSync(join(data, DATABASE_FILE))
  const store = options.store ?? (isPostgres ? 'postgres' : 'd1')
  if (store === 'postgres') {
    if (hasDatabase(data) && !isPostgres) throw new Refusal(`${ofFolder(data)} D1: start it with --store d1.`)
    return openPostgres(options, data)
  }
  if (isPostgres) throw new Refusal(`${ofFolder(data)} PostgreSQL: start it with --store postgres.`)
  await applyMigrations(data, stop)
  return { settings: {}, died: never(), stop: async () => {} }
}

function ofFolder(data: string): string {
  return `The records that belong to the data folder ${data} are in`
}

async function openPostgres({ databaseUrl }: StartOptions, data: string): Promise<Database> {
  const embedded = databaseUrl === undefined ? await startEmbedded(data) : null
  try {
    const url = databaseUrl ?? embedded?.url ?? ''
    await prepare(url, data)
    const settings = { STORE: 'postgres', DATABASE_URL: quotable(url), DATABASE_TRANSPORT: '' }
    return { settings, died: embedded?.died ?? never(), stop: async () => embedded?.stop() }
  } catch (error) {
    await embedded?.stop()
    throw error
  }
}

/** Migrates, and refuses a database and a folder that do not belong together before anything is written to either. */
async function prepare(url: string, data: string): Promise<void> {
  const db = tcpDatabase(url)
  try {
    await migrate(db, postgresMigrations())
    const { id, isUsed } = await databaseIdentity(db)
    const file = join(data, DATABASE_FILE)
    const known = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { id: string }).id : null
    if (known === id) return
    if (known !== null)
      throw new Refusal(`${ofFolder(data)} another database: give that one, or give --data a new folder.`)
    if (isUsed)
      throw new Refusal(
        `The database holds a catalog already, whose keys and objects are not in the data folder ${data}: ` +
          'give --data the folder it was made with, or give an empty database.',
      )
    writeFileAtomic(file, `${JSON.stringify({ store: 'postgres', id })}\n`)
  } catch (error) {
    if (error instanceof Refusal) throw error
    throw new Refusal(`${error instanceof Error ? error.message : String(error)}.`)
  } finally {
    await db.close()
  }
}

/** The settings file reads quotes and `$` as its own. */
function quotable(url: string): string {
  return url.replace(/['"$\\`]/g, (character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

function never(): Promise<never> {
  return Promise.withResolvers<never>().promise
}
