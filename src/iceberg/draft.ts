import { choiceOf, type Choice } from './choice.ts'
import { idOf, integerOf } from './json.ts'
import { currentSnapshotId, type TableMetadata } from './metadata.ts'
import { NO_PARTITION_ID, specKey, type PartitionSpec } from './partition-spec.ts'
import { schemaKey, type Schema } from './schema.ts'
import type { Snapshot, SnapshotLogEntry, SnapshotRef } from './snapshots.ts'
import { sortOrderKey, type SortOrder } from './sort-order.ts'
import type { EncryptionKey, StatisticsFile } from './statistics.ts'

/** Statistics by the snapshot they belong to. */
export type StatisticsBySnapshot = Map<string, readonly StatisticsFile[]>

/**
 * Metadata while the updates of one commit are applied: the only thing here that changes in place, so that a commit
 * costs no more than the table is large plus its updates are many. Snapshots are keyed by decimal text.
 */
export interface Draft {
  readonly base: TableMetadata | null
  /** Milliseconds since 1970; becomes `last-updated-ms`. Never before the base's. */
  readonly updatedMs: number
  changed: boolean
  formatVersion: number
  uuid: string | undefined
  location: string | undefined
  lastSequenceNumber: bigint
  nextRowId: bigint
  lastColumnId: number
  lastPartitionId: number
  readonly schemas: Choice<Schema>
  readonly specs: Choice<PartitionSpec>
  readonly orders: Choice<SortOrder>
  /** Ids of partition fields, made when first needed. */
  partitionIds: Map<string, number> | null
  readonly properties: Map<string, string>
  readonly snapshots: Map<string, Snapshot>
  readonly addedSnapshots: Set<string>
  currentSnapshot: string | undefined
  readonly refs: Map<string, SnapshotRef>
  /** The refs of each snapshot, by name. */
  readonly refNames: Map<string, Set<string>>
  /** Entries this commit appends, and the snapshots `main` has been at since it began. */
  readonly newLogEntries: SnapshotLogEntry[]
  removedSnapshots: boolean
  readonly statistics: StatisticsBySnapshot
  readonly partitionStatistics: StatisticsBySnapshot
  readonly encryptionKeys: Map<string, EncryptionKey>
}

/** A draft of an existing table. */
export function draftOf(base: TableMetadata, nowMs: number): Draft {
  return {
    base,
    updatedMs: Math.max(nowMs, base['last-updated-ms']),
    changed: false,
    formatVersion: base['format-version'],
    uuid: base['table-uuid'],
    location: base.location,
    lastSequenceNumber: integerOf(base['last-sequence-number']) ?? 0n,
    nextRowId: integerOf(base['next-row-id']) ?? 0n,
    lastColumnId: base['last-column-id'],
    lastPartitionId: base['last-partition-id'],
    schemas: choiceOf('schema', schemaKey, byNumber(base.schemas, 'schema-id'), base['current-schema-id']),
    specs: choiceOf<PartitionSpec>(
      'partition spec',
      specKey,
      byNumber(base['partition-specs'], 'spec-id'),
      base['default-spec-id'],
    ),
    orders: choiceOf(
      'sort order',
      sortOrderKey,
      byNumber(base['sort-orders'], 'order-id'),
      base['default-sort-order-id'],
    ),
    partitionIds: null,
    properties: new Map(Object.entries(base.properties)),
    snapshots: new Map(base.snapshots.map((snapshot) => [idOf(snapshot['snapshot-id']) ?? '', snapshot])),
    addedSnapshots: new Set(),
    currentSnapshot: currentSnapshotId(base),
    refs: new Map(Object.entries(base.refs)),
    refNames: namesBySnapshot(base.refs),
    newLogEntries: [],
    removedSnapshots: false,
    statistics: bySnapshot(base.statistics),
    partitionStatistics: bySnapshot(base['partition-statistics']),
    encryptionKeys: new Map((base['encryption-keys'] ?? []).map((key) => [key['key-id'], key])),
  }
}

/** A draft of a table that doesn't exist yet: everything comes from updates. */
export function newDraft(formatVersion: number, uuid: string, nowMs: number): Draft {
  return {
    base: null,
    updatedMs: nowMs,
    changed: true,
    formatVersion,
    uuid,
    location: undefined,
    lastSequenceNumber: 0n,
    nextRowId: 0n,
    lastColumnId: 0,
    lastPartitionId: NO_PARTITION_ID,
    schemas: choiceOf('schema', schemaKey, new Map(), null),
    specs: choiceOf<PartitionSpec>('partition spec', specKey, new Map(), null),
    orders: choiceOf('sort order', sortOrderKey, new Map(), null),
    partitionIds: null,
    properties: new Map(),
    snapshots: new Map(),
    addedSnapshots: new Set(),
    currentSnapshot: undefined,
    refs: new Map(),
    refNames: new Map(),
    newLogEntries: [],
    removedSnapshots: false,
    statistics: new Map(),
    partitionStatistics: new Map(),
    encryptionKeys: new Map(),
  }
}

function byNumber<K extends string, T extends { readonly [key in K]: number }>(
  items: readonly T[],
  id: K,
): Map<number, T> {
  return new Map(items.map((item) => [item[id], item]))
}

function bySnapshot(files: readonly StatisticsFile[]): StatisticsBySnapshot {
  return Map.groupBy(files, (file) => idOf(file['snapshot-id']) ?? '')
}

function namesBySnapshot(refs: TableMetadata['refs']): Map<string, Set<string>> {
  const names = new Map<string, Set<string>>()
  for (const [name, ref] of Object.entries(refs)) {
    const id = idOf(ref['snapshot-id']) ?? ''
    names.set(id, (names.get(id) ?? new Set()).add(name))
  }
  return names
}
