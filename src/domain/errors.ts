/**
 * Why a request ended without what it asked for. Each kind maps to one HTTP status and one Iceberg error
 * `type` in `http/errors.ts`; a new kind does not compile until it has its line there.
 */
export type ErrorKind =
  | 'bad-request'
  | 'illegal-argument'
  | 'unauthenticated'
  | 'forbidden'
  | 'no-such-route'
  | 'method-not-allowed'
  | 'no-such-warehouse'
  | 'no-such-namespace'
  | 'no-such-table'
  | 'no-such-view'
  | 'file-not-found'
  | 'already-exists'
  | 'namespace-not-empty'
  | 'commit-failed'
  | 'unprocessable'
  | 'too-large'
  | 'too-many-requests'
  | 'unavailable'
  | 'commit-state-unknown'
  /** The request's idempotency key stands for an answer already, which is the one to give. It reaches no client. */
  | 'replayed'
  | 'internal'

/**
 * Thrown when the request is over. The message reaches the caller: it says what was expected, what was found and
 * what to do, and never holds a secret or the name of anything the caller may not see. `cause` is for the log only.
 */
export class CatalogError extends Error {
  override readonly name = 'CatalogError'
  readonly kind: ErrorKind

  constructor(kind: ErrorKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.kind = kind
  }
}

export function badRequest(message: string): CatalogError {
  return new CatalogError('bad-request', message)
}

/** An error, what caused it, what caused that, and so on. */
export function* causesOf(error: unknown): Generator<Error> {
  for (let at = error; at instanceof Error; at = at.cause) yield at
}
