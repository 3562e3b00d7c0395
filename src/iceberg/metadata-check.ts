import { badRequest } from '#domain/errors'
import {
  brief,
  asInt,
  asList,
  asLong,
  asObject,
  asStringMap,
  asText,
  asTimeMs,
  asUuid,
  optional,
  required,
  type Reader,
} from './fields.ts'
import { idOf, integerOf, isList, type JsonObject } from './json.ts'
import { indexSchema } from './schema-index.ts'
import type { Schema } from './schema.ts'
import { MAIN_BRANCH, readMetadataLogEntry, readSnapshot, readSnapshotLogEntry, readStoredRef } from './snapshots.ts'
import { readEncryptionKey, readPartitionStatistics, readStatistics } from './statistics.ts'

const OWNER = 'table metadata'

/** Lists whose items stand for themselves. */
const LISTS: ReadonlyMap<string, { readonly item: string; readonly read: Reader<unknown> }> = new Map([
  ['snapshots', { item: 'snapshot', read: readSnapshot }],
  ['snapshot-log', { item: 'snapshot-log', read: readSnapshotLogEntry }],
  ['metadata-log', { item: 'metadata-log', read: readMetadataLogEntry }],
  ['statistics', { item: 'statistics', read: readStatistics }],
  ['partition-statistics', { item: 'partition-statistics', read: readPartitionStatistics }],
  ['encryption-keys', { item: 'encryption-key', read: readEncryptionKey }],
])

/**
 * Checks complete metadata, whose schemas, specs and orders have been read: types, unique ids, and that everything
 * which is named exists.
 * @throws CatalogError `bad-request`
 */
export function checkMetadata(metadata: JsonObject): void {
  const v1 = metadata['format-version'] === 1
  if (v1) optional(metadata, 'table-uuid', asUuid, OWNER)
  else required(metadata, 'table-uuid', asUuid, OWNER)
  required(metadata, 'location', asText, OWNER)
  required(metadata, 'last-updated-ms', asTimeMs, OWNER)
  required(metadata, 'last-column-id', asInt, OWNER)
  required(metadata, 'last-partition-id', asInt, OWNER)
  required(metadata, 'properties', asStringMap, OWNER)
  optional(metadata, 'last-sequence-number', asLong, OWNER)
  optional(metadata, 'next-row-id', asLong, OWNER)
  for (const [name, { item, read }] of LISTS)
    for (const value of optional(metadata, name, asList, OWNER) ?? []) read(value, item, OWNER)
  for (const schema of required(metadata, 'schemas', asList, OWNER)) indexSchema(schema as Schema)
  checkChoice(metadata, 'schemas', 'schema-id', 'current-schema-id')
  checkChoice(metadata, 'partition-specs', 'spec-id', 'default-spec-id')
  checkChoice(metadata, 'sort-orders', 'order-id', 'default-sort-order-id')
  checkSnapshots(metadata)
}

/** Ids are unique, and the chosen one is among them. */
function checkChoice(metadata: JsonObject, list: string, id: string, choice: string): void {
  const ids = uniqueIds(metadata, list, id)
  const chosen = required(metadata, choice, asInt, OWNER)
  if (!ids.has(String(chosen)))
    throw badRequest(`Invalid ${OWNER}: '${choice}' is ${chosen}, which is not in '${list}'`)
}

function uniqueIds(metadata: JsonObject, list: string, name: string): ReadonlySet<string> {
  const ids = new Set<string>()
  for (const item of required(metadata, list, asList, OWNER)) {
    const id = idOf((item as JsonObject)[name]) ?? ''
    if (ids.has(id)) throw badRequest(`Invalid ${OWNER}: two of '${list}' have the ${name} ${id}`)
    ids.add(id)
  }
  return ids
}

/** Refs and the current snapshot exist and agree; no snapshot is newer than the last sequence number. */
function checkSnapshots(metadata: JsonObject): void {
  const ids = uniqueIds(metadata, 'snapshots', 'snapshot-id')
  const refs = required(metadata, 'refs', asObject, OWNER)
  for (const [name, value] of Object.entries(refs)) {
    const id = idOf(readStoredRef(value, `ref '${brief(name)}'`, OWNER)['snapshot-id']) ?? ''
    if (!ids.has(id))
      throw badRequest(`Invalid ${OWNER}: ref '${brief(name)}' points to snapshot ${id}, which is not there`)
  }
  checkMain(metadata, refs, ids)
  const last = integerOf(metadata['last-sequence-number'])
  if (last === undefined || !isList(metadata['snapshots'])) return
  for (const snapshot of metadata['snapshots'] as readonly JsonObject[])
    if ((integerOf(snapshot['sequence-number']) ?? 0n) > last)
      throw badRequest(
        `Invalid ${OWNER}: snapshot ${idOf(snapshot['snapshot-id'])} has a sequence number above 'last-sequence-number' ${last}`,
      )
}

function checkMain(metadata: JsonObject, refs: JsonObject, ids: ReadonlySet<string>): void {
  if (metadata['current-snapshot-id'] !== -1) optional(metadata, 'current-snapshot-id', asLong, OWNER)
  const id = idOf(metadata['current-snapshot-id'])
  const current = id === '-1' ? undefined : id
  if (current !== undefined && !ids.has(current))
    throw badRequest(`Invalid ${OWNER}: the current snapshot ${current} is not there`)
  const main = Object.hasOwn(refs, MAIN_BRANCH) ? (refs[MAIN_BRANCH] as JsonObject) : undefined
  if (idOf(main?.['snapshot-id']) !== current)
    throw badRequest(
      `Invalid ${OWNER}: 'current-snapshot-id' is ${current ?? 'not set'}, but branch main is at ${idOf(main?.['snapshot-id']) ?? 'no snapshot'}`,
    )
  if (main && main['type'] !== 'branch') throw badRequest(`Invalid ${OWNER}: main must be a branch`)
}
