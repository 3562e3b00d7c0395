import { badRequest } from '#domain/errors'
import {
  asInt,
  asList,
  asLong,
  asObject,
  asPositiveLong,
  asString,
  asStringMap,
  asText,
  asTimeMs,
  optional,
  required,
  unexpected,
  type Long,
} from './fields.ts'
import type { Json, JsonObject } from './json.ts'

export type Snapshot = {
  readonly 'snapshot-id': Long
  readonly 'parent-snapshot-id'?: Long | null
  readonly 'sequence-number'?: Long
  readonly 'timestamp-ms': number
  /** Absent only in v1, where `manifests` may take its place. */
  readonly 'manifest-list'?: string
  readonly manifests?: readonly string[]
  readonly summary?: Readonly<Record<string, string>>
  readonly 'schema-id'?: number
  readonly 'first-row-id'?: Long
  readonly 'added-rows'?: Long
}

/** A branch or tag inside a table. */
export type SnapshotRef = {
  readonly 'snapshot-id': Long
  readonly type: 'branch' | 'tag'
  readonly 'min-snapshots-to-keep'?: Long
  readonly 'max-snapshot-age-ms'?: Long
  readonly 'max-ref-age-ms'?: Long
}

export type SnapshotLogEntry = {
  readonly 'snapshot-id': Long
  readonly 'timestamp-ms': number
}

export type MetadataLogEntry = {
  readonly 'metadata-file': string
  readonly 'timestamp-ms': number
}

export const MAIN_BRANCH = 'main'

const OPERATIONS: readonly string[] = ['append', 'replace', 'overwrite', 'delete']

/** A snapshot, as it is. @throws CatalogError `bad-request` */
export function readSnapshot(value: Json, name: string, owner: string): Snapshot {
  const snapshot = asObject(value, name, owner)
  required(snapshot, 'snapshot-id', asLong, 'snapshot')
  if (snapshot['parent-snapshot-id'] !== -1) optional(snapshot, 'parent-snapshot-id', asLong, 'snapshot')
  optional(snapshot, 'sequence-number', asLong, 'snapshot')
  required(snapshot, 'timestamp-ms', asTimeMs, 'snapshot')
  const manifests = optional(snapshot, 'manifests', asList, 'snapshot')
  if (manifests) for (const manifest of manifests) asText(manifest, 'manifests', 'snapshot')
  else required(snapshot, 'manifest-list', asText, 'snapshot')
  optional(snapshot, 'manifest-list', asText, 'snapshot')
  optional(snapshot, 'summary', readSummary, 'snapshot')
  optional(snapshot, 'schema-id', asInt, 'snapshot')
  const firstRowId = optional(snapshot, 'first-row-id', asLong, 'snapshot')
  const addedRows = optional(snapshot, 'added-rows', asLong, 'snapshot')
  if (firstRowId !== undefined && addedRows === undefined)
    throw badRequest("Invalid snapshot: 'added-rows' is required when 'first-row-id' is set")
  optional(snapshot, 'key-id', asString, 'snapshot')
  return snapshot as Snapshot
}

/**
 * A branch or tag; only these fields, null ones left out. A tag keeps one snapshot, so it has no retention of many.
 * @throws CatalogError `bad-request`
 */
export function readRef(value: Json, name: string, owner: string): SnapshotRef {
  const ref = asObject(value, name, owner)
  checkRef(ref, name)
  return Object.fromEntries(
    REF_FIELDS.flatMap((key) => {
      const field = ref[key] ?? null
      return field === null ? [] : [[key, field]]
    }),
  ) as SnapshotRef
}

/** As {@link readRef}, for a file: unknown fields are kept. */
export function readStoredRef(value: Json, name: string, owner: string): SnapshotRef {
  const ref = asObject(value, name, owner)
  checkRef(ref, name)
  return ref as SnapshotRef
}

export function readSnapshotLogEntry(value: Json, name: string, owner: string): SnapshotLogEntry {
  const entry = asObject(value, name, owner)
  required(entry, 'snapshot-id', asLong, name)
  required(entry, 'timestamp-ms', asTimeMs, name)
  return entry as SnapshotLogEntry
}

export function readMetadataLogEntry(value: Json, name: string, owner: string): MetadataLogEntry {
  const entry = asObject(value, name, owner)
  required(entry, 'metadata-file', asText, name)
  required(entry, 'timestamp-ms', asTimeMs, name)
  return entry as MetadataLogEntry
}

const REF_FIELDS = ['snapshot-id', 'type', 'min-snapshots-to-keep', 'max-snapshot-age-ms', 'max-ref-age-ms'] as const

function checkRef(ref: JsonObject, owner: string): void {
  required(ref, 'snapshot-id', asLong, owner)
  const type = required(ref, 'type', asString, owner)
  if (type !== 'branch' && type !== 'tag') throw unexpected(owner, 'type', 'branch or tag', type)
  const keep = optional(ref, 'min-snapshots-to-keep', asPositiveInt, owner)
  const age = optional(ref, 'max-snapshot-age-ms', asPositiveLong, owner)
  optional(ref, 'max-ref-age-ms', asPositiveLong, owner)
  if (type === 'tag' && keep !== undefined) throw badRequest('Tags do not support setting minSnapshotsToKeep')
  if (type === 'tag' && age !== undefined) throw badRequest('Tags do not support setting maxSnapshotAgeMs')
}

function asPositiveInt(value: Json, name: string, owner: string): number {
  const integer = asInt(value, name, owner)
  if (integer === 0) throw unexpected(owner, name, 'a positive integer', value)
  return integer
}

function readSummary(value: Json, name: string, owner: string): Readonly<Record<string, string>> {
  const summary = asStringMap(value, name, owner)
  const { operation } = summary
  if (operation !== undefined && !OPERATIONS.includes(operation))
    throw unexpected(owner, 'summary.operation', OPERATIONS.join(', '), operation)
  return summary
}
