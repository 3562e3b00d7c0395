import { CatalogError } from '#domain/errors'
import type { TableIdentifier } from '#domain/ident'
import type { R2Storage } from '#domain/records'
import { TRANSACTION_METADATA_CHARS_MAX, TRANSACTION_PARALLEL_BYTES_MAX } from '#src/limits'
import { OPEN_SEQ, type Entry } from '#versions/model'
import type { CatalogDeps } from './deps.ts'
import { readLatest, type RowMetadata } from './row-metadata.ts'

/**
 * Reads what the tables of one transaction are based on. Small files are read side by side; a larger one is left there
 * until it can be read alone, because nobody knows beforehand how much all of them are.
 * @returns a function that throws `too-large` as soon as all that it has read is too much, else as `readLatest`
 */
export function baseReader(
  deps: Pick<CatalogDeps, 'tenant' | 'objects' | 'metadataCache'>,
  { branchId, storage }: { readonly branchId: string; readonly storage: R2Storage },
): (identifier: TableIdentifier, seen: Entry) => Promise<RowMetadata> {
  const hold = charsHeld()
  const at = { branchId, seq: OPEN_SEQ }
  let lastLarge: Promise<unknown> = Promise.resolve()
  return async (identifier, seen) => {
    const read = async (bytesMax?: number): Promise<RowMetadata> => {
      hold('')
      const base = await readLatest(deps, { at, storage, identifier }, seen, bytesMax)
      hold(base.text)
      return base
    }
    try {
      return await read(TRANSACTION_PARALLEL_BYTES_MAX)
    } catch (error) {
      if (!isTooLarge(error)) throw error
      const alone = lastLarge.then(() => read())
      lastLarge = alone.catch(() => undefined)
      return alone
    }
  }
}

function isTooLarge(error: unknown): boolean {
  return error instanceof CatalogError && error.kind === 'too-large'
}

/** Counts texts. @returns a function that throws `too-large` from the one on that is too much for a transaction */
export function charsHeld(): (text: string) => void {
  let held = 0
  return (text) => {
    held += text.length
    if (held > TRANSACTION_METADATA_CHARS_MAX)
      throw new CatalogError(
        'too-large',
        `Transaction too large: expected at most ${TRANSACTION_METADATA_CHARS_MAX} characters of table metadata; commit fewer tables at a time`,
      )
  }
}
