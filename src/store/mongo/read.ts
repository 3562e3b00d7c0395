import type { Catalog, Grant, User, Warehouse } from '#domain/records'
import type { Place, ReadAt, ReadQuery, ReadResult } from '#store/store'
import { lineageOf } from '#versions/lineage'
import { OPEN_SEQ } from '#versions/model'
import { branchById, refNamed } from './branches.ts'
import { joined } from './documents.ts'
import { pageAt, entriesAt, type Reader } from './rows.ts'

/** Everything one request needs, from one snapshot. */
export async function readFrom(reader: Reader, query: ReadQuery): Promise<ReadResult> {
  const [caller, place] = await Promise.all([
    query.caller ? callerOf(reader, query.caller) : null,
    query.at ? placeAt(reader, query.at) : null,
  ])
  const [entries, page] = await Promise.all([
    place ? entriesAt(reader, lineageOf(place.branch, place.seq), query.keys ?? []) : [],
    query.page ? (place ? pageAt(reader, place.branch, place.seq, query.page) : { entries: [] }) : null,
  ])
  return { ...(caller ? { caller } : {}), ...(query.at ? { place } : {}), entries, ...(page ? { page } : {}) }
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
