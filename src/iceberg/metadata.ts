import { badRequest } from '#domain/errors'
import { asObject, shown, type Long } from './fields.ts'
import { idOf, parseJson, writeJson, type Json } from './json.ts'
import { checkMetadata } from './metadata-check.ts'
import { normalised } from './metadata-defaults.ts'
import type { PartitionSpec } from './partition-spec.ts'
import type { Schema } from './schema.ts'
import type { MetadataLogEntry, Snapshot, SnapshotLogEntry, SnapshotRef } from './snapshots.ts'
import type { SortOrder } from './sort-order.ts'
import type { EncryptionKey, StatisticsFile } from './statistics.ts'

export type FormatVersion = 1 | 2 | 3

/** The newest format that is read and written. */
export const FORMAT_VERSION_MAX = 3

/**
 * Table metadata as JSON has it, checked and complete: what a file may leave out is there. Fields that are not listed
 * are there too and survive a rewrite. Never changed in place.
 */
export type TableMetadata = {
  readonly 'format-version': FormatVersion
  /** v1 files may lack it; the first commit adds one. */
  readonly 'table-uuid'?: string
  readonly location: string
  /** From v2 on. */
  readonly 'last-sequence-number'?: Long
  readonly 'last-updated-ms': number
  readonly 'last-column-id': number
  readonly 'current-schema-id': number
  readonly schemas: readonly Schema[]
  readonly 'default-spec-id': number
  readonly 'partition-specs': readonly PartitionSpec[]
  readonly 'last-partition-id': number
  readonly 'default-sort-order-id': number
  readonly 'sort-orders': readonly SortOrder[]
  readonly properties: Readonly<Record<string, string>>
  /** -1, null and absent all mean "none": see {@link currentSnapshotId}. */
  readonly 'current-snapshot-id'?: Long | null
  /** From v3 on. */
  readonly 'next-row-id'?: Long
  readonly refs: Readonly<Record<string, SnapshotRef>>
  readonly snapshots: readonly Snapshot[]
  readonly statistics: readonly StatisticsFile[]
  readonly 'partition-statistics': readonly StatisticsFile[]
  readonly 'snapshot-log': readonly SnapshotLogEntry[]
  readonly 'metadata-log': readonly MetadataLogEntry[]
  readonly 'encryption-keys'?: readonly EncryptionKey[]
  /** v1 only, for readers older than `schemas` and `partition-specs`; nothing here reads them. */
  readonly schema?: Schema
  readonly 'partition-spec'?: PartitionSpec['fields']
}

/**
 * Parses a metadata file of format version 1, 2 or 3 and checks it, so that everything else can rely on it. v1's older
 * fields become the newer ones; a missing `main` is made from the current snapshot.
 * @throws CatalogError `bad-request` saying what is wrong with it
 */
export function readTableMetadata(text: string): TableMetadata {
  const file = asObject(parseJson(text), 'metadata', 'table metadata')
  const metadata = normalised(file, readFormatVersion(file['format-version']))
  checkMetadata(metadata)
  return metadata as TableMetadata
}

/** The text of a metadata file: what was read, byte for byte, where nothing changed. */
export function writeTableMetadata(metadata: TableMetadata): string {
  return writeJson(metadata)
}

/** v1 metadata with the two fields that its older readers need: the current schema and the default spec's fields. */
export function withLegacyFields(metadata: TableMetadata): TableMetadata {
  if (metadata['format-version'] > 1) return metadata
  return { ...metadata, schema: currentSchema(metadata), 'partition-spec': defaultSpec(metadata).fields }
}

/** The current snapshot's id as decimal text, or undefined if there is none. */
export function currentSnapshotId(metadata: Pick<TableMetadata, 'current-snapshot-id'>): string | undefined {
  const id = idOf(metadata['current-snapshot-id'])
  return id === '-1' ? undefined : id
}

function currentSchema(metadata: TableMetadata): Schema {
  return found(
    metadata.schemas.find((schema) => schema['schema-id'] === metadata['current-schema-id']),
    'current-schema-id',
  )
}

function defaultSpec(metadata: TableMetadata): PartitionSpec {
  return found(
    metadata['partition-specs'].find((spec) => spec['spec-id'] === metadata['default-spec-id']),
    'default-spec-id',
  )
}

function readFormatVersion(version: Json | undefined): FormatVersion {
  if (version === 1 || version === 2 || version === 3) return version
  if (typeof version === 'number' && version > FORMAT_VERSION_MAX)
    throw badRequest(`Cannot read table metadata of format version ${version}: expected at most ${FORMAT_VERSION_MAX}`)
  throw badRequest(`Invalid table metadata: expected 'format-version' 1, 2 or 3, found ${shown(version ?? null)}`)
}

function found<T>(value: T | undefined, field: string): T {
  if (value === undefined) throw badRequest(`Invalid table metadata: '${field}' names nothing that is there`)
  return value
}
