import { CatalogError, type ErrorKind } from '#domain/errors'

/** HTTP status and Iceberg error `type` of each kind (REST specification, ErrorModel; types as Java's clients know them). */
const WIRE: Readonly<Record<ErrorKind, readonly [status: number, type: string]>> = {
  'bad-request': [400, 'BadRequestException'],
  'illegal-argument': [400, 'IllegalArgumentException'],
  unauthenticated: [401, 'NotAuthorizedException'],
  forbidden: [403, 'ForbiddenException'],
  'no-such-route': [404, 'NoSuchRouteException'],
  'no-such-warehouse': [404, 'NoSuchWarehouseException'],
  'no-such-namespace': [404, 'NoSuchNamespaceException'],
  'no-such-table': [404, 'NoSuchTableException'],
  'no-such-view': [404, 'NoSuchViewException'],
  'file-not-found': [404, 'NotFoundException'],
  'method-not-allowed': [405, 'MethodNotAllowedException'],
  'already-exists': [409, 'AlreadyExistsException'],
  'namespace-not-empty': [409, 'NamespaceNotEmptyException'],
  'commit-failed': [409, 'CommitFailedException'],
  'too-large': [413, 'RequestTooLargeException'],
  unprocessable: [422, 'UnprocessableEntityException'],
  'too-many-requests': [429, 'TooManyRequestsException'],
  internal: [500, 'InternalServerError'],
  'commit-state-unknown': [500, 'CommitStateUnknownException'],
  unavailable: [503, 'ServiceUnavailableException'],
  replayed: [503, 'ServiceUnavailableException'],
}

/** Seconds a client should wait; Java retries a 503 only if it is told so. */
const RETRY_AFTER_SECONDS: Partial<Record<ErrorKind, number>> = { 'too-many-requests': 1, unavailable: 1, replayed: 1 }

/**
 * Whether a refusal says of this request, for good, that it changed nothing. Who the caller is, and how busy it is, may
 * be different the next time.
 */
export function isFinalRefusal(kind: ErrorKind): boolean {
  const [status] = WIRE[kind]
  return status < 500 && status !== 401 && status !== 429
}

/**
 * The Iceberg error envelope `{"error":{"message","type","code"}}`. Anything but a `CatalogError` is a defect of ours:
 * the caller learns only the request id under which the log has the rest.
 */
export function errorResponse(error: unknown, requestId: string, withBody: boolean): Response {
  const known = asCatalogError(error, requestId)
  const [status, type] = WIRE[known.kind]
  const headers = new Headers({ 'Content-Type': 'application/json' })
  const retryAfter = RETRY_AFTER_SECONDS[known.kind]
  if (retryAfter !== undefined) headers.set('Retry-After', String(retryAfter))
  if (known.kind === 'unauthenticated') headers.set('WWW-Authenticate', 'Bearer')
  const body = JSON.stringify({ error: { message: known.message, type, code: status } })
  return new Response(withBody ? body : null, { status, headers })
}

function asCatalogError(error: unknown, requestId: string): CatalogError {
  if (error instanceof CatalogError) return error
  return new CatalogError('internal', `Internal error; the log has it under request id ${requestId}`)
}
