import { CatalogError } from '#domain/errors'

/**
 * OAuth's error codes that the token endpoint uses, with their HTTP status (RFC 6749 §5.2). The last two, which OAuth has
 * for its other endpoint only, say that the fault is not the client's.
 */
const STATUS = {
  invalid_request: 400,
  unsupported_grant_type: 400,
  invalid_client: 401,
  server_error: 500,
  temporarily_unavailable: 503,
} as const

/** Nobody keeps an answer that holds a token, or that says there is none (RFC 6749 §5.1). */
export const NEVER_STORED = { 'Cache-Control': 'no-store', Pragma: 'no-cache' } as const

const CHALLENGE = 'Basic realm="catalog", charset="UTF-8"'

const RETRY_AFTER_SECONDS = 1

/** Thrown when a request for a token is over; the message reaches the client as `error_description`. */
export class OAuthError extends Error {
  override readonly name = 'OAuthError'
  readonly code: keyof typeof STATUS

  constructor(code: keyof typeof STATUS, message: string) {
    super(message)
    this.code = code
  }
}

/** `{"error","error_description"}`, which OAuth clients understand; of a defect of ours they learn only the request id. */
export function oauthErrorResponse(error: unknown, requestId: string): Response {
  const { code, message } = asOAuthError(error, requestId)
  const headers = new Headers({ 'Content-Type': 'application/json', ...NEVER_STORED })
  if (code === 'invalid_client') headers.set('WWW-Authenticate', CHALLENGE)
  if (code === 'temporarily_unavailable') headers.set('Retry-After', String(RETRY_AFTER_SECONDS))
  const body = JSON.stringify({ error: code, error_description: message })
  return new Response(body, { status: STATUS[code], headers })
}

function asOAuthError(error: unknown, requestId: string): OAuthError {
  if (error instanceof OAuthError) return error
  const kind = error instanceof CatalogError ? error.kind : 'internal'
  const message = error instanceof CatalogError ? error.message : ''
  if (kind === 'bad-request' || kind === 'too-large') return new OAuthError('invalid_request', message)
  if (kind === 'unavailable' || kind === 'too-many-requests') return new OAuthError('temporarily_unavailable', message)
  return new OAuthError('server_error', `Internal error; the log has it under request id ${requestId}`)
}
