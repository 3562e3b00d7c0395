import { asInt, asList, asObject, optional, required } from './fields.ts'
import { idOf, type Json, type JsonObject } from './json.ts'
import { highestPartitionId, readSpec, readSpecFields, type PartitionSpec } from './partition-spec.ts'
import { readSchema } from './schema.ts'
import { MAIN_BRANCH } from './snapshots.ts'
import { readSortOrder, UNSORTED } from './sort-order.ts'

const OWNER = 'table metadata'

/**
 * The file with everything in it that it may leave out, each present key in its place. Only v1 may leave out schemas,
 * specs and orders: it has older fields for them.
 * @throws CatalogError `bad-request`
 */
export function normalised(file: JsonObject, formatVersion: number): JsonObject {
  const metadata = {
    ...file,
    ...structure(file, formatVersion === 1),
    ...withDefault(file, 'properties', {}),
    ...withDefault(file, 'snapshots', []),
    ...withDefault(file, 'statistics', []),
    ...withDefault(file, 'partition-statistics', []),
    ...withDefault(file, 'snapshot-log', []),
    ...withDefault(file, 'metadata-log', []),
    ...(formatVersion >= 2 ? withDefault(file, 'last-sequence-number', 0) : {}),
    ...(formatVersion >= 3 ? withDefault(file, 'next-row-id', 0) : {}),
  }
  return { ...metadata, refs: refsOf(file) }
}

/** Schemas, specs and sort orders, and which of them count. */
function structure(file: JsonObject, v1: boolean): JsonObject {
  const schemas = v1 && isAbsent(file, 'schemas') ? [file['schema'] ?? null] : required(file, 'schemas', asList, OWNER)
  const readSchemas = schemas.map((schema) => readSchema(schema, 'schema', OWNER))
  const only = readSchemas.length === 1 ? readSchemas[0]?.['schema-id'] : undefined
  const specs = partitionSpecs(file, v1)
  const orders = sortOrders(file, v1)
  return {
    schemas: readSchemas,
    'current-schema-id': v1
      ? (optional(file, 'current-schema-id', asInt, OWNER) ?? only ?? 0)
      : (file['current-schema-id'] ?? null),
    'partition-specs': specs,
    'default-spec-id': v1 ? (optional(file, 'default-spec-id', asInt, OWNER) ?? 0) : (file['default-spec-id'] ?? null),
    'last-partition-id': v1
      ? (optional(file, 'last-partition-id', asInt, OWNER) ??
        specs.reduce((highest, spec) => Math.max(highest, highestPartitionId(spec)), 0))
      : (file['last-partition-id'] ?? null),
    'sort-orders': orders,
    'default-sort-order-id': v1
      ? (optional(file, 'default-sort-order-id', asInt, OWNER) ?? 0)
      : (file['default-sort-order-id'] ?? null),
  }
}

function partitionSpecs(file: JsonObject, v1: boolean): readonly PartitionSpec[] {
  if (v1 && isAbsent(file, 'partition-specs'))
    return [{ 'spec-id': 0, fields: readSpecFields(file['partition-spec'] ?? [], 'partition-spec') }]
  return required(file, 'partition-specs', asList, OWNER).map((spec) => readSpec(spec, 'partition-spec', OWNER))
}

/** With the unsorted order where it is the default but not listed. */
function sortOrders(file: JsonObject, v1: boolean): readonly Json[] {
  const listed = v1 && isAbsent(file, 'sort-orders') ? [] : required(file, 'sort-orders', asList, OWNER)
  const orders = listed.map((order) => readSortOrder(order, 'sort-order', OWNER))
  const wanted = file['default-sort-order-id'] ?? 0
  const complete = wanted === 0 && !orders.some((order) => order['order-id'] === 0) ? [...orders, UNSORTED] : orders
  return complete
}

/** The refs, with `main` made from the current snapshot where it is missing. */
function refsOf(file: JsonObject): JsonObject {
  const refs = optional(file, 'refs', asObject, OWNER) ?? {}
  const current = idOf(file['current-snapshot-id'])
  if (current === undefined || current === '-1' || Object.hasOwn(refs, MAIN_BRANCH)) return refs
  return { ...refs, [MAIN_BRANCH]: { 'snapshot-id': file['current-snapshot-id'] ?? null, type: 'branch' } }
}

function isAbsent(file: JsonObject, name: string): boolean {
  return (file[name] ?? null) === null
}

function withDefault(file: JsonObject, name: string, value: Json): JsonObject {
  return isAbsent(file, name) ? { [name]: value } : {}
}
