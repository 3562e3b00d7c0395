import { badRequest } from '#domain/errors'
import { brief } from './fields.ts'
import type { Draft, StatisticsBySnapshot } from './draft.ts'
import { idOf, integerOf, isLong } from './json.ts'
import { MAIN_BRANCH, type Snapshot, type SnapshotRef } from './snapshots.ts'
import type { StatisticsFile } from './statistics.ts'
import type { TableUpdate } from './updates.ts'

/** Thrown when an update was made against metadata that has moved on: the client may try again. */
export class StaleUpdate extends Error {
  override readonly name = 'StaleUpdate'
}

/** The updates that are about snapshots, what points to them and what belongs to them. */
export type SnapshotUpdate = Extract<
  TableUpdate,
  {
    readonly action:
      | 'add-snapshot'
      | 'set-snapshot-ref'
      | 'remove-snapshot-ref'
      | 'remove-snapshots'
      | 'set-statistics'
      | 'remove-statistics'
      | 'set-partition-statistics'
      | 'remove-partition-statistics'
  }
>

const ROW_LINEAGE_SINCE_VERSION = 3

/** Whether the update had an effect. @throws CatalogError `bad-request`; StaleUpdate */
export function applySnapshotUpdate(draft: Draft, update: SnapshotUpdate): boolean {
  switch (update.action) {
    case 'add-snapshot':
      return addSnapshot(draft, update.snapshot)
    case 'set-snapshot-ref':
      return setRef(draft, update.name, update.ref)
    case 'remove-snapshot-ref':
      return removeRef(draft, update.name)
    case 'remove-snapshots':
      return removeSnapshots(draft, update.snapshotIds)
    case 'set-statistics':
      return setStatistics(draft.statistics, update.statistics)
    case 'remove-statistics':
      return draft.statistics.delete(update.snapshotId)
    case 'set-partition-statistics':
      return setStatistics(draft.partitionStatistics, update.statistics)
    default:
      return draft.partitionStatistics.delete(update.snapshotId)
  }
}

/** Adds a snapshot that no ref points to yet. */
function addSnapshot(draft: Draft, snapshot: Snapshot): boolean {
  const id = idOf(snapshot['snapshot-id']) ?? ''
  for (const { what, items } of [draft.schemas, draft.specs, draft.orders])
    if (items.size === 0) throw badRequest(`Cannot add snapshot ${id}: the table has no ${what} yet`)
  if (draft.snapshots.has(id)) throw badRequest(`Snapshot already exists for id: ${id}`)
  advanceSequence(draft, id, snapshot)
  if (draft.formatVersion >= ROW_LINEAGE_SINCE_VERSION) advanceRows(draft, id, snapshot)
  const { 'sequence-number': _sequenceNumber, ...withoutSequence } = snapshot
  draft.snapshots.set(id, draft.formatVersion === 1 ? withoutSequence : snapshot)
  draft.addedSnapshots.add(id)
  return true
}

/** Sequence numbers order snapshots; one without a parent (of a replaced table, say) may carry an older one. */
function advanceSequence(draft: Draft, id: string, snapshot: Snapshot): void {
  const number = integerOf(snapshot['sequence-number']) ?? 0n
  const last = draft.lastSequenceNumber
  if (draft.formatVersion === 1) {
    if (number !== 0n)
      throw badRequest(`Cannot add snapshot ${id}: a v1 table has no sequence numbers, found ${number}`)
    return
  }
  const parent = idOf(snapshot['parent-snapshot-id'])
  if (number <= last && parent !== undefined && parent !== '-1')
    throw new StaleUpdate(`Cannot add snapshot with sequence number ${number} older than last sequence number ${last}`)
  if (number > last) draft.lastSequenceNumber = number
}

/** Row ids are given out once; a snapshot that was made while another one took them is stale. */
function advanceRows(draft: Draft, id: string, snapshot: Snapshot): void {
  const first = integerOf(snapshot['first-row-id'])
  const added = integerOf(snapshot['added-rows'])
  if (first === undefined || added === undefined)
    throw badRequest(`Cannot add snapshot ${id}: 'first-row-id' and 'added-rows' are required in v3`)
  if (first < draft.nextRowId)
    throw new StaleUpdate(`Cannot add snapshot with first-row-id ${first} behind table next-row-id ${draft.nextRowId}`)
  if (!isLong(first + added)) throw badRequest(`Cannot add snapshot ${id}: its row ids exceed 64 bits`)
  draft.nextRowId = first + added
}

function setRef(draft: Draft, name: string, ref: SnapshotRef): boolean {
  const id = idOf(ref['snapshot-id']) ?? ''
  const snapshot = draft.snapshots.get(id)
  if (!snapshot) throw badRequest(`Cannot set ${brief(name)} to unknown snapshot: ${id}`)
  if (name === MAIN_BRANCH && ref.type !== 'branch') throw badRequest('Cannot set main to a tag: it must be a branch')
  const before = draft.refs.get(name)
  if (before && isSameRef(before, ref)) return false
  if (before) draft.refNames.get(idOf(before['snapshot-id']) ?? '')?.delete(name)
  draft.refs.set(name, ref)
  draft.refNames.set(id, (draft.refNames.get(id) ?? new Set()).add(name))
  if (name === MAIN_BRANCH && draft.currentSnapshot !== id) {
    draft.currentSnapshot = id
    const timestampMs = draft.addedSnapshots.has(id) ? snapshot['timestamp-ms'] : draft.updatedMs
    draft.newLogEntries.push({ 'timestamp-ms': timestampMs, 'snapshot-id': ref['snapshot-id'] })
  }
  return true
}

function isSameRef(a: SnapshotRef, b: SnapshotRef): boolean {
  return (
    a.type === b.type &&
    idOf(a['snapshot-id']) === idOf(b['snapshot-id']) &&
    idOf(a['min-snapshots-to-keep']) === idOf(b['min-snapshots-to-keep']) &&
    idOf(a['max-snapshot-age-ms']) === idOf(b['max-snapshot-age-ms']) &&
    idOf(a['max-ref-age-ms']) === idOf(b['max-ref-age-ms'])
  )
}

function removeRef(draft: Draft, name: string): boolean {
  const ref = draft.refs.get(name)
  if (!ref) return false
  draft.refs.delete(name)
  draft.refNames.get(idOf(ref['snapshot-id']) ?? '')?.delete(name)
  if (name === MAIN_BRANCH) draft.currentSnapshot = undefined
  return true
}

function removeSnapshots(draft: Draft, ids: readonly string[]): boolean {
  const removed = new Set(ids.filter((id) => draft.snapshots.delete(id)))
  if (removed.size === 0) return false
  draft.removedSnapshots = true
  for (const id of removed) {
    draft.addedSnapshots.delete(id)
    draft.statistics.delete(id)
    draft.partitionStatistics.delete(id)
    for (const name of draft.refNames.get(id) ?? []) removeRef(draft, name)
  }
  return true
}

/** A snapshot has one statistics file of a kind. */
function setStatistics(all: StatisticsBySnapshot, file: StatisticsFile): boolean {
  all.set(idOf(file['snapshot-id']) ?? '', [file])
  return true
}
