import { schemaProblem } from '#store/readiness'
import { select, type SqlDatabase } from '#store/sql/database'
import { foreignDatabase, SCHEMA_VERSION_TABLE, schemaVersion } from './postgres.ts'

/** A migration: its number, from 1 without a gap, and its statements. */
export interface Migration {
  readonly version: number
  readonly statements: readonly string[]
}

/**
 * Brings a database up to the newest migration, each in a transaction of its own, and says which ones it applied. Of two
 * that run at once one applies them, and the other finds that done.
 * @throws Error with one sentence, nothing having been changed: the schema is newer, or the database is somebody else's
 */
export async function migrate(db: SqlDatabase, migrations: readonly Migration[]): Promise<number[]> {
  const newest = migrations.length
  const found = await schemaVersion(db)
  if (found === null) {
    const foreign = await foreignDatabase(db)
    // Asked again: somebody else may have begun to migrate in between.
    if (foreign !== null && (await schemaVersion(db)) === null) throw new Error(foreign)
    await patiently(db, [CREATE_VERSIONS, NAME_DATABASE])
  } else {
    const problem = found > newest ? schemaProblem(found, newest, '') : null
    if (problem !== null) throw new Error(problem)
  }
  const applied: number[] = []
  for (const { version, statements } of migrations) if (await apply(db, version, statements)) applied.push(version)
  return applied
}

const CREATE_VERSIONS = `CREATE TABLE IF NOT EXISTS ${SCHEMA_VERSION_TABLE} (version bigint PRIMARY KEY, database_id text)`

/** Number 0 is no migration: it tells this database from all others. */
const NAME_DATABASE = `INSERT INTO ${SCHEMA_VERSION_TABLE} (version, database_id) VALUES (0, gen_random_uuid()) ON CONFLICT DO NOTHING`

/** Which database it is, and whether anything is in it. It must have our schema. */
export async function databaseIdentity(db: SqlDatabase): Promise<{ id: string; isUsed: boolean }> {
  const [row] = await select<{ id: string; used: number }>(
    db,
    `SELECT database_id AS id, CASE WHEN EXISTS (SELECT 1 FROM record) THEN 1 ELSE 0 END AS used
      FROM ${SCHEMA_VERSION_TABLE} WHERE version = 0`,
  )
  if (!row) throw new Error('The database has lost its name: restore it from a backup')
  return { id: row.id, isUsed: row.used === 1 }
}

/** Whoever migrates holds it until the end of the transaction. */
const LOCK = `SELECT pg_advisory_xact_lock(hashtext('pangolin'), hashtext('schema'))`

/** False, and nothing changed, if somebody else has applied it. */
async function apply(db: SqlDatabase, version: number, statements: readonly string[]): Promise<boolean> {
  // The number is taken before anything is changed: whoever comes second breaks on it.
  const take = `INSERT INTO ${SCHEMA_VERSION_TABLE} (version) VALUES (${version})`
  try {
    await patiently(db, [take, ...statements])
    return true
  } catch (error) {
    const failure = db.failureOf(error)
    if (failure.kind === 'taken' && failure.table === SCHEMA_VERSION_TABLE) return false
    throw error
  }
}

/** Another one's migration may take longer than a commit waits for a lock. */
const ATTEMPTS_MAX = 20

async function patiently(db: SqlDatabase, statements: readonly string[]): Promise<void> {
  const batch = [LOCK, ...statements].map((sql) => ({ sql, params: [] }))
  for (let attempt = 1; ; attempt += 1) {
    try {
      await db.write(batch)
      return
    } catch (error) {
      if (db.failureOf(error).kind !== 'again' || attempt === ATTEMPTS_MAX) throw error
    }
  }
}
