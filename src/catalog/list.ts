import { LIST_BATCH_ROWS } from '#src/limits'
import type { PageQuery, ReadResult } from '#store/store'
import type { Entry } from '#versions/model'
import type { CatalogDeps, Place } from './deps.ts'

/**
 * A listing as asked for. `limit` null: everything. `visible` says what the caller may see and is applied before the page is
 * cut; null: all of it.
 */
export interface Listing {
  readonly place: Place
  readonly page: Omit<PageQuery, 'limit' | 'after'>
  readonly limit: number | null
  readonly visible: ((entry: Entry) => boolean) | null
}

/** `next` is the last name of the page if more may follow. */
export interface Listed {
  readonly entries: readonly Entry[]
  readonly next?: string
}

/** How many rows the first read of a listing should ask for. */
export function batchRows(limit: number | null): number {
  return limit === null ? LIST_BATCH_ROWS : Math.min(limit, LIST_BATCH_ROWS)
}

/**
 * Collects a page, or everything, starting from what the request's own read already brought.
 * Keyset paging: names inserted or dropped meanwhile neither repeat nor hide others. Where the caller may see only some
 * names, the page ends at one that he sees, and says "more" only if he will see more: no answer shows a hidden name.
 */
export async function collect(
  deps: Pick<CatalogDeps, 'tenant'>,
  listing: Listing,
  first: NonNullable<ReadResult['page']>,
): Promise<Listed> {
  const { limit, visible } = listing
  const seen: Entry[] = []
  for (let batch = first; ;) {
    seen.push(...(visible ? batch.entries.filter(visible) : batch.entries))
    const last = limit === null ? undefined : seen[limit - 1]
    if (last && (seen.length > (limit ?? 0) || (!visible && batch.next !== undefined)))
      return { entries: seen.slice(0, limit ?? undefined), next: last.name }
    if (batch.next === undefined) return { entries: seen }
    batch = await nextBatch(deps, listing, batch.next)
  }
}

async function nextBatch(
  deps: Pick<CatalogDeps, 'tenant'>,
  { place, page, limit, visible }: Listing,
  after: string,
): Promise<NonNullable<ReadResult['page']>> {
  const read = await deps.tenant.read({
    at: { branchId: place.branch.id, seq: place.seq },
    page: { ...page, after, limit: visible ? LIST_BATCH_ROWS : batchRows(limit) },
  })
  return read.page ?? { entries: [] }
}
