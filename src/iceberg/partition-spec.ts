import { badRequest } from '#domain/errors'
import { brief, asInt, asList, asObject, asString, asText, INT_MAX, optional, required, unexpected } from './fields.ts'
import { writeJson, type Json, type JsonObject } from './json.ts'
import { indexSchema } from './schema-index.ts'
import type { Schema } from './schema.ts'
import { canTransform, isKnownTransform } from './transforms.ts'
import { isPrimitive, typeName } from './types.ts'

export type PartitionField = {
  readonly 'source-id': number
  readonly 'field-id': number
  readonly name: string
  readonly transform: string
}

export type PartitionSpec = {
  readonly 'spec-id': number
  readonly fields: readonly PartitionField[]
}

/** A spec as a client sends it: its ids may be missing. */
export type UnboundPartitionSpec = {
  readonly fields: readonly (Omit<PartitionField, 'field-id'> & { readonly 'field-id'?: number })[]
}

/** `last-partition-id` of a table that never had a partition field; the first one gets 1000. */
export const NO_PARTITION_ID = 999

/** A spec of a metadata file, as it is. @throws CatalogError `bad-request` */
export function readSpec(value: Json, name: string, owner: string): PartitionSpec {
  const spec = asObject(value, name, owner)
  required(spec, 'spec-id', asInt, name)
  return { ...spec, 'spec-id': Number(spec['spec-id']), fields: readSpecFields(spec['fields'] ?? null, name) }
}

/** The fields of a stored spec. Early v1 files have none of the field ids: they count from 1000. */
export function readSpecFields(value: Json, owner: string): readonly PartitionField[] {
  const { fields } = readUnboundSpec({ fields: value }, owner, owner)
  return fields.map((field, position) =>
    field['field-id'] === undefined
      ? { ...field, 'field-id': NO_PARTITION_ID + 1 + position }
      : { ...field, 'field-id': field['field-id'] },
  )
}

/** A spec of a request. @throws CatalogError `bad-request` */
export function readUnboundSpec(value: Json, name: string, owner: string): UnboundPartitionSpec {
  const spec = asObject(value, name, owner)
  const fields = required(spec, 'fields', asList, name).map((item) => {
    const field = withSourceId(asObject(item, 'fields', name), name)
    required(field, 'source-id', asInt, name)
    required(field, 'name', asString, name)
    required(field, 'transform', asText, name)
    optional(field, 'field-id', asInt, name)
    return field as UnboundPartitionSpec['fields'][number]
  })
  const given = fields.flatMap((field) => field['field-id'] ?? [])
  if (given.length > 0 && given.length < fields.length)
    throw badRequest(`Invalid ${name}: expected all fields to have a 'field-id', or none`)
  if (new Set(given).size < given.length) throw badRequest(`Invalid ${name}: two fields have the same 'field-id'`)
  return { ...spec, fields }
}

/** What makes two specs the same for a table: sources, transforms and names, in order. */
export function specKey(spec: UnboundPartitionSpec): string {
  return writeJson(spec.fields.map((field) => [field['source-id'], field.transform, field.name]))
}

/** The highest field id of a spec; 999 if there is none. */
export function highestPartitionId(spec: PartitionSpec): number {
  return spec.fields.reduce((highest, field) => Math.max(highest, field['field-id']), NO_PARTITION_ID)
}

/** Refuses names that are missing, taken twice, or taken by another column. @throws CatalogError `bad-request` */
export function checkSpecNames(spec: UnboundPartitionSpec, schema: Schema): void {
  const names = new Set<string>()
  const { byName } = indexSchema(schema)
  for (const { name, 'source-id': source } of spec.fields) {
    if (name === '') throw badRequest('Invalid partition spec: a partition field needs a name')
    if (names.has(name)) throw badRequest(`Invalid partition spec: two partition fields are named '${brief(name)}'`)
    names.add(name)
    const column = byName.get(name)
    if (column && column.id !== source)
      throw badRequest(`Invalid partition spec: the name '${brief(name)}' is that of another column of the schema`)
  }
}

/** Refuses transforms that nobody knows in what a client adds. @throws CatalogError `bad-request` */
export function checkTransforms(spec: UnboundPartitionSpec): void {
  const unknown = spec.fields.find(({ transform }) => !isKnownTransform(transform))
  if (unknown) throw badRequest(`Invalid partition spec: '${brief(unknown.transform)}' is not a transform`)
}

