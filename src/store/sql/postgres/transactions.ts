import type { SqlDatabase, SqlResult, Statement } from '#store/sql/database'
import { POSTGRES } from '#store/sql/dialect'
import { STORE_LOCK_MS_MAX } from '#src/limits'
import { failureOf } from './failures.ts'

/** How transactions begin. */
export const BEGIN = {
  /** All of a read sees one state. */
  read: 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY',
  /**
   * Each statement sees what was committed before it began: once the head's lock is had, what comes after it sees all of
   * the commits before. A stricter level would keep the state from before the lock.
   */
  write: 'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE',
} as const

/** First in every write: whoever waits longer for a lock gives up, and nothing was done. */
const LOCK_TIMEOUT: Statement = { sql: `SET LOCAL lock_timeout = '${STORE_LOCK_MS_MAX}ms'`, params: [] }

/** A database in which `run` makes a transaction, in one round trip, begun in the sense of {@link BEGIN}. */
export function postgresDatabase(
  run: <Row>(begin: keyof typeof BEGIN, statements: readonly Statement[]) => Promise<readonly SqlResult<Row>[]>,
): SqlDatabase {
  return {
    dialect: POSTGRES,
    read: (statements) => run('read', statements),
    write: async <Row>(statements: readonly Statement[]) => {
      const [, ...results] = await run<Row>('write', [LOCK_TIMEOUT, ...statements])
      return results
    },
    failureOf,
  }
}
