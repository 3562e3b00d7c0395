import { LIST_BATCH_ROWS } from '#src/limits'
import type { PageQuery, ReadResult } from '#store/store'
import type { Entry } from '#versions/model'
import type { CatalogDeps, Place } from './deps.ts'

/** A listing as asked for. `limit` null: everything. `visible` is applied before the page is cut. */
export interface Listing {
  readonly place: Place
  readonly page: Omit<PageQuery, 'limit' | 'after'>
  readonly after?: string
  readonly limit: number | null
  readonly visible: (entry: Entry) => boolean
}

/** `next` is the last name of the page if more may follow. */
export interface Listed {
  readonly entries: readonly Entry[]
  readonly next?: string
}

/** Reads of the store that one page may cost a caller who may see few of many names; the page is then short. */
const READS_MAX = 20

/** How many rows the first read of a listing should ask for. */
export function batchRows(limit: number | null): number {
  return limit === null ? LIST_BATCH_ROWS : Math.min(limit, LIST_BATCH_ROWS)
}

/**
 * Collects a page, or everything, starting from what the request's own read already brought.
 * Keyset paging: names inserted or dropped meanwhile neither repeat nor hide others.
 */
export async function collect(
  deps: Pick<CatalogDeps, 'tenant'>,
  listing: Listing,
  first: NonNullable<ReadResult['page']>,
): Promise<Listed> {
  const entries: Entry[] = []
  let batch = first
  for (let reads = 1; ; reads += 1) {
    for (const [index, entry] of batch.entries.entries()) {
      if (!listing.visible(entry)) continue
      entries.push(entry)
      if (entries.length === listing.limit) {
        const more = index < batch.entries.length - 1 || batch.next !== undefined
        return more ? { entries, next: entry.name } : { entries }
      }
    }
    if (batch.next === undefined) return { entries }
    if (listing.limit !== null && reads >= READS_MAX) return { entries, next: batch.next }
    batch = await nextBatch(deps, listing, batch.next)
  }
}

async function nextBatch(
  deps: Pick<CatalogDeps, 'tenant'>,
  { place, page, limit }: Listing,
  after: string,
): Promise<NonNullable<ReadResult['page']>> {
  const read = await deps.tenant.read({
    at: { branchId: place.branch.id, seq: place.seq },
    page: { ...page, after, limit: batchRows(limit) },
  })
  return read.page ?? { entries: [] }
}
