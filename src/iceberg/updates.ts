import { badRequest } from '#domain/errors'
import {
  asInt,
  asIntOrLast,
  asList,
  asLong,
  asObject,
  asString,
  asStringMap,
  asText,
  asUuid,
  listOf,
  optional,
  required,
  shown,
  unexpected,
  withoutNulls,
} from './fields.ts'
import { withoutSlash } from './files.ts'
import { idOf, type Json, type JsonObject } from './json.ts'
import { readUnboundSpec, type UnboundPartitionSpec } from './partition-spec.ts'
import { readSchema, type Schema } from './schema.ts'
import { indexSchema } from './schema-index.ts'
import { readRef, readSnapshot, type Snapshot, type SnapshotRef } from './snapshots.ts'
import { readSortOrder, type SortOrder } from './sort-order.ts'
import {
  readEncryptionKey,
  readPartitionStatistics,
  readStatistics,
  type EncryptionKey,
  type StatisticsFile,
} from './statistics.ts'

/** The 23 updates of tables, read from the wire. Ids of snapshots are decimal text; -1 is "the last one added". */
export type TableUpdate =
  | { readonly action: 'assign-uuid'; readonly uuid: string }
  | { readonly action: 'upgrade-format-version'; readonly formatVersion: number }
  | { readonly action: 'add-schema'; readonly schema: Schema }
  | { readonly action: 'set-current-schema'; readonly id: number }
  | { readonly action: 'add-spec'; readonly spec: UnboundPartitionSpec }
  | { readonly action: 'set-default-spec'; readonly id: number }
  | { readonly action: 'add-sort-order'; readonly order: SortOrder }
  | { readonly action: 'set-default-sort-order'; readonly id: number }
  | { readonly action: 'add-snapshot'; readonly snapshot: Snapshot }
  | { readonly action: 'set-snapshot-ref'; readonly name: string; readonly ref: SnapshotRef }
  | { readonly action: 'remove-snapshot-ref'; readonly name: string }
  | { readonly action: 'remove-snapshots'; readonly snapshotIds: readonly string[] }
  | { readonly action: 'set-location'; readonly location: string }
  | { readonly action: 'set-properties'; readonly updates: Readonly<Record<string, string>> }
  | { readonly action: 'remove-properties'; readonly removals: readonly string[] }
  | { readonly action: 'set-statistics'; readonly statistics: StatisticsFile }
  | { readonly action: 'remove-statistics'; readonly snapshotId: string }
  | { readonly action: 'set-partition-statistics'; readonly statistics: StatisticsFile }
  | { readonly action: 'remove-partition-statistics'; readonly snapshotId: string }
  | { readonly action: 'remove-partition-specs'; readonly ids: readonly number[] }
  | { readonly action: 'remove-schemas'; readonly ids: readonly number[] }
  | { readonly action: 'add-encryption-key'; readonly key: EncryptionKey }
  | { readonly action: 'remove-encryption-key'; readonly keyId: string }

type UpdateOf<Action extends TableUpdate['action']> = Extract<TableUpdate, { readonly action: Action }>

type Readers = {
  readonly [Action in TableUpdate['action']]: (update: JsonObject, owner: Action) => Omit<UpdateOf<Action>, 'action'>
}

/**
 * One update of a request; what the metadata must know is checked when it is applied.
 * @throws CatalogError `bad-request`, also for an action that tables don't have
 */
export function readUpdate(value: Json): TableUpdate {
  const update = asObject(value, 'updates', 'commit')
  const action = required(update, 'action', asString, 'update').toLowerCase()
  if (!isAction(action)) throw badRequest(`Invalid update: ${shown(action)} is not an update of tables`)
  const read = READERS[action] as (update: JsonObject, owner: string) => object
  return { ...read(update, action), action } as TableUpdate
}

function isAction(action: string): action is TableUpdate['action'] {
  return Object.hasOwn(READERS, action)
}

