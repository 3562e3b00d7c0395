import type { SqlFailure } from '#store/sql/database'

/** An error that a server sent, as every driver hands it on. */
interface ServerError {
  readonly code: string
  readonly severity?: string
  readonly message: string
  readonly table?: string
}

/** What the trigger of `guard` raises; the words after it are ours, whatever language the server speaks. */
const GUARD = 'PG409'

/** The statement was not made, and is worth making again: a lock that was not had in time, a race, a deadlock. */
const AGAIN = new Set(['55P03', '40001', '40P01'])

/** Nothing was done, and it takes somebody to do something about it, or time. By SQLSTATE, or its class. */
const UNAVAILABLE: Readonly<Record<string, string>> = {
  '53300': 'The catalog database has no connection to spare',
  '53100': 'The catalog database has no disk space left',
  '53': 'The catalog database is out of resources',
  '25006': 'The catalog database takes no writes: it is a replica, or read-only',
  '57P03': 'The catalog database is starting up or shutting down',
  '28': 'The catalog database does not accept the user or the password it was given',
  '3D000': 'The database of the connection string does not exist',
  '42501': 'The catalog database does not let this user read or write its tables',
}

/** A text with U+0000 in it, or with an escape for it or for half of a surrogate pair. */
const NO_TEXT = new Set(['22021', '22P05', '22P02'])

/** What a server says only to who wants to connect: too many, not now, who are you, no such database. */
const CONNECTING = /^(53300|57P03|28...|3D000)$/

/** The connection failed, or was ended from outside. */
const UNSURE = /^(08...|40003|57P0.)$/

/** Raised before a connection was there to send anything on. */
export class NotConnected extends Error {
  override readonly name = 'NotConnected'
}

/** The connection was lost before anything of the transaction was sent on it. */
export class NotSent extends Error {
  override readonly name = 'NotSent'
}

/** What an error means for the transaction it ended. Only what the server says of it is sure. */
export function failureOf(error: unknown): SqlFailure {
  if (error instanceof NotSent) return { kind: 'again' }
  const sent = serverError(error)
  if (error instanceof NotConnected) return { kind: 'unavailable', ...unreachable(sent?.code) }
  if (!sent) return { kind: 'unknown' }
  if (CONNECTING.test(sent.code)) return { kind: 'unavailable', ...unreachable(sent.code) }
  // With a fatal error the server ends the connection, maybe after it has committed.
  if (sent.severity === 'FATAL' || sent.severity === 'PANIC') return { kind: 'unknown' }
  if (sent.code === GUARD) return { kind: 'guard', message: sent.message }
  if (sent.code === '23505') return { kind: 'taken', table: sent.table ?? '' }
  if (AGAIN.has(sent.code)) return { kind: 'again' }
  if (NO_TEXT.has(sent.code)) return { kind: 'no-text' }
  const reason = reasonOf(sent.code)
  if (reason !== undefined) return { kind: 'unavailable', reason }
  return { kind: UNSURE.test(sent.code) ? 'unknown' : 'refused' }
}

/** The SQLSTATE of an error, or of what caused it. */
export function sqlState(error: unknown): string | undefined {
  return serverError(error)?.code
}

function unreachable(code = ''): { reason: string } {
  return { reason: reasonOf(code) ?? 'The catalog database cannot be reached' }
}

function reasonOf(code: string): string | undefined {
  return UNAVAILABLE[code] ?? UNAVAILABLE[code.slice(0, 2)]
}

function serverError(error: unknown): ServerError | undefined {
  for (let at = error; at instanceof Error; at = at.cause)
    if ('code' in at && typeof at.code === 'string' && /^[0-9A-Z]{5}$/.test(at.code)) return at as Error & ServerError
  return undefined
}
