import { badRequest, CatalogError } from '#domain/errors'
import { scanJson } from './json-scan.ts'

/**
 * Lossless JSON: a number that JavaScript would change keeps its source text. Snapshot ids have 63 bits, and a float
 * default must stay `1.0`, because Java refuses to read `1` there.
 */

/** A number as it was written, made by `JSON.rawJSON`; `JSON.stringify` writes it back byte for byte. */
export interface RawNumber {
  readonly rawJSON: string
}

/** A plain `number` is always a safe integer in canonical form; every other number is a {@link RawNumber}. */
export type Json = null | boolean | number | string | RawNumber | readonly Json[] | JsonObject

/**
 * The shapes of the wire are type aliases where others are interfaces: of those the compiler knows that they are JSON, so
 * they are written without a cast, and what was read and checked is narrowed to one.
 */
export interface JsonObject {
  readonly [key: string]: Json
}

declare global {
  /** What TypeScript's library doesn't declare yet. Node 24 and workerd have it. */
  interface JSON {
    parse(
      text: string,
      reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
    ): unknown
    rawJSON(text: string): RawNumber
    isRawJSON(value: unknown): value is RawNumber
  }
}

/** Deeper files don't exist; the limit keeps every walk over a document within the stack. */
const STORED_DEPTH_MAX = 500

/**
 * Brackets and commas of a file, about as many as values: 10 MB of ordinary snapshots, or 80 schemas of 1,000 columns.
 * Whatever they are, they cost at most 95 MB of heap while they are parsed, and an isolate has 128.
 */
export const STORED_VALUES_MAX = 400_000

const LONG_MIN = -(2n ** 63n)
const LONG_MAX = 2n ** 63n - 1n

/**
 * Parses a stored file. Unknown and `__proto__`-like keys are kept as data.
 * @throws CatalogError `bad-request` on malformed or absurdly nested text, `too-large` for more than
 *   `STORED_VALUES_MAX` values
 */
export function parseJson(text: string): Json {
  scanJson(text, { depthMax: STORED_DEPTH_MAX, valuesMax: STORED_VALUES_MAX, strictKeys: false })
  return parse(text)
}

/**
 * Parses a request body. Besides malformed text it refuses duplicate keys, the key `__proto__` and nesting beyond
 * `depthMax`; a linear scan decides before anything recursive sees the text, and before anything is made of it.
 * @param valuesMax brackets and commas that may stand in it
 * @throws CatalogError `bad-request`, `too-large` for more than `valuesMax` values
 */
export function parseRequest(text: string, depthMax: number, valuesMax: number = STORED_VALUES_MAX): Json {
  scanJson(text, { depthMax, valuesMax, strictKeys: true })
  return wellFormed(parse(text))
}

/**
 * Parses a file that somebody else wrote, before it is taken in as it is. Clients get its own text, and of two values
 * under one key not all of them take the one that was checked here.
 * @throws CatalogError as {@link parseRequest}, but for nesting and values as stored files have them
 */
export function parseForeign(text: string): Json {
  return parseRequest(text, STORED_DEPTH_MAX)
}

/**
 * Refuses text that no UTF-8 can hold: half of a surrogate pair, in a key or in a string. Other readers refuse the whole
 * file for it. Nesting must have been bounded before.
 * @throws CatalogError `bad-request`
 */
function wellFormed<Value extends Json>(value: Value): Value {
  if (typeof value === 'string' ? !value.isWellFormed() : holdsHalfPair(value))
    throw badRequest('Invalid JSON: it holds a lone surrogate, which is not text')
  return value
}

function holdsHalfPair(value: Json): boolean {
  if (typeof value !== 'object' || value === null || isRawNumber(value)) return false
  if (isList(value))
    return value.some((item) => (typeof item === 'string' ? !item.isWellFormed() : holdsHalfPair(item)))
  return Object.entries(value).some(
    ([key, item]) => !key.isWellFormed() || (typeof item === 'string' ? !item.isWellFormed() : holdsHalfPair(item)),
  )
}

/** JSON text of `value`; numbers are written as they were read. */
export function writeJson(value: Json): string {
  return JSON.stringify(value)
}

/** The value of an integer token; undefined for anything else, `1.0` and `1e3` included. */
export function integerOf(value: unknown): bigint | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined
  return isRawNumber(value) && /^-?(0|[1-9]\d{0,39})$/.test(value.rawJSON) ? BigInt(value.rawJSON) : undefined
}

/** An integer as canonical decimal text: how ids are compared, stored and used as keys. */
export function idOf(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : undefined
  return integerOf(value)?.toString()
}

/** Whether an integer fits the 64 bits of a Java long. */
export function isLong(value: bigint): boolean {
  return value >= LONG_MIN && value <= LONG_MAX
}

/** The inverse of {@link integerOf}. */
export function jsonOf(value: bigint): number | RawNumber {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : JSON.rawJSON(value.toString())
}

/** Deep equality; the order of keys doesn't matter, numbers are compared as they are written. */
export function sameJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (isRawNumber(a) || isRawNumber(b)) return isRawNumber(a) && isRawNumber(b) && a.rawJSON === b.rawJSON
  if (isList(a) || isList(b))
    return isList(a) && isList(b) && a.length === b.length && a.every((item, i) => sameJson(item, b[i]))
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key], b[key]))
}

/** Whether `value` is a JSON object: not null, a list or a number. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isRawNumber(value)
}

export function isList(value: unknown): value is readonly Json[] {
  return Array.isArray(value)
}

export function isRawNumber(value: unknown): value is RawNumber {
  return typeof value === 'object' && JSON.isRawJSON(value)
}

function parse(text: string): Json {
  try {
    return JSON.parse(text, keepNumber) as Json
  } catch (cause) {
    throw new CatalogError('bad-request', 'Malformed JSON: expected one JSON document', cause)
  }
}

function keepNumber(_key: string, value: unknown, context: { readonly source?: string }): unknown {
  if (typeof value !== 'number') return value
  const { source } = context
  if (source === undefined || (Number.isSafeInteger(value) && String(value) === source)) return value
  return JSON.rawJSON(source)
}
