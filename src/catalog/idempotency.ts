import { CatalogError } from '#domain/errors'
import { writeJson, type Json } from '#iceberg/json'
import { IDEMPOTENCY_ANSWER_BYTES_MAX } from '#src/limits'
import type { EntryValue, FinalAnswer, IdempotencyRecord } from '#versions/model'
import type { Actor, CatalogDeps } from './deps.ts'

/** No body. */
export const NO_CONTENT: FinalAnswer = { kind: 'none' }

/** A small body, kept as it is. */
export function jsonAnswer(body: Json): FinalAnswer {
  return { kind: 'json', text: writeJson(body) }
}

/** The metadata that a row points at. */
export function metadataAnswer(
  row: Pick<EntryValue, 'kind' | 'objectId' | 'metadataLocation' | 'summary'>,
): FinalAnswer {
  return {
    kind: row.kind === 'view' ? 'view' : 'table',
    objectId: row.objectId,
    metadataLocation: row.metadataLocation ?? '',
    metadataSha256: row.summary.metadataSha256 ?? null,
  }
}

/**
 * The answer, if it is short enough to be kept. Nearly all are; whoever sends a list that comes back to him decides.
 * @throws CatalogError `too-large`, which has to be before anything is changed
 */
export function checkAnswer(answer: FinalAnswer): FinalAnswer {
  // As it is stored: a text within JSON has two characters for a quotation mark.
  const bytes = new TextEncoder().encode(JSON.stringify(answer)).length
  if (bytes <= IDEMPOTENCY_ANSWER_BYTES_MAX) return answer
  throw new CatalogError(
    'too-large',
    `The answer is too large to be kept under an Idempotency-Key: expected at most ${IDEMPOTENCY_ANSWER_BYTES_MAX} bytes, found ${bytes}; ask for less at a time, or send no key`,
  )
}

/**
 * Records the answer of a request that found nothing to change, so that it will not find something later. Without a key
 * there is nothing to record.
 * @throws CatalogError `replayed` if the key stands for another answer, `too-large`, `unavailable`: nothing was changed
 */
export async function finishUnchanged(
  deps: Pick<CatalogDeps, 'tenant' | 'now'>,
  { idempotency }: Pick<Actor, 'idempotency'>,
  answer: FinalAnswer,
): Promise<void> {
  if (!idempotency) return
  const stands = await finish(deps.tenant, {
    ...idempotency,
    answer: checkAnswer(answer),
    at: deps.now().toISOString(),
  })
  if (stands) throw replayed()
}

/** Records a final answer; returns what the key stands for instead, if it does. @throws CatalogError `unavailable` */
export async function finish(
  tenant: CatalogDeps['tenant'],
  record: IdempotencyRecord,
): Promise<IdempotencyRecord | null> {
  try {
    return await tenant.idempotency.finish(record)
  } catch (cause) {
    throw new CatalogError(
      'unavailable',
      'The catalog database did not take the answer to this Idempotency-Key; send the same request again',
      cause,
    )
  }
}

/** Ends this attempt at a request: another one was answered under its key. */
export function replayed(): CatalogError {
  return new CatalogError('replayed', 'The same request is being answered elsewhere; send it again')
}
