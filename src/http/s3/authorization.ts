import { S3_CLOCK_SKEW_SECONDS, S3_PRESIGNED_TTL_SECONDS_MAX } from '#src/limits'
import { S3Error } from './errors.ts'
import type { SigningScope } from './sigv4.ts'
import type { Query } from './uri.ts'

/** How a request says who signed it: nothing in here has been verified but its form and its clock. */
export interface Presented {
  readonly accessKeyId: string
  /** Null where the endpoint's own key signed, which has none. */
  readonly sessionToken: string | null
  readonly scope: SigningScope
  /** Lower-case names, in the order they were signed. */
  readonly signedHeaders: readonly string[]
  /** Hex. */
  readonly signature: string
  /** `x-amz-content-sha256`: a hash, or the name of a payload mode. */
  readonly payload: string
}

const ALGORITHM = 'AWS4-HMAC-SHA256'

/**
 * Reads the Authorization header, or the X-Amz-* parameters of a presigned GET or HEAD, and checks the clock.
 * @throws S3Error for anything but exactly one well-formed, timely signature; a presigned one needs a session token
 */
export function readAuthorization(request: Request, query: Query, now: Date): Presented {
  const header = request.headers.get('authorization')
  const presigned = query.has('X-Amz-Signature') || query.has('X-Amz-Algorithm')
  if (header !== null && presigned) throw new S3Error('InvalidRequest', 'Only one authentication mechanism is allowed.')
  if (presigned) return readPresigned(request, query, now)
  if (header === null) throw new S3Error('AccessDenied', 'Access Denied: the request is not signed.')
  return readHeader(header, request.headers, now)
}

function readHeader(authorization: string, headers: Headers, now: Date): Presented {
  const [algorithm, ...rest] = authorization.trim().split(' ')
  if (algorithm !== ALGORITHM) throw malformedHeader(`expected ${ALGORITHM}`)
  const fields = new Map(
    rest
      .join('')
      .split(',')
      .map((field) => {
        const [name = '', ...value] = field.split('=')
        return [name, value.join('=')]
      }),
  )
  const timestamp = headers.get('x-amz-date') ?? ''
  const presented = assemble(
    {
      credential: fields.get('Credential'),
      signedHeaders: fields.get('SignedHeaders'),
      signature: fields.get('Signature'),
      sessionToken: headers.get('x-amz-security-token'),
      timestamp,
    },
    malformedHeader,
  )
  checkSkew(timeOf(timestamp, malformedHeader), now)
  const payload = headers.get('x-amz-content-sha256')
  if (payload === null)
    throw new S3Error('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256')
  return { ...presented, payload }
}

function readPresigned(request: Request, query: Query, now: Date): Presented {
  if (request.method !== 'GET' && request.method !== 'HEAD')
    throw new S3Error('NotImplemented', 'Only GET and HEAD can be presigned here.')
  if (query.get('X-Amz-Algorithm') !== ALGORITHM) throw malformedQuery(`expected X-Amz-Algorithm=${ALGORITHM}`)
  const timestamp = query.get('X-Amz-Date') ?? ''
  const presented = assemble(
    {
      credential: query.get('X-Amz-Credential'),
      signedHeaders: query.get('X-Amz-SignedHeaders'),
      signature: query.get('X-Amz-Signature'),
      sessionToken: query.get('X-Amz-Security-Token') ?? null,
      timestamp,
    },
    malformedQuery,
  )
  if (presented.sessionToken === null)
    throw new S3Error('InvalidAccessKeyId', 'Expected a temporary credential: the session token is missing.')
  const signedAt = timeOf(timestamp, malformedQuery)
  const expires = query.get('X-Amz-Expires') ?? ''
  if (!/^\d{1,7}$/.test(expires) || Number(expires) < 1 || Number(expires) > S3_PRESIGNED_TTL_SECONDS_MAX)
    throw malformedQuery(`X-Amz-Expires must be 1 to ${S3_PRESIGNED_TTL_SECONDS_MAX} seconds`)
  if (signedAt - now.getTime() > S3_CLOCK_SKEW_SECONDS * 1000) throw skewed()
  if (now.getTime() > signedAt + Number(expires) * 1000) throw new S3Error('AccessDenied', 'Request has expired')
  return { ...presented, payload: query.get('X-Amz-Content-Sha256') ?? 'UNSIGNED-PAYLOAD' }
}

interface Fields {
  readonly credential: string | undefined
  readonly signedHeaders: string | undefined
  readonly signature: string | undefined
  readonly sessionToken: string | null
  readonly timestamp: string
}

function assemble(fields: Fields, malformed: (detail: string) => S3Error): Omit<Presented, 'payload'> {
  const { credential, signature, sessionToken, timestamp } = fields
  const match = /^([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request$/.exec(credential ?? '')
  if (!match) throw malformed('expected a credential <key>/<date>/<region>/s3/aws4_request')
  const [, accessKeyId = '', date = '', region = ''] = match
  if (!timestamp.startsWith(date)) throw malformed('the date of the credential is not that of the request')
  const signedHeaders = (fields.signedHeaders ?? '').split(';')
  if (!signedHeaders.includes('host')) throw malformed('host must be signed')
  if (signature === undefined) throw malformed('the signature is missing')
  return { accessKeyId, sessionToken, scope: { timestamp, region }, signedHeaders, signature }
}

function timeOf(timestamp: string, malformed: (detail: string) => S3Error): number {
  const iso = timestamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z')
  const time = iso === timestamp ? Number.NaN : Date.parse(iso)
  if (Number.isNaN(time)) throw malformed('expected a date YYYYMMDDTHHMMSSZ')
  return time
}

function checkSkew(signedAt: number, now: Date): void {
  if (Math.abs(now.getTime() - signedAt) > S3_CLOCK_SKEW_SECONDS * 1000) throw skewed()
}

function skewed(): S3Error {
  return new S3Error(
    'RequestTimeTooSkewed',
    'The difference between the request time and the current time is too large.',
  )
}

function malformedHeader(detail: string): S3Error {
  return new S3Error('AuthorizationHeaderMalformed', `The authorization header is malformed: ${detail}.`)
}

function malformedQuery(detail: string): S3Error {
  return new S3Error('AuthorizationQueryParametersError', `The query-string authentication is malformed: ${detail}.`)
}
