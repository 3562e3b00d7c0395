import { S3Error } from './errors.ts'

const READ_CONDITIONS = ['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since'] as const

/**
 * The conditional headers of a read and nothing else; null if there are none. `prefix` is `x-amz-copy-source-` for
 * those about the source of a copy.
 */
export function readConditions(headers: Headers, prefix = ''): Headers | null {
  const found = READ_CONDITIONS.flatMap((name): [string, string][] => {
    const value = headers.get(prefix + name)
    return value === null ? [] : [[name, value]]
  })
  return found.length === 0 ? null : new Headers(found)
}

export type Verdict = 'met' | 'not modified' | 'failed'

/** Evaluates conditions in the order of RFC 9110, section 13.2.2. Times count in whole seconds. */
export function evaluate(conditions: Headers, object: R2Object): Verdict {
  const changedAt = Math.floor(object.uploaded.getTime() / 1000)
  const ifMatch = conditions.get('if-match')
  const unmodifiedSince = secondsOf(conditions.get('if-unmodified-since'))
  const ifNoneMatch = conditions.get('if-none-match')
  const modifiedSince = secondsOf(conditions.get('if-modified-since'))
  if (ifMatch !== null && !lists(ifMatch, object.etag)) return 'failed'
  if (ifMatch === null && unmodifiedSince !== null && changedAt > unmodifiedSince) return 'failed'
  if (ifNoneMatch !== null) return lists(ifNoneMatch, object.etag) ? 'not modified' : 'met'
  return modifiedSince !== null && changedAt <= modifiedSince ? 'not modified' : 'met'
}

function secondsOf(date: string | null): number | null {
  const time = date === null ? Number.NaN : Date.parse(date)
  return Number.isNaN(time) ? null : Math.floor(time / 1000)
}

function lists(etags: string, etag: string): boolean {
  return etags.split(',').some((item) => item.trim() === '*' || unquoted(item) === etag)
}

function unquoted(etag: string): string {
  return etag.trim().replace(/^W\//, '').replaceAll('"', '')
}

/** What R2 must find before it writes. @throws S3Error `NotImplemented` for a condition that S3 has no meaning for */
export function writeConditions(headers: Headers): R2Conditional | undefined {
  const ifMatch = headers.get('if-match')
  const ifNoneMatch = headers.get('if-none-match')
  if ((ifNoneMatch !== null && ifNoneMatch !== '*') || (ifNoneMatch !== null && ifMatch !== null))
    throw new S3Error('NotImplemented', 'A write may have If-None-Match: * or one If-Match.')
  if (ifNoneMatch !== null) return { etagDoesNotMatch: '*' }
  return ifMatch === null ? undefined : { etagMatches: unquoted(ifMatch) }
}

/** Refuses a conditional request to an operation that cannot honour conditions. @throws S3Error `NotImplemented` */
export function refuseConditions(headers: Headers): void {
  if (readConditions(headers)) throw new S3Error('NotImplemented', 'Conditions are not implemented for this operation.')
}

export function preconditionFailed(): S3Error {
  return new S3Error('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold.')
}
