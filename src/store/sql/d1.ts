import { causesOf } from '#domain/errors'
import { readinessOf } from '#store/readiness'
import type { Readiness, Store } from '#store/store'
import type { SqlDatabase, SqlFailure, SqlResult, Statement } from './database.ts'
import { SQLITE } from './dialect.ts'
import { sqlStore } from './store.ts'

/** The newest migration in `migrations/`, by number. */
export const SCHEMA_VERSION = 3

/** The store on Cloudflare D1. */
export function d1Store(db: D1Database): Store {
  return sqlStore(d1Database(db), () => readiness(db))
}

/** A batch is one transaction, and D1 runs one at a time. */
function d1Database(db: D1Database): SqlDatabase {
  const batch = async <Row>(statements: readonly Statement[]): Promise<SqlResult<Row>[]> => {
    const results = await db.batch<Row>(statements.map(({ sql, params }) => db.prepare(sql).bind(...params)))
    return results.map(({ results: rows, meta }) => ({ rows, changes: meta.changes }))
  }
  return { dialect: SQLITE, read: batch, write: batch, failureOf }
}

/** What D1 says when it has refused a query before running it: trying again is safe. */
const NOT_EXECUTED = /D1 DB is overloaded|database is locked|SQLITE_BUSY/i

/** What SQLite and D1 say when there is no room for what is written: the batch was undone. */
const FULL = /SQLITE_FULL|database or disk is full|exceeded (D1's )?maximum (DB size|account storage limit)/i

/** What D1 says when the query itself is wrong, or breaks a constraint: trying again is pointless. */
const REFUSED = /SQLITE_(CONSTRAINT|ERROR|MISMATCH|TOOBIG|RANGE)|D1_TYPE_ERROR/

function failureOf(error: unknown): SqlFailure {
  const text = errorText(error)
  const [, table] = /UNIQUE constraint failed: (\w+)\./.exec(text) ?? []
  if (table !== undefined) return { kind: 'taken', table }
  if (text.includes('guard:')) return { kind: 'guard', message: text }
  if (NOT_EXECUTED.test(text)) return { kind: 'again' }
  if (FULL.test(text)) return { kind: 'unavailable', reason: 'The catalog database has no space left' }
  return { kind: REFUSED.test(text) ? 'refused' : 'unknown' }
}

/** The messages of an error and all its causes: D1's wraps SQLite's. */
function errorText(error: unknown): string {
  return [...causesOf(error)].map(({ message }) => message).join('\n')
}

async function readiness(db: D1Database): Promise<Readiness> {
  const migrate = 'run the migrations (wrangler d1 migrations apply)'
  try {
    const version = await db.prepare('SELECT max(version) AS version FROM schema_version').first<number>('version')
    return readinessOf(version ?? 0, SCHEMA_VERSION, migrate)
  } catch (error) {
    const reason = /no such table/.test(errorText(error))
      ? `The database has no schema yet; ${migrate}`
      : 'The catalog database does not answer'
    return { ready: false, reason }
  }
}
