import { badRequest } from '#domain/errors'
import { brief, asInt, asList, asObject, asText, optional, required, unexpected } from './fields.ts'
import { writeJson, type Json, type JsonObject } from './json.ts'
import { withSourceId } from './partition-spec.ts'
import { indexSchema } from './schema-index.ts'
import type { Schema } from './schema.ts'
import { canTransform, isKnownTransform } from './transforms.ts'
import { isPrimitive, typeName } from './types.ts'

export type SortField = {
  readonly 'source-id': number
  readonly transform: string
  readonly direction: 'asc' | 'desc'
  readonly 'null-order': 'nulls-first' | 'nulls-last'
}

export type SortOrder = {
  readonly 'order-id': number
  readonly fields: readonly SortField[]
}

export const UNSORTED: SortOrder = { 'order-id': 0, fields: [] }

/**
 * A sort order of a metadata file or a request; a missing `order-id` becomes 0 without fields, else 1.
 * @throws CatalogError `bad-request`
 */
export function readSortOrder(value: Json, name: string, owner: string): SortOrder {
  const order = asObject(value, name, owner)
  const fields = required(order, 'fields', asList, name).map((item) => readSortField(item, name))
  const id = optional(order, 'order-id', asInt, name) ?? (fields.length === 0 ? 0 : 1)
  if (id === 0 && fields.length > 0) throw badRequest(`Invalid ${name}: order id 0 is reserved for the unsorted order`)
  if (id !== 0 && fields.length === 0) throw badRequest(`Invalid ${name}: unsorted order id must be 0, found ${id}`)
  return { ...order, 'order-id': id, fields }
}

/** What makes two sort orders the same for a table. */
export function sortOrderKey(order: SortOrder): string {
  return writeJson(
    order.fields.map((field) => [field['source-id'], field.transform, field.direction, field['null-order']]),
  )
}

/** Checks that every source column is there and takes its transform. @throws CatalogError `bad-request` */
export function checkSortSources(order: SortOrder, schema: Schema): void {
  const { byId } = indexSchema(schema)
  for (const { transform, 'source-id': source } of order.fields) {
    const column = byId.get(source)
    if (!column) throw badRequest(`Cannot find source column for sort field: ${brief(transform)}(${source})`)
    if (!isPrimitive(column.type))
      throw badRequest(`Cannot sort by non-primitive source field: ${brief(column.name)} (${typeName(column.type)})`)
    if (isKnownTransform(transform) && !canTransform(transform, column.type))
      throw badRequest(
        `Invalid source type ${typeName(column.type)} of '${brief(column.name)}' for transform: ${brief(transform)}`,
      )
  }
}

/** Refuses transforms that nobody knows. @throws CatalogError `bad-request` */
export function checkSortTransforms(order: SortOrder): void {
  for (const { transform } of order.fields)
    if (!isKnownTransform(transform)) throw badRequest(`Invalid sort order: '${brief(transform)}' is not a transform`)
}

function readSortField(item: Json, owner: string): SortField {
  const field: JsonObject = withSourceId(asObject(item, 'fields', owner), owner)
  required(field, 'source-id', asInt, owner)
  required(field, 'transform', asText, owner)
  oneOf(field, 'direction', ['asc', 'desc'], owner)
  oneOf(field, 'null-order', ['nulls-first', 'nulls-last'], owner)
  return field as SortField
}

function oneOf(object: JsonObject, name: string, allowed: readonly string[], owner: string): void {
  const value = object[name] ?? null
  if (typeof value !== 'string' || !allowed.includes(value)) throw unexpected(owner, name, allowed.join(' or '), value)
}
