import { badRequest } from './errors.ts'

/** The levels of a namespace, outermost first. The empty list is the root, which holds no tables. */
export type Namespace = readonly string[]

/** Iceberg's table identifier: `{ namespace, name }`, as on the wire. */
export interface TableIdentifier {
  readonly namespace: Namespace
  readonly name: string
}

/** Separates levels in paths and stored keys. No level can hold it: control characters are refused. */
export const LEVEL_SEPARATOR = '\u001f'

const NAME_LENGTH_MAX = 255
/** Levels a namespace may have; lookups fetch every ancestor's row, so depth is bounded. */
const NAMESPACE_DEPTH_MAX = 100

/** The stored form of a namespace: its levels joined by U+001F; `''` is the root. */
export function namespacePath(namespace: Namespace): string {
  return namespace.join(LEVEL_SEPARATOR)
}

/** The inverse of {@link namespacePath}. */
export function namespaceLevels(path: string): Namespace {
  return path === '' ? [] : path.split(LEVEL_SEPARATOR)
}

/** How identifiers read in messages: `a.b.table`. */
export function dotted(namespace: Namespace, name?: string): string {
  return [...namespace, ...(name === undefined ? [] : [name])].join('.')
}

/**
 * Refuses a name that could not be addressed, stored or shown safely: 1–255 characters, no control or Unicode tag
 * characters, no lone surrogates, not `.` or `..`, no `@` (it separates a branch). Everything else is a name.
 * @throws CatalogError `bad-request`
 */
export function checkName(name: unknown, what: string): string {
  if (typeof name !== 'string') throw badRequest(`Invalid ${what}: expected a string, found ${typeOf(name)}`)
  if (name === '') throw badRequest(`Invalid ${what}: expected 1 to ${NAME_LENGTH_MAX} characters, found none`)
  const length = [...name].length
  if (length > NAME_LENGTH_MAX)
    throw badRequest(`Invalid ${what}: expected at most ${NAME_LENGTH_MAX} characters, found ${length}`)
  if (name === '.' || name === '..') throw badRequest(`Invalid ${what}: '${name}' is not allowed as a name`)
  if (/\p{Cc}|[\u{E0000}-\u{E007F}]/u.test(name))
    throw badRequest(`Invalid ${what}: control and Unicode tag characters are not allowed`)
  if (!name.isWellFormed()) throw badRequest(`Invalid ${what}: it holds a lone surrogate, which is not text`)
  if (name.includes('@')) throw badRequest(`Invalid ${what}: '@' is reserved for branches`)
  return name
}

/** Checks every level of a namespace; at least one is expected. @throws CatalogError `bad-request` */
export function checkNamespace(levels: unknown): Namespace {
  if (!Array.isArray(levels)) throw badRequest(`Invalid namespace: expected a list of strings, found ${typeOf(levels)}`)
  if (levels.length === 0) throw badRequest('Invalid namespace: expected at least one level, found none')
  if (levels.length > NAMESPACE_DEPTH_MAX)
    throw badRequest(`Invalid namespace: expected at most ${NAMESPACE_DEPTH_MAX} levels, found ${levels.length}`)
  return levels.map((level) => checkName(level, 'namespace level'))
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'a list' : typeof value
}
