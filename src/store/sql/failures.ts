import { CatalogError } from '#domain/errors'

/** What D1 says when it has refused a query before running it: trying again is safe. */
const NOT_EXECUTED = /D1 DB is overloaded|database is locked|SQLITE_BUSY/i

/** What D1 says when the query itself is wrong, or breaks a constraint: trying again is pointless. */
const REFUSED = /SQLITE_(CONSTRAINT|ERROR|MISMATCH|TOOBIG|RANGE)|D1_TYPE_ERROR/

/** The messages of an error and all its causes: drizzle wraps D1's, which wraps SQLite's. */
export function errorText(error: unknown): string {
  const texts: string[] = []
  for (let at = error; at instanceof Error; at = at.cause) texts.push(at.message)
  return texts.join('\n')
}

export function wasNotExecuted(error: unknown): boolean {
  return NOT_EXECUTED.test(errorText(error))
}

export function isUniqueViolation(error: unknown): boolean {
  return errorText(error).includes('UNIQUE constraint failed')
}

/**
 * Ends a request whose query failed: `unavailable` where trying later may help, otherwise the error as it is (a mistake
 * of ours). @throws always
 */
export function failure(error: unknown): never {
  if (REFUSED.test(errorText(error))) throw error
  throw new CatalogError('unavailable', 'The catalog database did not answer; try again', error)
}
