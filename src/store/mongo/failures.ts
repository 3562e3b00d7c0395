import { CatalogError, causesOf } from '#domain/errors'
import { VerbFailure, type FailureKind } from './verbs.ts'

/**
 * Ends a request whose step failed: `unavailable` where trying later may help, otherwise the error as it is (a mistake
 * of ours, or the request's own end). @throws always
 */
export function failure(error: unknown): never {
  if (!(error instanceof VerbFailure) || error.kind === 'mistake') throw error
  if (error.kind === 'unavailable') throw new CatalogError('unavailable', error.message, error)
  throw new CatalogError('unavailable', 'The catalog database did not answer; try again', error)
}

export const UNREACHABLE = 'The catalog database cannot be reached'
export const REFUSES_CREDENTIALS =
  'The catalog database refuses the credentials; give it others, or grant them readWrite'
const NOT_PRIMARY = 'The catalog database takes no writes: it is not the primary; connect to the whole replica set'
const FULL = 'The disk of the catalog database is full; give it more space'
const ATLAS = 'Atlas refuses this: see that the credentials are right and the cluster is not over a quota'
const BUSY = 'The catalog database has too much to do'
const WRONG = 'The catalog database does not know a command of this version, or refuses a document'

interface Known {
  readonly names: readonly string[]
  readonly kind: FailureKind
  readonly message: string
}

/** What servers say of why they did not do something, by code and by name: gateways pass on one or the other. */
const KNOWN: Readonly<Record<number, Known>> = {
  11000: { names: ['E11000', 'DuplicateKey'], kind: 'duplicate', message: 'The document is there already' },
  13: { names: ['Unauthorized'], kind: 'unavailable', message: REFUSES_CREDENTIALS },
  18: { names: ['AuthenticationFailed'], kind: 'unavailable', message: REFUSES_CREDENTIALS },
  8000: { names: ['AtlasError'], kind: 'unavailable', message: ATLAS },
  14031: { names: ['OutOfDiskSpace'], kind: 'unavailable', message: FULL },
  10107: { names: ['NotWritablePrimary'], kind: 'unavailable', message: NOT_PRIMARY },
  13435: { names: ['NotPrimaryNoSecondaryOk'], kind: 'unavailable', message: NOT_PRIMARY },
  13436: { names: ['NotPrimaryOrSecondary'], kind: 'unavailable', message: NOT_PRIMARY },
  24: { names: ['LockTimeout'], kind: 'not-done', message: BUSY },
  112: { names: ['WriteConflict'], kind: 'not-done', message: BUSY },
  16500: { names: ['TooManyRequests'], kind: 'not-done', message: BUSY },
  2: { names: ['BadValue'], kind: 'mistake', message: WRONG },
  9: { names: ['FailedToParse'], kind: 'mistake', message: WRONG },
  14: { names: ['TypeMismatch'], kind: 'mistake', message: WRONG },
  59: { names: ['CommandNotFound'], kind: 'mistake', message: WRONG },
  238: { names: ['NotImplemented'], kind: 'mistake', message: WRONG },
  10334: { names: ['BSONObjectTooLarge'], kind: 'mistake', message: WRONG },
}

/** A server's refusal by its code; any other leaves open whether the verb was done. */
export function failureOfCode(code: unknown, cause: unknown): VerbFailure {
  const known = typeof code === 'number' ? KNOWN[code] : undefined
  if (known) return new VerbFailure(known.kind, known.message, cause)
  return new VerbFailure('unknown', 'The catalog database failed to answer', cause)
}

/**
 * What a gateway says of a write is the end of its last attempt, maybe after one whose answer it lost. So it is not sure
 * where the next primary would say the same.
 */
export function unlessTriedAgain(refusal: VerbFailure): VerbFailure {
  return refusal.message === NOT_PRIMARY ? new VerbFailure('unknown', NOT_PRIMARY, refusal.cause) : refusal
}

/** What clients say of TLS, before there is a connection; or of one that was closed before it was one. */
const BY_WORDS: readonly (readonly [words: RegExp, message: string])[] = [
  [/certificate/i, 'The certificate of the catalog database is not trusted here, or is not for its host'],
  [/\b(SSL|TLS)\b|wrong version number/, 'The catalog database and its address do not agree on TLS; see tls'],
  [/^connection .* closed$/, 'The catalog database closes connections at once; it may demand TLS (tls=true)'],
]

/** Why a server was not reached: by its own code, if it has one, or by what the client and the system say. */
export function neverSent(error: unknown): VerbFailure {
  const causes = [...causesOf(error)]
  const codes = causes.flatMap((at) => ('code' in at && typeof at.code === 'number' ? at.code : []))
  const [known] = codes.flatMap((code) => KNOWN[code] ?? [])
  const [, said] = BY_WORDS.find(([words]) => causes.some(({ message }) => words.test(message))) ?? []
  return new VerbFailure('unavailable', known?.message ?? said ?? UNREACHABLE, error)
}

/**
 * The code that a text of a server or a gateway is about, if it is a known one. A text may quote what was sent, in which
 * names stand that somebody chose: so a name of an error counts only where errors are named, `(Unauthorized)` where an
 * error's text begins, or `"codeName":"Unauthorized"`; nor where it is the write's concern that was not met, for then the
 * write was done.
 */
export function codeInText(text: string): number | undefined {
  if (/E11000 duplicate key/.test(text)) return 11000
  if (text.includes('writeConcernError')) return undefined
  const name = /(?:^|"error"\s*:\s*")\((\w+)\)/.exec(text)?.[1] ?? /"codeName"\s*:\s*"(\w+)"/.exec(text)?.[1]
  const found = Object.entries(KNOWN).find(([, { names }]) => name !== undefined && names.includes(name))
  return found && Number(found[0])
}
