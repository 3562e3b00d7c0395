import { type XmlNode, xmlDocument } from './xml.ts'

/** S3's error codes that this endpoint uses, with their HTTP status ("Error responses", Amazon S3 API reference). */
const STATUS = {
  AccessDenied: 403,
  AuthorizationHeaderMalformed: 400,
  AuthorizationQueryParametersError: 400,
  BadDigest: 400,
  EntityTooLarge: 400,
  EntityTooSmall: 400,
  ExpiredToken: 400,
  IncompleteBody: 400,
  InternalError: 500,
  InvalidAccessKeyId: 403,
  InvalidArgument: 400,
  InvalidDigest: 400,
  InvalidPart: 400,
  InvalidPartOrder: 400,
  InvalidRange: 416,
  InvalidRequest: 400,
  InvalidToken: 400,
  InvalidURI: 400,
  KeyTooLongError: 400,
  MalformedTrailerError: 400,
  MalformedXML: 400,
  MetadataTooLarge: 400,
  MissingContentLength: 411,
  NoSuchBucket: 404,
  NoSuchKey: 404,
  NoSuchUpload: 404,
  NotImplemented: 501,
  PreconditionFailed: 412,
  RequestTimeTooSkewed: 403,
  SignatureDoesNotMatch: 403,
  XAmzContentSHA256Mismatch: 400,
} as const

export type S3ErrorCode = keyof typeof STATUS

/** Thrown when an S3 request is over; the message reaches the client. */
export class S3Error extends Error {
  override readonly name = 'S3Error'
  readonly code: S3ErrorCode

  constructor(code: S3ErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

export function accessDenied(): S3Error {
  return new S3Error('AccessDenied', 'Access Denied')
}

/** The wire form of an error. An answer to HEAD has no body, so there the code is lost. */
export function errorResponse(error: S3Error, method: string, resource: string, requestId: string): Response {
  const status = STATUS[error.code]
  if (method === 'HEAD') return new Response(null, { status })
  const root: XmlNode = [
    'Error',
    [
      ['Code', error.code],
      ['Message', error.message],
      ['Resource', resource],
      ['RequestId', requestId],
    ],
  ]
  return new Response(xmlDocument(root, ''), { status, headers: { 'content-type': 'application/xml' } })
}

const NO_SUCH_UPLOAD = 'The upload does not exist; it may have been aborted or completed.'

export function noSuchUpload(cause: unknown): S3Error {
  return new S3Error('NoSuchUpload', NO_SUCH_UPLOAD, cause)
}

/** What the R2 binding reports, by the number at the end of its message. */
const R2_ERRORS: Readonly<Record<string, readonly [code: S3ErrorCode, message: string]>> = {
  10011: ['EntityTooSmall', 'Every part but the last must have at least 5 MiB.'],
  10012: ['MetadataTooLarge', 'The metadata headers exceed the maximum allowed metadata size.'],
  10020: ['KeyTooLongError', 'The key is longer than 1024 bytes.'],
  10024: ['NoSuchUpload', NO_SUCH_UPLOAD],
  10025: ['InvalidPart', 'A part could not be found, or its ETag does not match the one uploaded.'],
  10037: ['BadDigest', 'The checksum given does not match the bytes received.'],
  10039: ['InvalidRange', 'The requested range is not satisfiable.'],
  10048: ['InvalidPart', 'R2 expects all parts but the last to have the same size; upload with a fixed part size.'],
  100100: ['EntityTooLarge', 'The upload exceeds the maximum allowed object size.'],
}

/** What was thrown, as an S3 error. What nobody foresaw is an `InternalError` with its cause. */
export function asS3Error(thrown: unknown): S3Error {
  if (thrown instanceof S3Error) return thrown
  const number = thrown instanceof Error ? /\((\d{5,6})\)$/.exec(thrown.message)?.[1] : undefined
  const known = number === undefined ? undefined : R2_ERRORS[number]
  if (known) return new S3Error(...known, thrown)
  return new S3Error('InternalError', 'We encountered an internal error. Please try again.', thrown)
}
