import { malformed, type Cursor } from './avro-bytes.ts'
import type { AvroField, AvroType } from './avro-schema.ts'

export type AvroValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly AvroValue[]
  | ReadonlyMap<string, AvroValue>
  | AvroRecord

/** A record has no prototype, so no field name means anything else. */
export interface AvroRecord {
  readonly [field: string]: AvroValue | undefined
}

/** Which fields of a record to materialise: all, or those named, each with the same question for its own fields. */
export type Projection = 'all' | ReadonlyMap<string, Projection>

/** Values nest as their schema does, except those of recursive types, which Iceberg never writes. */
const VALUE_DEPTH_MAX = 128

const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The tree of dotted field paths; a path that ends includes everything below it. */
export function projection(paths: readonly string[]): Projection {
  const heads = new Set(paths.map((path) => path.split('.', 1)[0] ?? path))
  return new Map(
    [...heads].map((head): [string, Projection] => {
      if (paths.includes(head)) return [head, 'all']
      const below = paths.filter((path) => path.startsWith(`${head}.`))
      return [head, projection(below.map((path) => path.slice(head.length + 1)))]
    }),
  )
}

/** Reads one value; of records only the wanted fields. @throws CatalogError `unprocessable` */
export function readValue(type: AvroType, wanted: Projection, cursor: Cursor, depth = 0): AvroValue {
  if (depth > VALUE_DEPTH_MAX) throw tooDeep()
  cursor.keep()
  switch (type.kind) {
    case 'null':
      return null
    case 'boolean':
      return cursor.readByte() === 1
    case 'int':
      return cursor.readInt()
    case 'long':
      return cursor.readLong()
    case 'float':
      return cursor.readFloat()
    case 'double':
      return cursor.readDouble()
    case 'bytes':
      return new Uint8Array(cursor.readBytes(cursor.readSize()))
    case 'string':
      return readText(cursor)
    case 'fixed':
      return new Uint8Array(cursor.readBytes(type.size))
    case 'enum':
      return at(type.symbols, cursor.readInt(), 'symbol of an enum')
    case 'union':
      return readValue(branchOf(type.branches, cursor), wanted, cursor, depth + 1)
    case 'array': {
      const items: AvroValue[] = []
      eachItem(cursor, () => items.push(readValue(type.items, wanted, cursor, depth + 1)))
      return items
    }
    case 'map': {
      const values = new Map<string, AvroValue>()
      eachItem(cursor, () => values.set(readText(cursor), readValue(type.values, wanted, cursor, depth + 1)))
      return values
    }
    default:
      return readRecord(type.fields, wanted, cursor, depth)
  }
}

function readRecord(
  fields: readonly AvroField[],
  wanted: Projection,
  cursor: Cursor,
  depth: number,
): Record<string, AvroValue> {
  const record = Object.create(null) as Record<string, AvroValue>
  for (const field of fields) {
    const inner = wanted === 'all' ? wanted : wanted.get(field.name)
    if (inner === undefined) skipValue(field.type, cursor, depth + 1)
    else record[field.name] = readValue(field.type, inner, cursor, depth + 1)
  }
  return record
}

function skipValue(type: AvroType, cursor: Cursor, depth: number): void {
  if (depth > VALUE_DEPTH_MAX) throw tooDeep()
  cursor.spend()
  switch (type.kind) {
    case 'null':
      return
    case 'boolean':
      return cursor.skip(1)
    case 'int':
    case 'long':
    case 'enum':
      cursor.readLong()
      return
    case 'float':
      return cursor.skip(4)
    case 'double':
      return cursor.skip(8)
    case 'bytes':
    case 'string':
      return cursor.skip(cursor.readSize())
    case 'fixed':
      return cursor.skip(type.size)
    case 'union':
      return skipValue(branchOf(type.branches, cursor), cursor, depth + 1)
    case 'array':
      return skipItems(cursor, () => skipValue(type.items, cursor, depth + 1))
    case 'map':
      return skipItems(cursor, () => {
        cursor.skip(cursor.readSize())
        skipValue(type.values, cursor, depth + 1)
      })
    case 'record':
      for (const field of type.fields) skipValue(field.type, cursor, depth + 1)
  }
}

/** Arrays and maps come in runs: a count, then the items, until a count of 0. A negative count is followed by a length. */
function eachItem(cursor: Cursor, item: () => void): void {
  for (let run = readRun(cursor); run.items > 0; run = readRun(cursor))
    for (let index = 0; index < run.items; index++) item()
}

/** Skips runs of known length whole. */
function skipItems(cursor: Cursor, item: () => void): void {
  for (let run = readRun(cursor); run.items > 0; run = readRun(cursor)) {
    if (run.bytes !== undefined) cursor.skip(run.bytes)
    else for (let index = 0; index < run.items; index++) item()
  }
}

function readRun(cursor: Cursor): { items: number; bytes?: number } {
  const count = cursor.readLong()
  const items = Number(count < 0n ? -count : count)
  return count < 0n ? { items, bytes: cursor.readSize() } : { items }
}

function readText(cursor: Cursor): string {
  const bytes = cursor.readBytes(cursor.readSize())
  try {
    return UTF_8.decode(bytes)
  } catch (cause) {
    throw malformed('expected a string in UTF-8', cause)
  }
}

function branchOf(branches: readonly AvroType[], cursor: Cursor): AvroType {
  return at(branches, cursor.readInt(), 'branch of a union')
}

function at<T>(list: readonly T[], index: number, what: string): T {
  const found = list[index]
  if (found === undefined) throw malformed(`expected a ${what} from 0 to ${list.length - 1}, found ${index}`)
  return found
}

function tooDeep(): Error {
  return malformed(`expected values of at most ${VALUE_DEPTH_MAX} levels`)
}
