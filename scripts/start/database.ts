import { readFolderDatabase, refuseStrangers, tieFolder, usedByOthers, type FolderDatabase } from './belonging.ts'
import { hasEmbedded, startEmbedded } from './embedded.ts'
import { applyMigrations, hasDatabase } from './migrate.ts'
import type { Identity } from './migrate-server.ts'
import type { StartOptions } from './options.ts'
import { Refusal } from './refusal.ts'

/** The database of a run: what the Worker must be told of it, and its end. */
export interface Database {
  readonly settings: Readonly<Record<string, string>>
  /** Of `wrangler.toml`; null: the one without a name. */
  readonly environment: string | null
  /** What to say if its first records, since it was opened, are another folder's, which then keeps it; otherwise null. */
  readonly lost: () => Promise<Refusal | null>
  /** Rejects if a server of our own ends by itself; never resolves. */
  readonly died: Promise<never>
  stop(): Promise<void>
}

/** Opens the database that was asked for, or the folder's own, and brings it up to date. */
export async function openDatabase(options: StartOptions, data: string, stop: AbortSignal): Promise<Database> {
  const owned = readFolderDatabase(data)?.store ?? (hasDatabase(data) ? 'd1' : undefined)
  const store = options.store ?? owned ?? 'd1'
  if (owned !== undefined && owned !== store)
    throw new Refusal(
      `The records that belong to the data folder ${data} are in ${STORE_NAMES[owned]}: ${isElsewhere(owned, data) ? 'give its URL with --database-url' : `start it with --store ${owned}`}.`,
    )
  switch (store) {
    case 'd1':
      await applyMigrations(data, stop)
      return { settings: {}, environment: null, lost: async () => null, died: never(), stop: async () => {} }
    case 'postgres':
      return openPostgres(options, data)
    case 'mongo':
      return openMongo(options, data)
    default:
      return store satisfies never
  }
}

export const STORE_NAMES = { d1: 'D1', postgres: 'PostgreSQL', mongo: 'MongoDB' } as const

/** Whether a server has the records, which only its URL leads to. */
function isElsewhere(store: keyof typeof STORE_NAMES, data: string): boolean {
  return store === 'mongo' || (store === 'postgres' && !hasEmbedded(data))
}

async function openPostgres({ databaseUrl }: StartOptions, data: string): Promise<Database> {
  if (databaseUrl === undefined && readFolderDatabase(data) && isElsewhere('postgres', data))
    throw new Refusal(
      `The records that belong to the data folder ${data} are in a PostgreSQL elsewhere: give its URL with --database-url, or in the variable DATABASE_URL.`,
    )
  const embedded = databaseUrl === undefined ? await startEmbedded(data) : null
  try {
    const url = databaseUrl ?? embedded?.url ?? ''
    const lost = await belong(data, 'postgres', url)
    const settings = { STORE: 'postgres', DATABASE_URL: quotable(url), DATABASE_TRANSPORT: '' }
    return { settings, environment: null, lost, died: embedded?.died ?? never(), stop: async () => embedded?.stop() }
  } catch (error) {
    await embedded?.stop()
    throw error
  }
}

async function openMongo({ databaseUrl: url }: StartOptions, data: string): Promise<Database> {
  if (url === undefined)
    throw new Refusal(
      'A MongoDB server is needed, and none comes with this catalog: give its mongodb:// URL with --database-url, or in the variable MONGO_URL.',
    )
  const lost = await belong(data, 'mongo', url)
  return {
    settings: { STORE: 'mongo', MONGO_URL: quotable(url) },
    environment: 'mongo',
    lost,
    died: never(),
    stop: async () => {},
  }
}

/** Brings a database up to date that the folder has, or gets. @throws Refusal */
async function belong(data: string, store: FolderDatabase['store'], url: string): Promise<Database['lost']> {
  const found = await prepare(store, url)
  refuseStrangers(data, store, found)
  return async () => {
    if (found.isUsed || !(await prepare(store, url)).isUsed) return null
    tieFolder(data, null)
    return usedByOthers(data)
  }
}

/** Brings a database up to date. The drivers are loaded only here: D1 starts without them. @throws Refusal */
async function prepare(store: FolderDatabase['store'], url: string): Promise<Identity> {
  const { prepareMongo, preparePostgres } = await import('./migrate-server.ts')
  try {
    return await (store === 'mongo' ? prepareMongo(url) : preparePostgres(url))
  } catch (error) {
    throw new Refusal(`${error instanceof Error ? error.message : String(error)}.`)
  }
}

/** The settings file reads quotes and `$` as its own. */
function quotable(url: string): string {
  return url.replace(/['"$\\`]/g, (character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

function never(): Promise<never> {
  return Promise.withResolvers<never>().promise
}
