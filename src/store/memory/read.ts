import type { PageQuery, Place, ReadAt, ReadQuery, ReadResult } from '#store/store'
import { lineageOf, resolveEntry, validAt, type Row } from '#versions/lineage'
import { OPEN_SEQ, type Lineage } from '#versions/model'
import { compareNames, mergePages, type Page } from '#versions/page'
import { refByName, rowsOfKey, type TenantState } from './state.ts'

export function readFrom(state: TenantState, query: ReadQuery): ReadResult {
  const place = query.at ? placeOf(state, query.at) : null
  const lineage = place ? lineageOf(place.branch, place.seq) : []
  return {
    ...(query.caller ? { caller: callerOf(state, query.caller) } : {}),
    ...(query.at ? { place } : {}),
    entries: place ? (query.keys ?? []).map((key) => resolveEntry(rowsOfKey(state, key), lineage)) : [],
    ...(query.page ? { page: pageOf(state, lineage, query.page) } : {}),
    ...(query.idempotencyKey === undefined ? {} : { idempotency: state.idempotency.get(query.idempotencyKey) ?? null }),
  }
}

function callerOf({ records }: TenantState, { userId, tokenId }: NonNullable<ReadQuery['caller']>) {
  const { user, grant, 'revoked-token': revoked } = records
  return {
    user: user.get(userId) ?? null,
    grants: [...grant.values()].filter((one) => one.userId === userId).toSorted((a, b) => compareNames(a.id, b.id)),
    revoked: revoked.has(tokenId),
  }
}

function placeOf(state: TenantState, at: ReadAt): Place | null {
  const found = boundAt(state, at)
  const catalog = found && state.records.catalog.get(found.branch.catalogId)
  const warehouse = catalog && state.records.warehouse.get(catalog.warehouseId)
  return found && catalog && warehouse ? { catalog, warehouse, ...found } : null
}

function boundAt(state: TenantState, at: ReadAt): Pick<Place, 'branch' | 'seq'> | null {
  if ('branchId' in at) {
    const branch = state.branches.get(at.branchId)
    return branch ? { branch, seq: at.seq ?? OPEN_SEQ } : null
  }
  const catalog = [...state.records.catalog.values()].find(({ name }) => name === at.catalog)
  const ref = catalog ? refByName(state, catalog.id, at.ref) : null
  if (!ref) return null
  return 'at' in ref ? boundAt(state, ref.at) : { branch: ref, seq: OPEN_SEQ }
}

function pageOf(state: TenantState, lineage: Lineage, query: PageQuery): Page {
  const pages = lineage.map(({ branchId, seq }) => ({
    rows: [...(state.rows.get(branchId)?.values() ?? [])]
      .flatMap((rows) => rows.filter((row) => isInside(row, query) && validAt(row, seq)))
      .toSorted((a, b) => compareNames(a.entry.name, b.entry.name)),
    more: false,
  }))
  return mergePages(pages, ({ kind }) => kind === query.kind, query.limit)
}

function isInside({ entry }: Row, query: PageQuery): boolean {
  return (
    entry.class === query.class &&
    entry.namespace === query.namespace &&
    (query.after === undefined || compareNames(entry.name, query.after) > 0)
  )
}
