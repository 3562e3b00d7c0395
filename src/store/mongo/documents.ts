import type { Doc } from './verbs.ts'

/** The collections, by what they are for. */
export const LOG = 'log'
export const CURRENT = 'current'
export const VERSION = 'version'
export const WATERMARK = 'watermark'
export const STORAGE = 'storage'
export const REPORT = 'report'
export const SCHEMA = 'schema'

/** What a log document asks to be so from now on. A document that is gone keeps its place, with neither state nor value. */
export interface Put {
  /** The `_id` in `current`. */
  readonly id: string
  /** Documents that are found together: by group and key, and by group, state and key. Neither ever changes. */
  readonly group: string
  readonly key: string
  /** What listings choose by; null: the document is gone. */
  readonly state: string | null
  /** JSON text; null: the document is gone. Text keeps every name and number as it is. */
  readonly value: string | null
  /** Position on its branch: present if former values stay readable. */
  readonly seq: number | null
}

/** The newest projected value of a document, which the log entry `n` put. */
export interface Current extends Doc, Omit<Put, 'id'> {
  readonly n: number
}

/** A value that was current once, and may still be: `_id` is that of `current` and the position. */
export interface Version extends Doc {
  readonly n: number
  readonly of: string
  readonly seq: number
  readonly state: string | null
  readonly value: string | null
}

/** A put in the log: `fresh` if the document had never been there, so that its projection can be inserted. */
export interface LoggedPut extends Put {
  readonly fresh: boolean
}

/**
 * One step of a tenant, `_id` is `logId(tenant, n)`. Whoever inserts it has done the step: `unique` are tokens that no
 * other entry has, `nonce` tells its writer that it was he who landed it.
 */
export interface LogDocument extends Doc {
  readonly tenant: string
  readonly n: number
  readonly nonce: string
  readonly unique: readonly string[]
  readonly puts: readonly LoggedPut[]
  /** Of a catalog commit: the branch (with its tenant), its position there, and a {@link LogEntry} as JSON. */
  readonly branch: string | null
  readonly seq: number | null
  readonly entry: string | null
  /** The tenant, if there is anything for its audit; then `audit` is a list of records as JSON, numbered from `auditFrom`. */
  readonly audited: string | null
  readonly auditFrom: number | null
  readonly audit: string | null
}

/** What an entry has that is neither in a history nor in an audit. */
export const NOT_SHOWN = { branch: null, seq: null, entry: null, audited: null, auditFrom: null, audit: null }

/** How far the log of the tenant `_id` is known to be projected: everything up to there, by whoever moved it. */
export interface Watermark extends Doc {
  readonly applied: number
}

/** Separates the parts of identifiers; no name holds a control character but the separator of levels, which is another. */
const SEPARATOR = '\u001e'

export function joined(...parts: readonly string[]): string {
  return parts.join(SEPARATOR)
}

/** The order of these is the order of positions, also as text. */
export function logId(tenant: string, n: number): string {
  return joined(tenant, positionText(n))
}

export function versionId(id: string, seq: number): string {
  return joined(id, positionText(seq))
}

/** A number with leading zeros: the order of texts is that of numbers. */
export function positionText(n: number): string {
  return String(n).padStart(16, '0')
}

/** A put of the document with that key in a group. */
export function put(group: string, key: string, value: unknown, state = 'on', seq: number | null = null): Put {
  return { id: joined(group, key), group, key, state, value: JSON.stringify(value), seq }
}

/** A put that makes the document with that key in a group be gone. */
export function removal(group: string, key: string, seq: number | null = null): Put {
  return { id: joined(group, key), group, key, state: null, value: null, seq }
}

/** The values of those documents that are not gone. */
export function valuesOf<T>(puts: readonly Put[]): T[] {
  return puts.flatMap(({ value }) => (value === null ? [] : [JSON.parse(value) as T]))
}
