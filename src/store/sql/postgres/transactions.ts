import type { Statement } from '#store/sql/database'
import { STORE_LOCK_MS_MAX } from '#src/limits'

/** All of a read sees one state. */
export const BEGIN_READ = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY'

/**
 * Each statement sees what was committed before it began: once the head's lock is had, what comes after it sees all of
 * the commits before. A stricter level would keep the state from before the lock.
 */
export const BEGIN_WRITE = 'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE'

/** First in every write: whoever waits longer for a lock gives up, and nothing was done. */
export const LOCK_TIMEOUT: Statement = { sql: `SET LOCAL lock_timeout = '${STORE_LOCK_MS_MAX}ms'`, params: [] }
