import { malformed } from './avro-bytes.ts'

/** A writer's schema with its names resolved. Recursive types make a cycle of objects. */
export type AvroType =
  | { readonly kind: Primitive }
  | { readonly kind: 'fixed'; readonly size: number }
  | { readonly kind: 'enum'; readonly symbols: readonly string[] }
  | { readonly kind: 'array'; readonly items: AvroType }
  | { readonly kind: 'map'; readonly values: AvroType }
  | { readonly kind: 'union'; readonly branches: readonly AvroType[] }
  | { readonly kind: 'record'; readonly fields: readonly AvroField[] }

export interface AvroField {
  readonly name: string
  readonly type: AvroType
}

const PRIMITIVES = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const
type Primitive = (typeof PRIMITIVES)[number]

/** Schemas of manifests have about ten levels; more would only cost stack. */
const SCHEMA_DEPTH_MAX = 64

/** Named types met so far, and the namespace that a short name is completed with. */
interface Scope {
  readonly named: Map<string, AvroType>
  readonly namespace: string
  readonly depth: number
}

/**
 * Parses the JSON of `avro.schema`. Logical types, aliases, defaults and docs are ignored: they don't change what is on
 * the wire. Source: Avro 1.12 specification, Schema Declaration and Names. @throws CatalogError `unprocessable`
 */
export function parseAvroSchema(json: string): AvroType {
  let schema: unknown
  try {
    schema = JSON.parse(json)
  } catch (cause) {
    throw malformed("expected JSON in 'avro.schema'", cause)
  }
  return parseType(schema, { named: new Map(), namespace: '', depth: 0 })
}

function parseType(schema: unknown, outer: Scope): AvroType {
  const scope = { ...outer, depth: outer.depth + 1 }
  if (scope.depth > SCHEMA_DEPTH_MAX) throw malformed(`expected a schema of at most ${SCHEMA_DEPTH_MAX} levels`)
  if (typeof schema === 'string') return primitive(schema) ?? reference(schema, scope)
  if (Array.isArray(schema)) return { kind: 'union', branches: schema.map((branch) => parseType(branch, scope)) }
  if (!isObject(schema)) throw malformed(`expected a type in the schema, found ${shown(schema)}`)
  switch (schema['type']) {
    case 'array':
      return { kind: 'array', items: parseType(schema['items'], scope) }
    case 'map':
      return { kind: 'map', values: parseType(schema['values'], scope) }
    case 'fixed':
      return define(schema, scope, { kind: 'fixed', size: fixedSize(schema['size']) })
    case 'enum':
      return define(schema, scope, { kind: 'enum', symbols: symbols(schema['symbols']) })
    case 'record':
    case 'error':
      return parseRecord(schema, scope)
    default:
      return parseType(schema['type'], scope)
  }
}

/** The record is known by its name before its fields are parsed, so that they can refer to it. */
function parseRecord(schema: Readonly<Record<string, unknown>>, scope: Scope): AvroType {
  const fields: AvroField[] = []
  const record = define(schema, scope, { kind: 'record', fields })
  const inner = { ...scope, namespace: namespaceOf(fullName(schema, scope)) }
  if (!Array.isArray(schema['fields']))
    throw malformed(`expected the fields of a record, found ${shown(schema['fields'])}`)
  for (const field of schema['fields'] as readonly unknown[]) {
    if (!isObject(field) || typeof field['name'] !== 'string')
      throw malformed(`expected a field with a name, found ${shown(field)}`)
    fields.push({ name: field['name'], type: parseType(field['type'], inner) })
  }
  return record
}

function define(schema: Readonly<Record<string, unknown>>, scope: Scope, type: AvroType): AvroType {
  scope.named.set(fullName(schema, scope), type)
  return type
}

function reference(name: string, scope: Scope): AvroType {
  const type = scope.named.get(qualified(name, scope.namespace)) ?? scope.named.get(name)
  if (!type) throw malformed(`expected the name of a type, found ${shown(name)}`)
  return type
}

function fullName(schema: Readonly<Record<string, unknown>>, scope: Scope): string {
  if (typeof schema['name'] !== 'string') throw malformed(`expected the name of a type, found ${shown(schema['name'])}`)
  return qualified(schema['name'], typeof schema['namespace'] === 'string' ? schema['namespace'] : scope.namespace)
}

function qualified(name: string, namespace: string): string {
  return namespace === '' || name.includes('.') ? name : `${namespace}.${name}`
}

function namespaceOf(name: string): string {
  return name.slice(0, Math.max(name.lastIndexOf('.'), 0))
}

function primitive(name: string): AvroType | undefined {
  const kind = PRIMITIVES.find((known) => known === name)
  return kind === undefined ? undefined : { kind }
}

function fixedSize(size: unknown): number {
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    throw malformed(`expected the size of a fixed type, found ${shown(size)}`)
  return size
}

function symbols(found: unknown): readonly string[] {
  if (!Array.isArray(found) || !found.every((symbol) => typeof symbol === 'string'))
    throw malformed(`expected the symbols of an enum, found ${shown(found)}`)
  return found
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What was found, short enough for a message. */
function shown(value: unknown): string {
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object'
  return (JSON.stringify(value) ?? 'nothing').slice(0, 100)
}
