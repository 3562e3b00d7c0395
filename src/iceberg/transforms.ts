import { INT_MAX } from './fields.ts'
import { isPrimitive, parsePrimitive, type Type } from './types.ts'

const TIMESTAMPS = ['timestamp', 'timestamptz', 'timestamp_ns', 'timestamptz_ns']
const TRUNCATABLE = ['int', 'long', 'decimal', 'string', 'binary']
const BUCKETABLE = [...TRUNCATABLE, ...TIMESTAMPS, 'date', 'time', 'uuid', 'fixed']

/** The source types each transform takes; null is every type. */
const SOURCES: ReadonlyMap<string, ReadonlySet<string> | null> = new Map([
  ['identity', new Set([...BUCKETABLE, 'boolean', 'float', 'double', 'unknown'])],
  ['bucket', new Set(BUCKETABLE)],
  ['truncate', new Set(TRUNCATABLE)],
  ['year', new Set(['date', ...TIMESTAMPS])],
  ['month', new Set(['date', ...TIMESTAMPS])],
  ['day', new Set(['date', ...TIMESTAMPS])],
  ['hour', new Set(TIMESTAMPS)],
  ['void', null],
])

const PARAMETRIC: ReadonlySet<string> = new Set(['bucket', 'truncate'])

/** Whether the text is one of Iceberg's transforms, such as `day` or `bucket[16]`. */
export function isKnownTransform(transform: string): boolean {
  return nameOf(transform) !== undefined
}

/** Whether a known transform takes values of `source`. */
export function canTransform(transform: string, source: Type): boolean {
  const sources = SOURCES.get(nameOf(transform) ?? '')
  if (sources === undefined) return false
  return sources === null || (isPrimitive(source) && sources.has(parsePrimitive(source).name))
}

function nameOf(transform: string): string | undefined {
  const match = /^(bucket|truncate)\[([1-9]\d{0,9})\]$/.exec(transform)
  if (match) return Number(match[2]) <= INT_MAX ? match[1] : undefined
  return SOURCES.has(transform) && !PARAMETRIC.has(transform) ? transform : undefined
}
