import type { DatabaseError } from 'pg'
import { causesOf } from '#domain/errors'
import type { SqlFailure } from '#store/sql/database'

/** An error that a server sent, as every driver hands it on. */
type ServerError = Pick<DatabaseError, 'message' | 'severity' | 'table'> & { readonly code: string }

/** What the trigger of `guard` raises; the words after it are ours, whatever language the server speaks. */
const GUARD = 'PG409'

/**
 * The transaction was undone, and is worth making again: a lock that was not had in time, a race, a deadlock, and a
 * prepared statement that is another one's (or nobody's) because a pooler mixed up connections.
 */
const AGAIN = new Set(['55P03', '40001', '40P01', '25P02', '42P05', '26000'])

const CREDENTIALS = 'The catalog database does not accept the user or the password it was given'
const NO_WRITES = 'The catalog database takes no writes: it is a replica, or read-only'
const SCHEMA = 'The catalog database lacks the schema that this version needs; run the migrations (npm run db:migrate)'
const SSL_MODE =
  'The connection string of the catalog database has an unknown sslmode: give disable, verify-full (or require, which is the same) or no-verify'
const CONNECTION_STRING =
  'The connection string of the catalog database is none; odd characters in it must be percent-encoded'
const NO_CONNECTION = 'The catalog database has no connection to spare'

/** Nothing was done, and it takes somebody to do something about it, or time. By SQLSTATE, or its class. */
const UNAVAILABLE: Readonly<Record<string, string>> = {
  '53300': NO_CONNECTION,
  '53100': 'The catalog database has no disk space left',
  '53': 'The catalog database is out of resources',
  '58030': 'The catalog database cannot read or write its files',
  '25006': NO_WRITES,
  // To begin a transaction that writes is a feature that a replica doesn't have.
  '0A000': NO_WRITES,
  '57P03': 'The catalog database is starting up or shutting down',
  '28000': 'The catalog database does not let this user in from here, or not without TLS (sslmode=require)',
  '28': CREDENTIALS,
  '3D000': 'The database of the connection string does not exist',
  '42501': 'The catalog database does not let this user read or write its tables',
  '3F000': SCHEMA,
  '42P01': SCHEMA,
  '42703': SCHEMA,
  '42883': SCHEMA,
  '42P10': SCHEMA,
  '23502': SCHEMA,
}

/** A text with U+0000 in it, or with an escape for it or for half of a surrogate pair. */
const NO_TEXT = new Set(['22021', '22P05', '22P02'])

/** What a server says only to who wants to connect: too many, not now, who are you, no such database. */
const CONNECTING = /^(53300|57P03|28...|3D000)$/

/**
 * The connection failed, or was ended from outside; a proxy says that it has failed itself; or a statement was cancelled,
 * which may have been the commit, when it was already done.
 */
const UNSURE = /^(08...|40003|57014|57P0.|58000)$/

/**
 * What Hyperdrive and Neon say, before a server was asked, in words only (Hyperdrive, "Troubleshoot and debug"; Neon's
 * proxy, which looks at the password itself).
 */
const BEFORE_THE_SERVER: readonly (readonly [words: RegExp, reason: string])[] = [
  [/^password authentication failed/, CREDENTIALS],
  [/failed to acquire a connection from the pool|server connection attempt failed/i, NO_CONNECTION],
]

/** What clients say of the connection string, of TLS, and of their own pool, before there is a connection. */
const CONNECTING_BY_WORDS: readonly (readonly [words: RegExp, reason: string])[] = [
  [/^(Invalid URL|URI malformed)/, CONNECTION_STRING],
  [/^timeout exceeded when trying to connect$/, NO_CONNECTION],
  [/^Unknown sslmode$/, SSL_MODE],
  [/certificate/i, 'The certificate of the catalog database is not trusted here, or is not for its host'],
  [/\b(SSL|TLS)\b/, 'The catalog database and its connection string do not agree on TLS; see sslmode'],
]

/** With a digit in it, which no code of Node's has (`EPIPE`). */
const SQLSTATE = /^(?=.*\d)[0-9A-Z]{5}$/

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
  if (error instanceof NotConnected) return { kind: 'unavailable', reason: unreachable(error, sent?.code) }
  const early = !sent || UNSURE.test(sent.code) ? said(error, BEFORE_THE_SERVER) : undefined
  if (early !== undefined) return { kind: 'unavailable', reason: early }
  if (!sent) return { kind: 'unknown' }
  if (CONNECTING.test(sent.code)) return { kind: 'unavailable', reason: unreachable(error, sent.code) }
  // With a fatal error the server ends the connection, maybe after it has committed.
  if (sent.severity === 'FATAL' || sent.severity === 'PANIC') return { kind: 'unknown' }
  if (sent.code === GUARD) return { kind: 'guard', message: sent.message }
  if (sent.code === '23505') return { kind: 'taken', table: sent.table ?? '' }
  if (AGAIN.has(sent.code)) return { kind: 'again' }
  if (NO_TEXT.has(sent.code)) return { kind: 'no-text' }
  // A server that speaks another language may call a panic something else, and then may have committed.
  if (/^5(3|8030)/.test(sent.code) && sent.severity !== 'ERROR') return { kind: 'unknown' }
  const reason = reasonOf(sent.code)
  if (reason !== undefined) return { kind: 'unavailable', reason }
  return { kind: UNSURE.test(sent.code) ? 'unknown' : 'refused' }
}

export const UNDEFINED_TABLE = '42P01'

/** The SQLSTATE of an error, or of what caused it. */
export function sqlState(error: unknown): string | undefined {
  return serverError(error)?.code
}

function unreachable(error: unknown, code: string | undefined): string {
  return reasonOf(code ?? '') ?? said(error, CONNECTING_BY_WORDS) ?? 'The catalog database cannot be reached'
}

function reasonOf(code: string): string | undefined {
  return UNAVAILABLE[code] ?? UNAVAILABLE[code.slice(0, 2)]
}

/** What an error, or one that caused it, is known to mean by its words. */
function said(error: unknown, known: readonly (readonly [RegExp, string])[]): string | undefined {
  const messages = Array.from(causesOf(error), ({ message }) => message)
  return known.find(([words]) => messages.some((message) => words.test(message)))?.[1]
}

function serverError(error: unknown): ServerError | undefined {
  for (const at of causesOf(error))
    if ('code' in at && typeof at.code === 'string' && SQLSTATE.test(at.code)) return at as Error & ServerError
  return undefined
}
