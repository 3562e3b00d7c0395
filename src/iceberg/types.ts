import { badRequest } from '#domain/errors'
import { shown } from './fields.ts'
import type { NestedField } from './schema.ts'

/** Iceberg's types as JSON has them: text for primitives, objects for the nested ones. */
export type Type = string | StructType | ListType | MapType

export type StructType = {
  readonly type: 'struct'
  readonly fields: readonly NestedField[]
}

export type ListType = {
  readonly type: 'list'
  readonly 'element-id': number
  readonly element: Type
  readonly 'element-required': boolean
}

export type MapType = {
  readonly type: 'map'
  readonly 'key-id': number
  readonly key: Type
  readonly 'value-id': number
  readonly value: Type
  readonly 'value-required': boolean
}

/** A primitive type taken apart; `parameters` are those of `decimal`, `fixed`, `geometry` and `geography`. */
export interface Primitive {
  readonly name: string
  readonly parameters: readonly string[]
}

const PLAIN: ReadonlySet<string> = new Set([
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'timestamp_ns',
  'timestamptz_ns',
  'string',
  'uuid',
  'binary',
  'unknown',
  'variant',
  'geometry',
  'geography',
])

/** The first format version that knows a type; every other type is in all of them. */
const SINCE_VERSION: ReadonlyMap<string, number> = new Map([
  ['timestamp_ns', 3],
  ['timestamptz_ns', 3],
  ['unknown', 3],
  ['variant', 3],
  ['geometry', 3],
  ['geography', 3],
])

const EDGE_ALGORITHMS: ReadonlySet<string> = new Set(['spherical', 'vincenty', 'thomas', 'andoyer', 'karney'])

const DECIMAL_PRECISION_MAX = 38

/** The longest names are those of coordinate reference systems. */
const TYPE_CHARS_MAX = 300

/**
 * Takes a primitive type apart. @throws CatalogError `bad-request` if there is no such type
 */
export function parsePrimitive(text: string): Primitive {
  if (PLAIN.has(text)) return { name: text, parameters: [] }
  if (text.length > TYPE_CHARS_MAX) throw badRequest(`Invalid type: ${shown(text)} is not an Iceberg type`)
  const decimal = /^decimal\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)$/.exec(text)
  if (decimal) return decimalType(decimal[1] ?? '', decimal[2] ?? '')
  const fixed = /^fixed\[(\d{1,9})\]$/.exec(text)
  if (fixed) return { name: 'fixed', parameters: [String(Number(fixed[1]))] }
  const geometry = /^geometry\(\s*([^\s,()][^,()]*?)\s*\)$/.exec(text)
  if (geometry) return { name: 'geometry', parameters: [geometry[1] ?? ''] }
  const geography = /^geography\(\s*([^\s,()][^,()]*?)\s*(?:,\s*(\w+)\s*)?\)$/.exec(text)
  if (geography && EDGE_ALGORITHMS.has(geography[2] ?? 'spherical'))
    return { name: 'geography', parameters: [geography[1] ?? '', ...(geography[2] ? [geography[2]] : [])] }
  throw badRequest(`Invalid type: ${shown(text)} is not an Iceberg type`)
}

/** The spelling that two equal primitive types share. */
export function canonicalPrimitive(text: string): string {
  const { name, parameters } = parsePrimitive(text)
  if (parameters.length === 0) return name
  return name === 'fixed' ? `fixed[${parameters.join()}]` : `${name}(${parameters.join(', ')})`
}

/** The first format version in which a primitive type may be used. */
export function sinceVersion(text: string): number {
  return SINCE_VERSION.get(parsePrimitive(text).name) ?? 1
}

/** Whether values of the type can be partitioned and sorted by: not nested, and not variant, which is neither. */
export function isPrimitive(type: Type): type is string {
  return typeof type === 'string' && type !== 'variant'
}

/** The name of any type, for messages. */
export function typeName(type: Type): string {
  return typeof type === 'string' ? type : type.type
}

function decimalType(precision: string, scale: string): Primitive {
  const digits = Number(precision)
  if (digits < 1 || digits > DECIMAL_PRECISION_MAX || Number(scale) > digits)
    throw badRequest(
      `Invalid type: expected a decimal of precision 1 to ${DECIMAL_PRECISION_MAX} and a scale up to it, found decimal(${precision}, ${scale})`,
    )
  return { name: 'decimal', parameters: [String(digits), String(Number(scale))] }
}
