import { badRequest } from '#domain/errors'

/** A client's headers by lower-case name, the values of one joined as HTTP does. */
export type SentHeaders = ReadonlyMap<string, string>

/**
 * The `x-amz-` headers that a data operation may carry. Others change who may do what to an object (ACL, tags, locks),
 * or bring a credential of the client's own.
 */
const SIGNED =
  /^(?:content-md5|x-amz-(?:checksum-[a-z0-9-]+|content-sha256|copy-source(?:-[a-z-]+)?|decoded-content-length|expected-bucket-owner|metadata-directive|meta-.+|mp-object-size|sdk-checksum-algorithm|server-side-encryption(?:-[a-z0-9-]+)?|source-expected-bucket-owner|storage-class|te|trailer|user-agent))$/

/** Storage answers by them, but not to whom: they stay as the client has them, and a signature serves any of them. */
const UNSIGNED = /^(?!x-amz-|authorization$)/

/**
 * The headers to sign: all that S3 demands, and no others, so that the signature of one ranged read is good for the next.
 * @throws CatalogError `bad-request` naming a header that must not be there
 */
export function headersToSign(sent: SentHeaders): Record<string, string> {
  const signed: Record<string, string> = {}
  for (const [name, value] of sent) {
    if (SIGNED.test(name)) signed[name] = value
    else if (name !== 'x-amz-date' && !UNSIGNED.test(name))
      throw badRequest(`Invalid headers: ${name} is not signed for clients; leave it out`)
  }
  return signed
}

/**
 * `x-amz-content-sha256`: the client's own, or what it means by not giving one.
 * @throws CatalogError `bad-request` for chunks signed one by one, which take the key itself
 */
export function payloadOf(sent: SentHeaders): string {
  const given = sent.get('x-amz-content-sha256')
  if (given === undefined) return sent.has('x-amz-trailer') ? 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' : 'UNSIGNED-PAYLOAD'
  if (/^(?:[0-9a-f]{64}|UNSIGNED-PAYLOAD|STREAMING-UNSIGNED-PAYLOAD-TRAILER)$/.test(given)) return given
  throw badRequest(
    'Invalid x-amz-content-sha256: expected a SHA-256 in hex, UNSIGNED-PAYLOAD or STREAMING-UNSIGNED-PAYLOAD-TRAILER',
  )
}
