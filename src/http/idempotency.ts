import { finish } from '#catalog/idempotency'
import { badRequest, CatalogError } from '#domain/errors'
import { toHex } from '#domain/hex'
import { IDEMPOTENCY_CREDENTIAL_SECONDS, IDEMPOTENCY_KEPT_SECONDS, IDEMPOTENCY_MESSAGE_CHARS_MAX } from '#src/limits'
import type { TenantStore } from '#store/store'
import type { FinalAnswer, IdempotencyKey, IdempotencyRecord, MetadataAnswer } from '#versions/model'
import { isFinalRefusal } from './errors.ts'
import { jsonText, noContent } from './respond.ts'

/** The specification asks for version 7; DuckDB sends 4. Two headers arrive as one value, which is no UUID. */
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/**
 * The `Idempotency-Key` of a request (REST specification; draft-ietf-httpapi-idempotency-key-header), bound to who sent it
 * and to what it says. Null if there is none.
 * @param sent what must be the same whenever the request is sent again
 * @throws CatalogError `bad-request`
 */
export async function idempotencyKeyOf(
  headers: Headers,
  userId: string,
  sent: { readonly method: string; readonly url: string; readonly bodyText: string },
): Promise<IdempotencyKey | null> {
  const value = headers.get('idempotency-key')
  if (value === null) return null
  if (!UUID.test(value))
    throw badRequest(
      `Invalid Idempotency-Key: expected one UUID of 36 characters, found ${JSON.stringify(value.slice(0, 80))}`,
    )
  const text = JSON.stringify([sent.method, pathAndQuery(sent.url), sent.bodyText])
  const fingerprint = toHex(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
  return { key: `${userId}/${value.toLowerCase()}`, fingerprint }
}

/** What doing a request takes, and what telling its answer again does. */
export interface Attempt {
  readonly tenant: TenantStore
  readonly key: IdempotencyKey
  /** What the key stood for when everything else was read. */
  readonly found: IdempotencyRecord | null
  /** False: no attempt at it gets as far as a change, so a refusal needs no record to be final. */
  readonly canLand: boolean
  /** Whether one more refusal may be recorded for the caller. */
  mayRecord(): boolean
  readonly now: () => Date
  run(): Promise<Response>
  /**
   * Answers with metadata that another attempt left.
   * @param isNew whether it did so after everything else was read
   * @param isYoung whether its credential may be told again as it was
   */
  repeat(answer: MetadataAnswer, isNew: boolean, isYoung: boolean): Promise<Response>
  log(fields: Readonly<Record<string, unknown>>): void
}

/**
 * Does a request once: if its key stands for an answer, that is the answer. A refusal is told only after it was recorded
 * as one, after which no other attempt can land; clients delete what they have written when they are refused. (What can't
 * even be parsed is refused before: no attempt at it ever gets further.)
 * @throws CatalogError `unprocessable` for another request under the same key, and for a key that is too old; `unavailable`,
 *   `too-many-requests` if a refusal can't be recorded
 */
export async function once(attempt: Attempt): Promise<Response> {
  if (attempt.found) return tellAgain(attempt, attempt.found, false)
  try {
    return await attempt.run()
  } catch (error) {
    const stands = error instanceof CatalogError ? await insteadOf(error, attempt) : null
    if (!stands) throw error
    return tellAgain(attempt, stands, true)
  }
}

/** What the key stands for when this attempt fails, or null if its own failure is the answer. */
async function insteadOf(error: CatalogError, attempt: Attempt): Promise<IdempotencyRecord | null> {
  const { tenant, key, now } = attempt
  if (error.kind === 'replayed') return (await tenant.read({ idempotencyKey: key.key })).idempotency ?? null
  if (!attempt.canLand || !isFinalRefusal(error.kind)) return null
  if (!attempt.mayRecord())
    throw new CatalogError(
      'too-many-requests',
      'Too many requests with an Idempotency-Key were refused; wait, then retry',
    )
  const message = storable(error.message.slice(0, IDEMPOTENCY_MESSAGE_CHARS_MAX))
  const answer: FinalAnswer = { kind: 'error', error: error.kind, message }
  return finish(tenant, { ...key, answer, at: now().toISOString() })
}

/** What was quoted, or cut, need not be text that every store can keep. */
function storable(message: string): string {
  return message.toWellFormed().replaceAll('\u0000', '\ufffd')
}

async function tellAgain(
  attempt: Attempt,
  { fingerprint, answer, at }: IdempotencyRecord,
  isNew: boolean,
): Promise<Response> {
  const ageSeconds = (attempt.now().getTime() - Date.parse(at)) / 1000
  if (ageSeconds > IDEMPOTENCY_KEPT_SECONDS)
    throw new CatalogError(
      'unprocessable',
      `Invalid Idempotency-Key: it is too old, its request was answered more than ${IDEMPOTENCY_KEPT_SECONDS / 60} minutes ago; look whether it was done, and send it with a new key if it is to be done again`,
    )
  if (fingerprint !== attempt.key.fingerprint)
    throw new CatalogError(
      'unprocessable',
      'Invalid Idempotency-Key: it was used for another request; send this one with a new key',
    )
  attempt.log({ replayed: true })
  switch (answer.kind) {
    case 'none':
      return noContent()
    case 'json':
      return jsonText(answer.text)
    case 'error':
      throw new CatalogError(answer.error, answer.message)
    case 'table':
    case 'view':
      return attempt.repeat(answer, isNew, ageSeconds <= IDEMPOTENCY_CREDENTIAL_SECONDS).catch(doneBefore)
    default:
      return answer satisfies never
  }
}

/** What was done is never called refused, whatever has become of it. @throws CatalogError always */
function doneBefore(cause: unknown): never {
  if (cause instanceof CatalogError && !isFinalRefusal(cause.kind)) throw cause
  throw new CatalogError(
    'commit-state-unknown',
    'The request was done when it was sent before, but its answer can no longer be told; load what it was about',
    cause,
  )
}

function pathAndQuery(url: string): string {
  return url.slice(url.indexOf('/', url.indexOf('://') + 3))
}
