import { S3Error } from './errors.ts'

/**
 * The part of an object that a Range header asks for; undefined for all of it, which is also the answer to several
 * ranges and to what is not a range of bytes (RFC 9110, section 14.2). @throws S3Error `InvalidRange` for no bytes
 */
export function parseRange(header: string | null): R2Range | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/i.exec(header?.trim() ?? '')
  if (!match) return undefined
  const [, first = '', last = ''] = match
  if (first === '') {
    if (Number(last) === 0 && last !== '') throw invalidRange()
    return last === '' ? undefined : { suffix: Number(last) }
  }
  const offset = Number(first)
  if (last === '') return { offset }
  return Number(last) < offset ? undefined : { offset, length: Number(last) - offset + 1 }
}

/** First byte and number of bytes that a range means for an object of `size` bytes. */
export function resolveRange(range: R2Range, size: number): { offset: number; length: number } {
  if ('suffix' in range) {
    const length = Math.min(range.suffix, size)
    return { offset: size - length, length }
  }
  const offset = range.offset ?? 0
  return { offset, length: Math.min(range.length ?? size, size - offset) }
}

export function invalidRange(): S3Error {
  return new S3Error('InvalidRange', 'The requested range is not satisfiable.')
}
