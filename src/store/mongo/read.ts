import type { Catalog, Grant, User, Warehouse } from '#domain/records'
import type { Place, ReadAt, ReadQuery, ReadResult } from '#store/store'
import { lineageOf } from '#versions/lineage'
import { OPEN_SEQ } from '#versions/model'
import { branchById, refNamed } from './branches.ts'
import { joined, valuesOf } from './documents.ts'
import { answerOf } from './idempotency.ts'
import type { TenantLog } from './log.ts'
import { entriesAt, pageAt } from './rows.ts'
import type { Snapshot } from './snapshot.ts'

/**
 * Everything one request needs, from one snapshot. Where a catalog and a branch are is remembered from the last time, and
 * what is to be found there is fetched at once; if it is elsewhere now, it is fetched again.
 */
export async function readFrom(log: TenantLog, query: ReadQuery): Promise<ReadResult> {
  const name = query.at ? JSON.stringify([log.tenant, query.at]) : ''
  const result = await log.look(async (snapshot) => {
    const guess = log.found.get(name)
    if (guess) void fetchAlong(snapshot, query, guess).catch(() => undefined)
    return readAt(snapshot, query)
  })
  if (result.place) log.found.set(name, result.place)
  return result
}

async function readAt(snapshot: Snapshot, query: ReadQuery): Promise<ReadResult> {
  const { idempotencyKey } = query
  const [caller, place, idempotency] = await Promise.all([
    query.caller ? callerOf(snapshot, query.caller) : null,
    query.at ? placeAt(snapshot, query.at) : null,
    idempotencyKey === undefined ? null : answerOf(snapshot, idempotencyKey),
  ])
  const [entries, page] = place ? await contentsOf(snapshot, query, place) : [[], { entries: [] }]
  const asked = { ...(query.at ? { place } : {}), ...(query.page && page ? { page } : {}) }
  return { ...(caller ? { caller } : {}), ...asked, entries, ...(idempotencyKey === undefined ? {} : { idempotency }) }
}

async function contentsOf(snapshot: Snapshot, { keys = [], page }: ReadQuery, { branch, seq }: Place) {
  return Promise.all([
    entriesAt(snapshot, lineageOf(branch, seq), keys),
    page ? pageAt(snapshot, branch, seq, { ...page, kinds: [page.kind] }) : null,
  ])
}

/** Fetches what the query needs if the place is still the same. */
async function fetchAlong(snapshot: Snapshot, query: ReadQuery, place: Place): Promise<void> {
  const { recordNames, records, refs, branches } = snapshot.places
  const { catalog, warehouse, branch } = place
  const { at } = query
  const ids = [
    ...(at && 'catalog' in at ? [joined(recordNames('catalog'), at.catalog), joined(refs(catalog.id), at.ref)] : []),
    joined(branches, branch.id),
    joined(records('catalog'), catalog.id),
    joined(records('warehouse'), warehouse.id),
  ]
  await Promise.all([snapshot.puts(ids), contentsOf(snapshot, query, place)])
}

async function callerOf(snapshot: Snapshot, { userId, tokenId }: NonNullable<ReadQuery['caller']>) {
  const { records, owned } = snapshot.places
  const [user, revoked, grants] = await Promise.all([
    snapshot.value<User>(records('user'), userId),
    snapshot.value(records('revoked-token'), tokenId),
    snapshot.all({ group: owned('grant', userId) }),
  ])
  return { user, grants: valuesOf<Grant>(grants), revoked: revoked !== null }
}

async function placeAt(snapshot: Snapshot, at: ReadAt): Promise<Place | null> {
  const found = await boundAt(snapshot, at)
  const owner = found && (await ownerOf(snapshot, found.branch.catalogId))
  return owner && { ...owner, ...found }
}

async function ownerOf(snapshot: Snapshot, catalogId: string): Promise<Pick<Place, 'catalog' | 'warehouse'> | null> {
  const { records } = snapshot.places
  const catalog = await snapshot.value<Catalog>(records('catalog'), catalogId)
  const warehouse = catalog && (await snapshot.value<Warehouse>(records('warehouse'), catalog.warehouseId))
  return catalog && warehouse ? { catalog, warehouse } : null
}

async function boundAt(snapshot: Snapshot, at: ReadAt): Promise<Pick<Place, 'branch' | 'seq'> | null> {
  if ('branchId' in at) {
    const branch = await branchById(snapshot, at.branchId)
    return branch && { branch, seq: at.seq ?? OPEN_SEQ }
  }
  const catalogId = await snapshot.value<string>(snapshot.places.recordNames('catalog'), at.catalog)
  if (!catalogId) return null
  // While the branch is looked for, what will be asked for next.
  void ownerOf(snapshot, catalogId).catch(() => undefined)
  const ref = await refNamed(snapshot, catalogId, at.ref)
  if (!ref) return null
  return 'at' in ref ? boundAt(snapshot, ref.at) : { branch: ref, seq: OPEN_SEQ }
}