const READERS: Readers = {
  'assign-uuid': (update, owner) => ({ uuid: required(update, 'uuid', asUuid, owner) }),
  'upgrade-format-version': (update, owner) => ({ formatVersion: required(update, 'format-version', asInt, owner) }),
  'add-schema': (update, owner) => {
    const schema = required(update, 'schema', readSchema, owner)
    indexSchema(schema)
    return { schema: withoutNulls(schema) }
  },
  'set-current-schema': (update, owner) => ({ id: required(update, 'schema-id', asIntOrLast, owner) }),
  'add-spec': (update, owner) => ({ spec: required(update, 'spec', readUnboundSpec, owner) }),
  'set-default-spec': (update, owner) => ({ id: required(update, 'spec-id', asIntOrLast, owner) }),
  'add-sort-order': (update, owner) => ({ order: required(update, 'sort-order', readSortOrder, owner) }),
  'set-default-sort-order': (update, owner) => ({ id: required(update, 'sort-order-id', asIntOrLast, owner) }),
  'add-snapshot': (update, owner) => ({ snapshot: required(update, 'snapshot', readNewSnapshot, owner) }),
  'set-snapshot-ref': (update, owner) => ({
    name: required(update, 'ref-name', asText, owner),
    ref: readRef(update, owner, owner),
  }),
  'remove-snapshot-ref': (update, owner) => ({ name: required(update, 'ref-name', asString, owner) }),
  'remove-snapshots': (update, owner) => ({ snapshotIds: required(update, 'snapshot-ids', listOf(asId), owner) }),
  'set-location': (update, owner) => ({ location: required(update, 'location', asLocation, owner) }),
  'set-properties': (update, owner) => ({
    updates: required(update, aliased(update, 'updates', 'updated'), asStringMap, owner),
  }),
  'remove-properties': (update, owner) => ({
    removals: required(update, aliased(update, 'removals', 'removed'), listOf(asString), owner),
  }),
  'set-statistics': (update, owner) => ({
    statistics: storable(required(update, 'statistics', readStatistics, owner)),
  }),
  'remove-statistics': (update, owner) => ({ snapshotId: required(update, 'snapshot-id', asId, owner) }),
  'set-partition-statistics': (update, owner) => ({
    statistics: storable(required(update, 'partition-statistics', readPartitionStatistics, owner)),
  }),
  'remove-partition-statistics': (update, owner) => ({ snapshotId: required(update, 'snapshot-id', asId, owner) }),
  'remove-partition-specs': (update, owner) => ({ ids: required(update, 'spec-ids', listOf(asInt), owner) }),
  'remove-schemas': (update, owner) => ({ ids: required(update, 'schema-ids', listOf(asInt), owner) }),
  'add-encryption-key': (update, owner) => {
    const key = required(update, 'encryption-key', readEncryptionKey, owner)
    return { key: withoutNulls(key) }
  },
  'remove-encryption-key': (update, owner) => ({ keyId: required(update, 'key-id', asString, owner) }),
}

/** A location as it is stored: without trailing slashes. */
export function asLocation(value: Json, name: string, owner: string): string {
  const location = withoutSlash(asText(value, name, owner))
  if (location === '') throw unexpected(owner, name, 'a location', value)
  return location
}

/** Files of v1 may list manifests in place; a new snapshot has a manifest list. */
function readNewSnapshot(value: Json, name: string, owner: string): Snapshot {
  const given = asObject(value, name, owner)
  if ((given['manifests'] ?? null) !== null)
    throw badRequest(`Invalid ${owner}: a snapshot names its manifests in a 'manifest-list'`)
  return readSnapshot(withoutNulls(given), name, owner)
}

function storable(statistics: StatisticsFile): StatisticsFile {
  const file: JsonObject = withoutNulls(statistics)
  const blobs = file['blob-metadata']
  if (blobs === undefined) return file as StatisticsFile
  const list = asList(blobs, 'blob-metadata', 'statistics').map((blob) => withoutNulls(blob as JsonObject))
  const without: JsonObject = { ...file, 'blob-metadata': list }
  return without as StatisticsFile
}

function asId(value: Json, name: string, owner: string): string {
  return idOf(asLong(value, name, owner)) ?? ''
}

/** The field's name, or the one that older clients use for it. */
function aliased(update: JsonObject, name: string, former: string): string {
  return optional(update, name, (value) => value, '') === undefined && update[former] !== undefined ? former : name
}
