import { badRequest } from '#domain/errors'

/** A client's headers by lower-case name, each with the values that were given for it. */
export type SentHeaders = ReadonlyMap<string, readonly string[]>

/** The headers that a signature is to cover, by lower-case name. */
export type SignedHeaders = ReadonlyMap<string, string>

/**
 * The `x-amz-` headers that a data operation may carry. Others change who may do what to an object (ACL, tags, locks),
 * or bring a credential of the client's own.
 */
const SIGNED =
  /^(?:content-md5|x-amz-(?:checksum-[a-z0-9-]+|content-sha256|copy-source(?:-[a-z-]+)?|decoded-content-length|expected-bucket-owner|metadata-directive|meta-.+|mp-object-size|sdk-checksum-algorithm|server-side-encryption(?:-[a-z0-9-]+)?|source-expected-bucket-owner|storage-class|te|trailer|user-agent))$/

/** Storage answers by them, but not to whom: they stay as the client has them, and a signature serves any of them. */
const UNSIGNED = /^(?!x-amz-|authorization$)/

/** What is the same to SigV4 in no other spelling: it joins lists, trims, and takes a run of blanks for one. */
const ONE_SPELLING = /^(?:[!-~]+(?: [!-~]+)*)?$/

/**
 * The headers to sign: all that S3 demands, and no others, so that the signature of one ranged read is good for the next.
 * @throws CatalogError `bad-request` naming a header that must not be there, or whose value could be spelled otherwise
 */
export function headersToSign(sent: SentHeaders): SignedHeaders {
  const signed = new Map<string, string>()
  for (const [name, values] of sent) {
    if (SIGNED.test(name)) {
      const [value] = values
      if (value === undefined || values.length > 1 || !ONE_SPELLING.test(value))
        throw badRequest(
          `Invalid headers: expected one value for ${name}, without blanks around it or runs of them in it`,
        )
      signed.set(name, value)
    } else if (name !== 'x-amz-date' && !UNSIGNED.test(name))
      throw badRequest(`Invalid headers: ${name} is not signed for clients; leave it out`)
  }
  return signed
}

/**
 * `x-amz-content-sha256`: the client's own, or what it means by not giving one.
 * @throws CatalogError `bad-request` for chunks signed one by one, which take the key itself
 */
export function payloadOf(signed: SignedHeaders): string {
  const given = signed.get('x-amz-content-sha256')
  if (given === undefined)
    return signed.has('x-amz-trailer') ? 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' : 'UNSIGNED-PAYLOAD'
  if (/^(?:[0-9a-f]{64}|UNSIGNED-PAYLOAD|STREAMING-UNSIGNED-PAYLOAD-TRAILER)$/.test(given)) return given
  throw badRequest(
    'Invalid headers: expected x-amz-content-sha256 to be a SHA-256 in hex, UNSIGNED-PAYLOAD or STREAMING-UNSIGNED-PAYLOAD-TRAILER',
  )
}
