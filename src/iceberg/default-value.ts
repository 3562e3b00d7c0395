import { badRequest } from '#domain/errors'
import { shown } from './fields.ts'
import { integerOf, isLong, isRawNumber, type Json } from './json.ts'
import { parsePrimitive, typeName, type Type } from './types.ts'

type Check = (value: Json, parameters: readonly string[]) => boolean

const DAY = '(?!0000)\\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\\d|3[01])'
const TIME = '(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d'

/** Iceberg's JSON single-value serialisation, strictly: what one reader refuses must not be stored for all. */
const CHECKS: ReadonlyMap<string, { readonly expected: string; readonly check: Check }> = new Map([
  ['boolean', { expected: 'true or false', check: (value) => typeof value === 'boolean' }],
  ['int', { expected: 'a 32-bit integer', check: (value) => typeof value === 'number' && value === (value | 0) }],
  ['long', { expected: 'a 64-bit integer', check: isLongValue }],
  ['float', { expected: 'a floating-point number such as 1.0', check: isFloatingPoint }],
  ['double', { expected: 'a floating-point number such as 1.0', check: isFloatingPoint }],
  ['date', { expected: 'a date such as "2024-01-31"', check: day(`^(${DAY})$`) }],
  ['time', { expected: 'a time such as "10:15:30.123456"', check: text(`^${TIME}(?:\\.\\d{1,6})?$`) }],
  ['timestamp', { expected: 'a timestamp without zone', check: day(`^(${DAY})T${TIME}(?:\\.\\d{1,6})?$`) }],
  ['timestamptz', { expected: 'a timestamp at +00:00', check: day(`^(${DAY})T${TIME}(?:\\.\\d{1,6})?\\+00:00$`) }],
  ['timestamp_ns', { expected: 'a timestamp without zone', check: day(`^(${DAY})T${TIME}(?:\\.\\d{1,9})?$`) }],
  ['timestamptz_ns', { expected: 'a timestamp at +00:00', check: day(`^(${DAY})T${TIME}(?:\\.\\d{1,9})?\\+00:00$`) }],
  ['string', { expected: 'a string', check: (value) => typeof value === 'string' }],
  ['uuid', { expected: 'a UUID', check: text('^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$') }],
  ['binary', { expected: 'hexadecimal text', check: text('^(?:[0-9a-fA-F]{2})*$') }],
  ['fixed', { expected: 'hexadecimal text of the type’s length', check: isFixed }],
  ['decimal', { expected: 'decimal text with the type’s scale', check: isDecimal }],
])

/**
 * Checks the default of a column. Nested types, and types without a JSON form that all readers share, have none but null.
 * @throws CatalogError `bad-request`
 */
export function checkDefault(type: Type, value: Json, name: string, owner: string): void {
  if (value === null) return
  const { name: primitive, parameters } =
    typeof type === 'string' ? parsePrimitive(type) : { name: type.type, parameters: [] }
  const rule = CHECKS.get(primitive)
  if (!rule) throw badRequest(`Invalid ${owner}: expected no '${name}', because a ${typeName(type)} can't have one`)
  if (!rule.check(value, parameters))
    throw badRequest(
      `Invalid ${owner}: expected '${name}' to be ${rule.expected} for type ${typeName(type)}, found ${shown(value)}`,
    )
}

function text(pattern: string): Check {
  const expression = new RegExp(pattern)
  return (value) => typeof value === 'string' && expression.test(value)
}

/** As {@link text}; the first group is a day, which must exist in the calendar. */
function day(pattern: string): Check {
  const expression = new RegExp(pattern)
  return (value) => {
    const found = typeof value === 'string' ? expression.exec(value)?.[1] : undefined
    return found !== undefined && new Date(`${found}T00:00:00Z`).toISOString().startsWith(found)
  }
}

function isLongValue(value: Json): boolean {
  const integer = integerOf(value)
  return integer !== undefined && isLong(integer)
}

/** Java reads a float only from a floating-point token: `1` is refused. */
function isFloatingPoint(value: Json): boolean {
  return isRawNumber(value) && /[.eE]/.test(value.rawJSON) && Number.isFinite(Number(value.rawJSON))
}

function isFixed(value: Json, [length = '0']: readonly string[]): boolean {
  return typeof value === 'string' && value.length === 2 * Number(length) && /^[0-9a-fA-F]*$/.test(value)
}

function isDecimal(value: Json, [precision = '0', scale = '0']: readonly string[]): boolean {
  const match = typeof value === 'string' ? /^-?(\d{1,38})(?:\.(\d{1,38}))?$/.exec(value) : null
  if (!match) return false
  const [, whole = '', fraction = ''] = match
  const digits = (whole + fraction).replace(/^0+/, '').length
  return fraction.length === Number(scale) && digits <= Number(precision)
}
