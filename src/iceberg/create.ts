import { badRequest } from '#domain/errors'
import { asBoolean, asObject, asString, asStringMap, optional, required, shown, withoutNulls } from './fields.ts'
import { withFreshIds } from './fresh-ids.ts'
import type { Json } from './json.ts'
import { FORMAT_VERSION_MAX, withLegacyFields, type FormatVersion, type TableMetadata } from './metadata.ts'
import { highestPartitionId, readUnboundSpec, type UnboundPartitionSpec } from './partition-spec.ts'
import { readSchema, type Schema } from './schema.ts'
import { checkSchemaVersion } from './schema-index.ts'
import { readSortOrder, UNSORTED, type SortOrder } from './sort-order.ts'
import { asLocation } from './updates.ts'

/** The body of a create, checked in itself. */
export interface CreateRequest {
  readonly name: string
  readonly location?: string
  readonly schema: Schema
  readonly partitionSpec?: UnboundPartitionSpec
  readonly writeOrder?: SortOrder
  readonly stageCreate: boolean
  readonly properties: Readonly<Record<string, string>>
}

/** What a new table is made of. `location` is stored as it is given. */
export interface NewTable {
  readonly schema: Schema
  readonly partitionSpec?: UnboundPartitionSpec
  readonly writeOrder?: SortOrder
  readonly properties: Readonly<Record<string, string>>
  readonly location: string
  readonly uuid: string
  readonly nowMs: number
}

/** Properties that say something about the metadata; they are answered from it, never stored. */
const RESERVED_PROPERTIES: ReadonlySet<string> = new Set([
  'format-version',
  'uuid',
  'snapshot-count',
  'current-snapshot-id',
  'current-snapshot-summary',
  'current-snapshot-timestamp-ms',
  'current-schema',
  'default-partition-spec',
  'default-sort-order',
])

const FORMAT_VERSION_DEFAULT: FormatVersion = 2

const OWNER = 'create request'

/** Reads the body of a create. Whether `name` is a good name is for the caller to say. @throws CatalogError `bad-request` */
export function parseCreateRequest(json: Json): CreateRequest {
  const body = asObject(json, 'body', OWNER)
  const location = optional(body, 'location', asLocation, OWNER)
  const partitionSpec = optional(body, 'partition-spec', readUnboundSpec, OWNER)
  const writeOrder = optional(body, 'write-order', readSortOrder, OWNER)
  const schema = required(body, 'schema', readSchema, OWNER)
  return {
    name: required(body, 'name', asString, OWNER),
    ...(location === undefined ? {} : { location }),
    schema: withoutNulls(schema),
    ...(partitionSpec ? { partitionSpec } : {}),
    ...(writeOrder ? { writeOrder } : {}),
    stageCreate: optional(body, 'stage-create', asBoolean, OWNER) ?? false,
    properties: optional(body, 'properties', asStringMap, OWNER) ?? {},
  }
}

/**
 * The first metadata of a table. Its ids are the catalog's own; the property `format-version` chooses the version.
 * @throws CatalogError `bad-request` if the parts don't fit together or the version doesn't know a type
 */
export function newTableMetadata(table: NewTable): TableMetadata {
  const formatVersion = formatVersionOf(table.properties)
  checkSchemaVersion(table.schema, formatVersion)
  const fresh = withFreshIds(table.schema, table.partitionSpec ?? { fields: [] }, table.writeOrder ?? UNSORTED)
  return withLegacyFields({
    'format-version': formatVersion,
    'table-uuid': table.uuid,
    location: table.location,
    ...(formatVersion >= 2 ? { 'last-sequence-number': 0 } : {}),
    'last-updated-ms': table.nowMs,
    'last-column-id': fresh.lastColumnId,
    'current-schema-id': 0,
    schemas: [fresh.schema],
    'default-spec-id': 0,
    'partition-specs': [fresh.spec],
    'last-partition-id': highestPartitionId(fresh.spec),
    'default-sort-order-id': fresh.order['order-id'],
    'sort-orders': [fresh.order],
    properties: Object.fromEntries(Object.entries(table.properties).filter(([name]) => !RESERVED_PROPERTIES.has(name))),
    'current-snapshot-id': formatVersion >= 3 ? null : -1,
    ...(formatVersion >= 3 ? { 'next-row-id': 0 } : {}),
    refs: {},
    snapshots: [],
    statistics: [],
    'partition-statistics': [],
    'snapshot-log': [],
    'metadata-log': [],
  })
}

function formatVersionOf(properties: Readonly<Record<string, string>>): FormatVersion {
  const version = properties['format-version'] ?? String(FORMAT_VERSION_DEFAULT)
  if (version === '1') return 1
  if (version === '2') return 2
  if (version === '3') return 3
  throw badRequest(`Invalid property 'format-version': expected 1 to ${FORMAT_VERSION_MAX}, found ${shown(version)}`)
}
