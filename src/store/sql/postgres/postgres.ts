import { readinessOf } from '#store/readiness'
import { select, write, type SqlDatabase } from '#store/sql/database'
import { sqlStore } from '#store/sql/store'
import type { Readiness, Store } from '#store/store'
import { sqlState, UNDEFINED_TABLE } from './failures.ts'

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
    if (version === null)
      return { ready: false, reason: (await foreignDatabase(db)) ?? `The database has no schema yet; ${migrate}` }
    const fits = readinessOf(version, POSTGRES_SCHEMA_VERSION, migrate)
    // A replica can be read, so that it takes no writes must be asked.
    if (fits.ready) await write(db, [{ sql: 'SELECT 1', params: [] }])
    return fits
  } catch (error) {
    const failure = db.failureOf(error instanceof Error && error.cause ? error.cause : error)
    return {
      ready: false,
      reason: failure.kind === 'unavailable' ? failure.reason : 'The catalog database does not answer',
    }
  }
}

/** How many migrations the database has; null if it is not one of ours. */
export async function schemaVersion(db: SqlDatabase): Promise<number | null> {
  try {
    const newest = `SELECT coalesce(max(version), 0) AS version FROM ${SCHEMA_VERSION_TABLE}`
    const [row] = await select<{ version: number }>(db, newest)
    return row?.version ?? null
  } catch (error) {
    if (sqlState(error) === UNDEFINED_TABLE) return null
    throw error
  }
}

/** Says that a database without our schema has tables where ours would stand; null if it has none. */
export async function foreignDatabase(db: SqlDatabase): Promise<string | null> {
  const rows = await select<{ name: string }>(
    db,
    `SELECT c.relname AS name FROM pg_class c
      WHERE c.relnamespace = to_regnamespace(current_schema()) AND c.relkind IN ('r', 'p', 'v', 'm') ORDER BY 1 LIMIT 3`,
  )
  if (rows.length === 0) return null
  return `The database belongs to something else (it has ${rows.map(({ name }) => `'${name}'`).join(', ')}); give the catalog a database of its own`
}
