import { badRequest } from '#domain/errors'
import { assignPartitionIds, checkSpecNames, checkSpecSources, checkTransforms } from './partition-spec.ts'
import type { PartitionSpec, UnboundPartitionSpec } from './partition-spec.ts'
import { indexSchema } from './schema-index.ts'
import type { NestedField, Schema } from './schema.ts'
import { checkSortSources, checkSortTransforms, UNSORTED, type SortOrder } from './sort-order.ts'
import type { StructType, Type } from './types.ts'

/** New ids by the ids that the client made up. */
type FreshIds = Map<number, number>

/** A new table's schema, spec and sort order under ids of the catalog's choosing, as Java's catalogs choose them. */
export interface FreshStructure {
  readonly schema: Schema
  readonly spec: PartitionSpec
  readonly order: SortOrder
  readonly lastColumnId: number
}

/**
 * Columns count from 1, all fields of a struct before what is inside them; partition fields from 1000; a sort order is
 * 1, or 0 without fields.
 * @throws CatalogError `bad-request` if the parts don't fit together
 */
export function withFreshIds(schema: Schema, spec: UnboundPartitionSpec, order: SortOrder): FreshStructure {
  indexSchema(schema)
  const ids: FreshIds = new Map()
  const struct = freshStruct(schema, ids)
  const identifiers = schema['identifier-field-ids']
  const fresh: Schema = {
    ...struct,
    'schema-id': 0,
    ...(identifiers ? { 'identifier-field-ids': identifiers.map((id) => freshId(id, ids, 'identifier field')) } : {}),
  }
  return {
    schema: fresh,
    spec: freshSpec(spec, fresh, ids),
    order: freshOrder(order, fresh, ids),
    lastColumnId: ids.size,
  }
}

function freshStruct<T extends StructType>(struct: T, ids: FreshIds): T {
  for (const field of struct.fields) assign(field.id, ids)
  const fields = struct.fields.map((field): NestedField => ({
    ...field,
    id: known(field.id, ids),
    type: freshType(field.type, ids),
  }))
  return { ...struct, fields }
}

function freshType(type: Type, ids: FreshIds): Type {
  if (typeof type === 'string') return type
  if (type.type === 'struct') return freshStruct(type, ids)
  if (type.type === 'list')
    return { ...type, 'element-id': assign(type['element-id'], ids), element: freshType(type.element, ids) }
  const keyId = assign(type['key-id'], ids)
  const valueId = assign(type['value-id'], ids)
  return {
    ...type,
    'key-id': keyId,
    'value-id': valueId,
    key: freshType(type.key, ids),
    value: freshType(type.value, ids),
  }
}

function freshSpec(spec: UnboundPartitionSpec, schema: Schema, ids: FreshIds): PartitionSpec {
  const fields = spec.fields.map(({ 'field-id': _fieldId, ...field }) => ({
    ...field,
    'source-id': freshId(field['source-id'], ids, 'partition field'),
  }))
  checkSpecNames({ fields }, schema)
  checkTransforms({ fields })
  checkSpecSources({ fields }, schema)
  return assignPartitionIds({ ...spec, fields }, 0)
}

function freshOrder(order: SortOrder, schema: Schema, ids: FreshIds): SortOrder {
  if (order.fields.length === 0) return UNSORTED
  const fields = order.fields.map((field) => ({
    ...field,
    'source-id': freshId(field['source-id'], ids, 'sort field'),
  }))
  const fresh = { ...order, 'order-id': 1, fields }
  checkSortTransforms(fresh)
  checkSortSources(fresh, schema)
  return fresh
}

function assign(id: number, ids: FreshIds): number {
  const fresh = ids.size + 1
  ids.set(id, fresh)
  return fresh
}

function known(id: number, ids: FreshIds): number {
  return freshId(id, ids, 'field')
}

function freshId(id: number, ids: FreshIds, what: string): number {
  const fresh = ids.get(id)
  if (fresh === undefined) throw badRequest(`Cannot find source column for ${what}: ${id} is not in the schema`)
  return fresh
}