/**
 * Checks that every source column is there and takes its transform. A `void` field may outlive its column; a transform
 * of a later version that this one doesn't know is left alone.
 * @throws CatalogError `bad-request`
 */
export function checkSpecSources(spec: UnboundPartitionSpec, schema: Schema): void {
  const { byId } = indexSchema(schema)
  for (const { name, transform, 'source-id': source } of spec.fields) {
    if (transform === 'void') continue
    const column = byId.get(source)
    if (!column)
      throw badRequest(`Cannot find source column for partition field: ${brief(name)}: ${brief(transform)}(${source})`)
    if (!isPrimitive(column.type))
      throw badRequest(
        `Cannot partition by non-primitive source field: ${brief(column.name)} (${typeName(column.type)})`,
      )
    if (isKnownTransform(transform) && !canTransform(transform, column.type))
      throw badRequest(
        `Invalid source type ${typeName(column.type)} of '${brief(column.name)}' for transform: ${brief(transform)}`,
      )
    for (let { parent } = column; parent; { parent } = parent)
      if (typeName(parent.type) !== 'struct')
        throw badRequest(`Invalid partition field parent: '${brief(parent.name)}' is a ${typeName(parent.type)}`)
  }
}

/** v1 manifests have no field ids: readers count them. @throws CatalogError `bad-request` */
export function checkSequentialIds(spec: PartitionSpec): void {
  for (const [position, { name, 'field-id': id }] of spec.fields.entries())
    if (id !== NO_PARTITION_ID + 1 + position)
      throw badRequest(
        `Invalid partition spec for v1: expected field ids 1000, 1001, …, found ${id} for partition field '${brief(name)}'`,
      )
}

/** The field ids a table has given out, by source and transform, and the last of them. */
export interface PartitionIds {
  readonly known: ReadonlyMap<string, number>
  readonly last: number
}

/** The ids of all fields of a table's specs; the earliest counts where a field has several. */
export function partitionIdsOf(specs: Iterable<PartitionSpec>): Map<string, number> {
  const ids = new Map<string, number>()
  for (const spec of specs) rememberPartitionIds(ids, spec)
  return ids
}

/** Adds the fields of a new spec to {@link partitionIdsOf}. */
export function rememberPartitionIds(ids: Map<string, number>, spec: PartitionSpec): void {
  for (const field of spec.fields) if (!ids.has(fieldKey(field))) ids.set(fieldKey(field), field['field-id'])
}

/**
 * Gives the fields of a new spec their ids: those the client gave, or those that equal fields of earlier specs have,
 * or new ones. Without `ids` they count from 1000, as v1 wants.
 * @throws CatalogError `bad-request` if there are none left
 */
export function assignPartitionIds(
  spec: UnboundPartitionSpec,
  specId: number,
  ids: PartitionIds = { known: new Map(), last: NO_PARTITION_ID },
): PartitionSpec {
  const used = new Set(spec.fields.flatMap((field) => field['field-id'] ?? []))
  let { last } = ids
  const fields = spec.fields.map((field) => {
    if (field['field-id'] !== undefined) return { ...field, 'field-id': field['field-id'] }
    const reused = ids.known.get(fieldKey(field))
    if (reused !== undefined && !used.has(reused)) {
      used.add(reused)
      return { ...field, 'field-id': reused }
    }
    last += 1
    if (last > INT_MAX) throw badRequest('Invalid partition spec: the table has no partition field ids left')
    return { ...field, 'field-id': last }
  })
  return { ...spec, 'spec-id': specId, fields }
}

function fieldKey(field: { readonly 'source-id': number; readonly transform: string }): string {
  return `${field['source-id']} ${field.transform}`
}

/** v3 may list several sources, but no transform takes more than one: `source-ids` of one is `source-id`. */
export function withSourceId(field: JsonObject, owner: string): JsonObject {
  const sources = field['source-ids']
  if (sources === undefined || (field['source-id'] ?? null) !== null) return field
  const list = asList(sources, 'source-ids', owner)
  if (list.length !== 1 || list[0] === undefined) throw unexpected(owner, 'source-ids', 'a list of one id', sources)
  return { ...field, 'source-id': list[0] }
}
