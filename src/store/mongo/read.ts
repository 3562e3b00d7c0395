import type { Catalog, Grant, User, Warehouse } from '#domain/records'
import type { Place, ReadAt, ReadQuery, ReadResult } from '#store/store'
import { lineageOf } from '#versions/lineage'
import { OPEN_SEQ } from '#versions/model'
import { branchById, refNamed } from './branches.ts'
import { joined } from './documents.ts'
import { answerOf } from './idempotency.ts'
import type { TenantLog } from './log.ts'
import { placesOf } from './places.ts'
import { pageAt, entriesAt, type Reader } from './rows.ts'

/**
 * Everything one request needs, from one snapshot. Where a catalog and a branch are is remembered from the last time, and
 * what is to be found there is fetched at once; if it is elsewhere now, it is fetched again.
 */
export async function readFrom(log: TenantLog, query: ReadQuery): Promise<ReadResult> {
  const places = placesOf(log.tenant)
  const name = query.at ? JSON.stringify([log.tenant, query.at]) : ''
  const result = await log.look(async (snapshot) => {
    const reader = { snapshot, places }
    const guess = log.places.get(name)
    if (guess) void fetchAlong(reader, query, guess).catch(() => undefined)
    return readAt(reader, query)
  })
  if (result.place) log.places.set(name, result.place)
  return result
}

async function readAt(reader: Reader, query: ReadQuery): Promise<ReadResult> {
  const { idempotencyKey } = query
  const [caller, place, idempotency] = await Promise.all([
    query.caller ? callerOf(reader, query.caller) : null,
    query.at ? placeAt(reader, query.at) : null,
    idempotencyKey === undefined ? null : answerOf(reader, idempotencyKey),
  ])
  const [entries, page] = place ? await contentsOf(reader, query, place) : [[], { entries: [] }]
  const asked = { ...(query.at ? { place } : {}), ...(query.page && page ? { page } : {}) }
  return { ...(caller ? { caller } : {}), ...asked, entries, ...(idempotencyKey === undefined ? {} : { idempotency }) }
}

async function contentsOf(reader: Reader, { keys = [], page }: ReadQuery, { branch, seq }: Place) {
  return Promise.all([entriesAt(reader, lineageOf(branch, seq), keys), page ? pageAt(reader, branch, seq, page) : null])
}

/** Fetches what the query needs if the place is still the same. */
async function fetchAlong(reader: Reader, query: ReadQuery, { catalog, warehouse, branch, seq }: Place): Promise<void> {
  const { snapshot, places } = reader
  const { at } = query
  const byName =
    at && 'catalog' in at
      ? [joined(places.recordNames('catalog'), at.catalog), joined(places.refs(catalog.id), at.ref)]
      : []
  const ids = [
    ...byName,
    joined(places.branches, branch.id),
    joined(places.records('catalog'), catalog.id),
    joined(places.records('warehouse'), warehouse.id),
  ]
  await Promise.all([snapshot.puts(ids), contentsOf(reader, query, { catalog, warehouse, branch, seq })])
}

async function callerOf(
  { snapshot, places }: Reader,
  { userId, tokenId }: { userId: string; tokenId: string },
): Promise<NonNullable<ReadResult['caller']>> {
  const [user, revoked, grants] = await Promise.all([
    snapshot.value<User>(joined(places.records('user'), userId)),
    snapshot.value(joined(places.records('revoked-token'), tokenId)),
    snapshot.all({ group: places.owned('grant', userId) }),
  ])
  const there = grants.flatMap(({ value }) => (value === null ? [] : [JSON.parse(value) as Grant]))
  return { user, grants: there, revoked: revoked !== null }
}

async function placeAt(reader: Reader, at: ReadAt): Promise<Place | null> {
  const found = 'branchId' in at ? await boundById(reader, at) : await boundByName(reader, at)
  if (!found) return null
  const { snapshot, places } = reader
  const catalog = await snapshot.value<Catalog>(joined(places.records('catalog'), found.branch.catalogId))
  const warehouse =
    catalog && (await snapshot.value<Warehouse>(joined(places.records('warehouse'), catalog.warehouseId)))
  return catalog && warehouse ? { catalog, warehouse, ...found } : null
}

async function boundById(
  { snapshot, places }: Reader,
  { branchId, seq = OPEN_SEQ }: { branchId: string; seq?: number },
): Promise<Pick<Place, 'branch' | 'seq'> | null> {
  const branch = await branchById(snapshot, places, branchId)
  return branch && { branch, seq }
}

async function boundByName(
  reader: Reader,
  at: { catalog: string; ref: string },
): Promise<Pick<Place, 'branch' | 'seq'> | null> {
  const { snapshot, places } = reader
  const catalogId = await snapshot.value<string>(joined(places.recordNames('catalog'), at.catalog))
  const ref = catalogId && (await refNamed(reader, catalogId, at.ref))
  if (!ref) return null
  return 'at' in ref ? boundById(reader, ref.at) : { branch: ref, seq: OPEN_SEQ }
}
