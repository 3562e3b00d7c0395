import { badRequest } from '#domain/errors'
import { brief } from './fields.ts'
import type { Json } from './json.ts'
import type { NestedField, Schema } from './schema.ts'
import { isPrimitive, sinceVersion, typeName, type Type } from './types.ts'

/** A column at any depth. `name` is the full, dotted one; list elements, map keys and values are columns too. */
export interface Column {
  readonly id: number
  readonly name: string
  readonly type: Type
  readonly required: boolean
  readonly initialDefault: Json
  readonly parent: Column | null
}

export interface SchemaIndex {
  readonly byId: ReadonlyMap<number, Column>
  readonly byName: ReadonlyMap<string, Column>
  /** 0 for a schema without columns. */
  readonly highestId: number
}

/** Characters of all full names of a schema together: deep nesting multiplies long names. */
const FULL_NAMES_CHARS_MAX = 8 * 1024 * 1024

/** Schemas are never changed, so each is indexed once. */
const indexes = new WeakMap<Schema, SchemaIndex>()

/**
 * The columns of a schema.
 * @throws CatalogError `bad-request` if ids or full names are not unique, or identifier fields can't identify rows
 */
export function indexSchema(schema: Schema): SchemaIndex {
  const known = indexes.get(schema)
  if (known) return known
  const byId = new Map<number, Column>()
  const byName = new Map<string, Column>()
  let chars = 0
  for (const column of columnsOf(schema.fields, null)) {
    chars += column.name.length
    if (chars > FULL_NAMES_CHARS_MAX)
      throw badRequest(
        `Invalid schema: expected full column names of at most ${FULL_NAMES_CHARS_MAX} characters in all`,
      )
    if (byId.has(column.id))
      throw badRequest(
        `Invalid schema: fields '${brief(byId.get(column.id)?.name ?? '')}' and '${brief(column.name)}' both have id ${column.id}`,
      )
    if (byName.has(column.name)) throw badRequest(`Invalid schema: multiple fields for name ${brief(column.name)}`)
    byId.set(column.id, column)
    byName.set(column.name, column)
  }
  const highestId = [...byId.keys()].reduce((highest, id) => Math.max(highest, id), 0)
  const index = { byId, byName, highestId }
  for (const id of schema['identifier-field-ids'] ?? []) checkIdentifier(index, id)
  indexes.set(schema, index)
  return index
}

/**
 * Refuses what the format version doesn't know yet, with the text that Java's clients look for.
 * @throws CatalogError `bad-request`
 */
export function checkSchemaVersion(schema: Schema, formatVersion: number): void {
  const problems: string[] = []
  for (const { name, type, initialDefault } of indexSchema(schema).byId.values()) {
    const since = typeof type === 'string' ? sinceVersion(type) : 1
    if (since > formatVersion)
      problems.push(`Invalid type for ${brief(name)}: ${typeName(type)} is not supported until v${since}`)
    if (initialDefault !== null && formatVersion < DEFAULTS_SINCE_VERSION)
      problems.push(
        `Invalid initial default for ${brief(name)}: non-null default is not supported until v${DEFAULTS_SINCE_VERSION}`,
      )
  }
  if (problems.length > 0)
    throw badRequest(`Invalid schema for v${formatVersion}:\n${problems.map((text) => `- ${text}`).join('\n')}`)
}

const DEFAULTS_SINCE_VERSION = 3

/** Depth first, a struct's field before what is inside it. */
function* columnsOf(fields: readonly NestedField[], parent: Column | null): Generator<Column> {
  for (const field of fields)
    yield* columnAndInner({
      id: field.id,
      name: fullName(parent, field.name),
      type: field.type,
      required: field.required,
      initialDefault: field['initial-default'] ?? null,
      parent,
    })
}

function* columnAndInner(column: Column): Generator<Column> {
  yield column
  const { type } = column
  if (typeof type === 'string') return
  if (type.type === 'struct') yield* columnsOf(type.fields, column)
  if (type.type === 'list')
    yield* columnAndInner(innerColumn(column, 'element', type['element-id'], type.element, type['element-required']))
  if (type.type === 'map') {
    yield* columnAndInner(innerColumn(column, 'key', type['key-id'], type.key, true))
    yield* columnAndInner(innerColumn(column, 'value', type['value-id'], type.value, type['value-required']))
  }
}

function innerColumn(parent: Column, name: string, id: number, type: Type, required: boolean): Column {
  return { id, name: fullName(parent, name), type, required, initialDefault: null, parent }
}

function fullName(parent: Column | null, name: string): string {
  return parent ? `${parent.name}.${name}` : name
}

function checkIdentifier(index: SchemaIndex, id: number): void {
  const column = index.byId.get(id)
  if (!column) throw badRequest(`Invalid schema: identifier field ${id} is not in it`)
  const problem = identifierProblem(column)
  if (problem) throw badRequest(`Invalid schema: '${brief(column.name)}' can't be an identifier field: ${problem}`)
}

function identifierProblem(column: Column): string | undefined {
  if (!isPrimitive(column.type)) return 'it is not of a primitive type'
  if (!column.required) return 'it is not required'
  if (column.type === 'float' || column.type === 'double') return 'it is a float or double'
  for (let parent = column.parent; parent; parent = parent.parent)
    if (typeName(parent.type) !== 'struct' || !parent.required)
      return `'${brief(parent.name)}' is not a required struct`
  return undefined
}
