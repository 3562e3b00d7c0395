import { badRequest } from '#domain/errors'
import { applySnapshotUpdate, type SnapshotUpdate } from './apply-snapshots.ts'
import { addItem, choose, chosenOrAdded, removeItems } from './choice.ts'
import type { Draft } from './draft.ts'
import { removeProperties, setLocation, setProperties } from './own-fields.ts'
import { FORMAT_VERSION_MAX } from './metadata.ts'
import {
  assignPartitionIds,
  checkSequentialIds,
  checkSpecNames,
  checkSpecSources,
  checkTransforms,
  highestPartitionId,
  partitionIdsOf,
  rememberPartitionIds,
  specKey,
  type PartitionSpec,
  type UnboundPartitionSpec,
} from './partition-spec.ts'
import { schemaKey, type Schema } from './schema.ts'
import { checkSchemaVersion, indexSchema } from './schema-index.ts'
import { checkSortSources, checkSortTransforms, sortOrderKey, UNSORTED, type SortOrder } from './sort-order.ts'
import type { EncryptionKey } from './statistics.ts'
import type { TableUpdate } from './updates.ts'

const ENCRYPTION_SINCE_VERSION = 3

/**
 * Applies one update to the draft.
 * @throws CatalogError `bad-request` if the table can't have it; StaleUpdate if it was made against older metadata
 */
export function applyUpdate(draft: Draft, update: TableUpdate): void {
  if (change(draft, update)) draft.changed = true
}

/** Whether the update had an effect. */
function change(draft: Draft, update: TableUpdate): boolean {
  switch (update.action) {
    case 'assign-uuid':
      return assignUuid(draft, update.uuid)
    case 'upgrade-format-version':
      return upgrade(draft, update.formatVersion)
    case 'add-schema':
      return addSchema(draft, update.schema)
    case 'set-current-schema':
      return choose(draft.schemas, update.id)
    case 'add-spec':
      return addSpec(draft, update.spec)
    case 'set-default-spec':
      return choose(draft.specs, update.id)
    case 'add-sort-order':
      return addSortOrder(draft, update.order)
    case 'set-default-sort-order':
      return choose(draft.orders, update.id)
    case 'set-location':
      return setLocation(draft, update.location)
    case 'set-properties':
      return setProperties(draft.properties, update.updates)
    case 'remove-properties':
      return removeProperties(draft.properties, update.removals)
    case 'remove-partition-specs':
      return removeItems(draft.specs, update.ids)
    case 'remove-schemas':
      return removeItems(draft.schemas, update.ids)
    case 'add-encryption-key':
      return addEncryptionKey(draft, update.key)
    case 'remove-encryption-key':
      return draft.encryptionKeys.delete(update.keyId)
    default:
      return applySnapshotUpdate(draft, update satisfies SnapshotUpdate)
  }
}

/** Schemas and specs count from 0. */
function asNext(next: number): number {
  return next
}

/** A new table takes the UUID of its staged create; an existing one keeps its own. */
function assignUuid(draft: Draft, uuid: string): boolean {
  if (draft.base && draft.uuid !== undefined) {
    if (draft.uuid.toLowerCase() === uuid.toLowerCase()) return false
    throw badRequest(`Cannot reassign uuid: the table has ${draft.uuid}, found ${uuid}`)
  }
  if (draft.uuid === uuid) return false
  draft.uuid = uuid
  return true
}

/** Old snapshots stay as they are; what the new version adds starts at 0. */
function upgrade(draft: Draft, version: number): boolean {
  if (version < 1 || version > FORMAT_VERSION_MAX)
    throw badRequest(
      `Cannot upgrade table to unsupported format version: v${version} (supported: v1 to v${FORMAT_VERSION_MAX})`,
    )
  if (version < draft.formatVersion)
    throw badRequest(`Cannot downgrade v${draft.formatVersion} table to v${version} table`)
  if (version === draft.formatVersion) return false
  draft.formatVersion = version
  return true
}

function addSchema(draft: Draft, schema: Schema): boolean {
  checkSchemaVersion(schema, draft.formatVersion)
  const added = addItem(draft.schemas, schemaKey(schema), asNext, (id) => ({ ...schema, 'schema-id': id }))
  const highest = Math.max(draft.lastColumnId, indexSchema(schema).highestId)
  const changed = added || highest !== draft.lastColumnId
  draft.lastColumnId = highest
  return changed
}

function addSpec(draft: Draft, spec: UnboundPartitionSpec): boolean {
  const schema = chosenOrAdded(draft.schemas)
  checkSpecNames(spec, schema)
  checkTransforms(spec)
  checkSpecSources(spec, schema)
  return addItem(draft.specs, specKey(spec), asNext, (id) => boundSpec(draft, spec, id))
}

/** The spec with ids for its fields, which the table remembers. */
function boundSpec(draft: Draft, spec: UnboundPartitionSpec, id: number): PartitionSpec {
  draft.partitionIds ??= partitionIdsOf(draft.specs.items.values())
  const bound =
    draft.formatVersion === 1
      ? assignPartitionIds(spec, id)
      : assignPartitionIds(spec, id, { known: draft.partitionIds, last: draft.lastPartitionId })
  if (draft.formatVersion === 1) checkSequentialIds(bound)
  rememberPartitionIds(draft.partitionIds, bound)
  draft.lastPartitionId = Math.max(draft.lastPartitionId, highestPartitionId(bound))
  return bound
}

function addSortOrder(draft: Draft, order: SortOrder): boolean {
  checkSortTransforms(order)
  checkSortSources(order, chosenOrAdded(draft.schemas))
  const idFor = order.fields.length === 0 ? () => UNSORTED['order-id'] : (next: number) => Math.max(next, 1)
  return addItem(draft.orders, sortOrderKey(order), idFor, (id) => ({ ...order, 'order-id': id }))
}

function addEncryptionKey(draft: Draft, key: EncryptionKey): boolean {
  if (draft.formatVersion < ENCRYPTION_SINCE_VERSION)
    throw badRequest(`Cannot add an encryption key to a v${draft.formatVersion} table: expected at least v3`)
  if (draft.encryptionKeys.has(key['key-id'])) return false
  draft.encryptionKeys.set(key['key-id'], key)
  return true
}
