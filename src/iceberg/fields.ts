import { badRequest, type CatalogError } from '#domain/errors'
import { integerOf, isList, isLong, isObject, type Json, type JsonObject, type RawNumber } from './json.ts'

/**
 * Reading fields of JSON that came from outside. A reader takes the value, its name and the thing it belongs to, and
 * returns the value typed; it throws CatalogError `bad-request` that says what was expected and what was found.
 */
export type Reader<T> = (value: Json, name: string, owner: string) => T

/** A 64-bit integer, as JSON carries it. Compare with `idOf`, calculate with `integerOf`. */
export type Long = number | RawNumber

const NAME_CHARS_SHOWN = 100

export const INT_MAX = 2 ** 31 - 1

/** A field that must be there. */
export function required<T>(object: JsonObject, name: string, read: Reader<T>, owner: string): T {
  const value = object[name]
  if (value === undefined || value === null) throw badRequest(`Invalid ${owner}: '${name}' is missing`)
  return read(value, name, owner)
}

/** A field that may be absent or null. */
export function optional<T>(object: JsonObject, name: string, read: Reader<T>, owner: string): T | undefined {
  const value = object[name]
  return value === undefined || value === null ? undefined : read(value, name, owner)
}

export function asString(value: Json, name: string, owner: string): string {
  if (typeof value !== 'string') throw unexpected(owner, name, 'a string', value)
  if (!value.isWellFormed()) throw badRequest(`Invalid ${owner}: '${name}' holds a lone surrogate, which is not text`)
  return value
}

export function asText(value: Json, name: string, owner: string): string {
  const text = asString(value, name, owner)
  if (text === '') throw badRequest(`Invalid ${owner}: expected '${name}' to be a non-empty string`)
  return text
}

export function asBoolean(value: Json, name: string, owner: string): boolean {
  if (typeof value !== 'boolean') throw unexpected(owner, name, 'a boolean', value)
  return value
}

export function asObject(value: Json, name: string, owner: string): JsonObject {
  if (!isObject(value)) throw unexpected(owner, name, 'an object', value)
  return value
}

export function asList(value: Json, name: string, owner: string): readonly Json[] {
  if (!isList(value)) throw unexpected(owner, name, 'a list', value)
  return value
}

/** Reads every item of a list with `read`. */
export function listOf<T>(read: Reader<T>): Reader<readonly T[]> {
  return (value, name, owner) => asList(value, name, owner).map((item) => read(item, name, owner))
}

/** A non-negative 32-bit integer: ids of schemas, specs, orders and fields. */
export function asInt(value: Json, name: string, owner: string): number {
  if (typeof value !== 'number' || value < 0 || value > INT_MAX)
    throw unexpected(owner, name, `an integer from 0 to ${INT_MAX}`, value)
  return value
}

/** As {@link asInt}, or -1, which updates use for "the last one added". */
export function asIntOrLast(value: Json, name: string, owner: string): number {
  return value === -1 ? -1 : asInt(value, name, owner)
}

/** A non-negative 64-bit integer. */
export function asLong(value: Json, name: string, owner: string): Long {
  const integer = integerOf(value)
  if (integer === undefined || integer < 0n || !isLong(integer))
    throw unexpected(owner, name, 'a 64-bit integer that is not negative', value)
  return value as Long
}

/** As {@link asLong}, but not zero. */
export function asPositiveLong(value: Json, name: string, owner: string): Long {
  const long = asLong(value, name, owner)
  if (long === 0) throw unexpected(owner, name, 'a positive 64-bit integer', value)
  return long
}

/** Milliseconds since 1970; every time that makes sense is a safe integer. */
export function asTimeMs(value: Json, name: string, owner: string): number {
  if (typeof value !== 'number' || value < 0) throw unexpected(owner, name, 'milliseconds since 1970', value)
  return value
}

/** A UUID in its text form of 36 characters, in any case. */
export function asUuid(value: Json, name: string, owner: string): string {
  const text = asString(value, name, owner)
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) throw unexpected(owner, name, 'a UUID', value)
  return text
}

/** A map of strings to strings: table properties, snapshot summaries. */
export function asStringMap(value: Json, name: string, owner: string): Readonly<Record<string, string>> {
  const map = asObject(value, name, owner)
  for (const [key, item] of Object.entries(map)) asString(item, `${name}.${brief(key)}`, owner)
  return map as Readonly<Record<string, string>>
}

/** The object without the fields that are null: readers written in Java refuse null for some optional fields. */
export function withoutNulls<T extends object>(object: T): T {
  const entries = Object.entries(object)
  return entries.some(([, value]) => value === null)
    ? (Object.fromEntries(entries.filter(([, value]) => value !== null)) as T)
    : object
}

export function unexpected(owner: string, name: string, expected: string, found: Json): CatalogError {
  return badRequest(`Invalid ${owner}: expected '${name}' to be ${expected}, found ${shown(found)}`)
}

/** A name, short enough for a message. */
export function brief(name: string): string {
  return name.length > NAME_CHARS_SHOWN ? `${name.slice(0, NAME_CHARS_SHOWN).toWellFormed()}…` : name
}

/** What was found, short enough for a message. */
export function shown(value: Json): string {
  if (isList(value)) return 'a list'
  if (isObject(value)) return 'an object'
  const text = JSON.stringify(value)
  return brief(text)
}
