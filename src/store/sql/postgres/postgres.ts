import { readinessOf } from '#store/readiness'
import { failed, select, type SqlDatabase } from '#store/sql/database'
import { sqlStore } from '#store/sql/store'
import type { Readiness, Store } from '#store/store'
import { sqlState } from './failures.ts'

/** The newest migration in `drizzle/`: how many there are. */
export const POSTGRES_SCHEMA_VERSION = 1

/** Says how many of the migrations a database has; the command that applies them writes it. */
export const SCHEMA_VERSION_TABLE = 'pangolin_schema'

/** The store on PostgreSQL, however it is reached. */
export function postgresStore(db: SqlDatabase): Store {
  return sqlStore(db, () => readiness(db))
}

/** What is in the way of using a database as ours; no secret is in the sentence. */
async function readiness(db: SqlDatabase): Promise<Readiness> {
  const migrate = 'run the migrations (npm run db:migrate)'
  try {
    const version = await schemaVersion(db)
    if (version !== null) {
      const fits = readinessOf(version, POSTGRES_SCHEMA_VERSION, migrate)
      return fits.ready ? await writable(db) : fits
    }
    const others = await foreignTables(db)
    return {
      ready: false,
      reason: others.length > 0 ? foreignDatabase(others) : `The database has no schema yet; ${migrate}`,
    }
  } catch (error) {
    const failure = db.failureOf(error instanceof Error && error.cause ? error.cause : error)
    return {
      ready: false,
      reason: failure.kind === 'unavailable' ? failure.reason : 'The catalog database does not answer',
    }
  }
}

/** A replica can be read, so that it takes no writes must be asked. */
async function writable(db: SqlDatabase): Promise<Readiness> {
  await db.write([{ sql: `SELECT 1`, params: [] }]).catch((error: unknown) => failed(db, error))
  return { ready: true }
}

/** How many migrations the database has; null if it is not one of ours. */
export async function schemaVersion(db: SqlDatabase): Promise<number | null> {
  try {
    const [row] = await select<{ version: number }>(
      db,
      `SELECT coalesce(max(version), 0) AS version FROM ${SCHEMA_VERSION_TABLE}`,
    )
    return row?.version ?? null
  } catch (error) {
    if (sqlState(error) === UNDEFINED_TABLE) return null
    throw error
  }
}

const UNDEFINED_TABLE = '42P01'

/** Tables where ours would stand, in a database that has none of ours. */
export async function foreignTables(db: SqlDatabase): Promise<string[]> {
  const rows = await select<{ name: string }>(
    db,
    `SELECT c.relname AS name FROM pg_class c
      WHERE c.relnamespace = to_regnamespace(current_schema()) AND c.relkind IN ('r', 'p', 'v', 'm') ORDER BY 1 LIMIT 3`,
  )
  return rows.map(({ name }) => name)
}

export function foreignDatabase(tables: readonly string[]): string {
  return `The database belongs to something else (it has ${tables.map((name) => `'${name}'`).join(', ')}); give the catalog a database of its own`
}
