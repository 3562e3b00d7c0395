import { badRequest } from '#domain/errors'
import { checkDefault } from './default-value.ts'
import { brief, asBoolean, asInt, asList, asObject, asString, optional, required, unexpected } from './fields.ts'
import { isObject, writeJson, type Json, type JsonObject } from './json.ts'
import { canonicalPrimitive, parsePrimitive, type StructType, type Type } from './types.ts'

/** A table schema: a struct with an id. */
export type Schema = StructType & {
  readonly 'schema-id': number
  readonly 'identifier-field-ids'?: readonly number[]
}

export type NestedField = {
  readonly id: number
  readonly name: string
  readonly required: boolean
  readonly type: Type
  readonly doc?: string
  readonly 'initial-default'?: Json
  readonly 'write-default'?: Json
}

/** Readers recurse over types, some with little stack; real schemas stay far below. */
const TYPE_DEPTH_MAX = 50

/** Ids from here on belong to metadata columns such as `_file`. */
const RESERVED_FIELD_ID = 2_147_483_447

/**
 * Checks the structure of a schema and returns it as it is, unknown fields included; a missing `schema-id` becomes 0.
 * Ids, names and identifier fields are checked by `indexSchema`.
 * @throws CatalogError `bad-request`
 */
export function readSchema(value: Json, name: string, owner: string): Schema {
  const schema = asObject(value, name, owner)
  readStruct(schema, name, 0)
  optional(schema, 'identifier-field-ids', readFieldIds, name)
  return (optional(schema, 'schema-id', asInt, name) === undefined ? { ...schema, 'schema-id': 0 } : schema) as Schema
}

/** What makes two schemas the same: everything that readers see but the schema's id. */
export function schemaKey(schema: Schema): string {
  const identifiers = [...(schema['identifier-field-ids'] ?? [])].toSorted((a, b) => a - b)
  return writeJson([typeKey(schema), identifiers])
}

function readFieldIds(value: Json, name: string, owner: string): readonly number[] {
  return asList(value, name, owner).map((id) => asInt(id, name, owner))
}

function readStruct(struct: JsonObject, owner: string, depth: number): void {
  if (struct['type'] !== 'struct') throw unexpected(owner, 'type', '"struct"', struct['type'] ?? null)
  for (const item of required(struct, 'fields', asList, owner)) {
    const field = asObject(item, 'fields', owner)
    readFieldId(field, 'id', owner)
    const name = required(field, 'name', asString, `field of ${owner}`)
    const called = `field '${brief(name)}'`
    required(field, 'required', asBoolean, called)
    optional(field, 'doc', asString, called)
    const type = required(field, 'type', readType(depth + 1), called)
    for (const key of ['initial-default', 'write-default'])
      optional(field, key, (value, at, of) => checkDefault(type, value, at, of), called)
  }
}

function readType(depth: number): (value: Json, name: string, owner: string) => Type {
  return (value, name, owner) => {
    if (depth > TYPE_DEPTH_MAX) throw badRequest(`Invalid ${owner}: types nest at most ${TYPE_DEPTH_MAX} levels deep`)
    if (typeof value === 'string') {
      parsePrimitive(value)
      return value
    }
    if (!isObject(value)) throw unexpected(owner, name, 'a type', value)
    const nested = NESTED.get(value['type'])
    if (!nested) throw unexpected(owner, 'type', 'struct, list or map', value['type'] ?? null)
    nested(value, owner, depth)
    return value as Type
  }
}

const NESTED: ReadonlyMap<Json | undefined, (type: JsonObject, owner: string, depth: number) => void> = new Map([
  ['struct', readStruct],
  [
    'list',
    (type, owner, depth) => {
      readFieldId(type, 'element-id', owner)
      required(type, 'element-required', asBoolean, owner)
      required(type, 'element', readType(depth + 1), owner)
    },
  ],
  [
    'map',
    (type, owner, depth) => {
      readFieldId(type, 'key-id', owner)
      readFieldId(type, 'value-id', owner)
      required(type, 'value-required', asBoolean, owner)
      required(type, 'key', readType(depth + 1), owner)
      required(type, 'value', readType(depth + 1), owner)
    },
  ],
])

function readFieldId(object: JsonObject, name: string, owner: string): void {
  if (required(object, name, asInt, owner) >= RESERVED_FIELD_ID)
    throw unexpected(owner, name, `below ${RESERVED_FIELD_ID}`, object[name] ?? null)
}

function typeKey(type: Type): Json {
  if (typeof type === 'string') return canonicalPrimitive(type)
  switch (type.type) {
    case 'struct':
      return type.fields.map((field) => [
        field.id,
        field.name,
        field.required,
        typeKey(field.type),
        field.doc ?? null,
        field['initial-default'] ?? null,
        field['write-default'] ?? null,
      ])
    case 'list':
      return ['list', type['element-id'], type['element-required'], typeKey(type.element)]
    default:
      return ['map', type['key-id'], typeKey(type.key), type['value-id'], type['value-required'], typeKey(type.value)]
  }
}
