import { toHex } from '#domain/hex'
import { REQUEST_BODY_BYTES_MAX, S3_STREAM_PIECE_BYTES } from '#src/limits'
import type { Authenticated } from './authenticate.ts'
import { ByteSource } from './byte-source.ts'
import { decodeChunks } from './chunked.ts'
import { S3Error } from './errors.ts'
import { EMPTY_SHA256, sha256Hex } from './sigv4.ts'
import { Collector, HeldWriter, type Sink } from './sinks.ts'

/** How the bytes of an object arrive, by `x-amz-content-sha256`. */
const PAYLOAD_MODES: ReadonlyMap<
  string,
  { readonly chunked: boolean; readonly signed: boolean; readonly trailer: boolean }
> = new Map([
  ['UNSIGNED-PAYLOAD', { chunked: false, signed: false, trailer: false }],
  ['STREAMING-UNSIGNED-PAYLOAD-TRAILER', { chunked: true, signed: false, trailer: true }],
  ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD', { chunked: true, signed: true, trailer: false }],
  ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER', { chunked: true, signed: true, trailer: true }],
])

/** Reads a body to its end, hands its content on, and throws if it is not what was signed. */
type Feed = (source: ByteSource, sink: Sink) => Promise<void>

/** The hex SHA-256 that the client signed for its body, or null if the body is not signed as a whole. */
function signedHash({ presented: { payload } }: Authenticated): string | null {
  return /^[0-9a-f]{64}$/.test(payload) ? payload : null
}

/**
 * Gives the bytes of the object that a request uploads to `consume`: a small object whole, once it is known to be what
 * was signed; a larger one as a stream of known length. A body that turns out to be wrong makes the stream fail before
 * its end, so `consume` must be one atomic write.
 * @throws S3Error `MissingContentLength`, `IncompleteBody`, `SignatureDoesNotMatch`, `XAmzContentSHA256Mismatch` …
 */
export async function storeBody<T>(
  request: Request,
  signer: Authenticated,
  consume: (content: ReadableStream<Uint8Array> | Uint8Array) => Promise<T>,
): Promise<T> {
  const { length, feed } = planFor(request, signer)
  const source = new ByteSource(request.body)
  if (length > S3_STREAM_PIECE_BYTES) return streamBody(source, length, feed, consume)
  const collector = new Collector(length)
  await feed(source, collector)
  return consume(collector.finish())
}

async function streamBody<T>(
  source: ByteSource,
  length: number,
  feed: Feed,
  consume: (content: ReadableStream<Uint8Array>) => Promise<T>,
): Promise<T> {
  const pipe = new FixedLengthStream(length)
  const sink = new HeldWriter(pipe.writable, length)
  let failure: unknown
  feed(source, sink)
    .then(() => sink.finish())
    .catch(async (error: unknown) => {
      failure = error
      await sink.abort(error)
    })
    .catch(() => {})
  try {
    return await consume(pipe.readable)
  } catch (error) {
    throw failure instanceof S3Error ? failure : error
  } finally {
    await source.cancel()
  }
}

function planFor(request: Request, signer: Authenticated): { length: number; feed: Feed } {
  const hash = signedHash(signer)
  if (hash !== null) return { length: lengthIn(request, 'content-length'), feed: plain(hash) }
  const mode = PAYLOAD_MODES.get(signer.presented.payload)
  if (!mode)
    throw new S3Error(
      'InvalidArgument',
      'x-amz-content-sha256 must be a SHA-256 in hex or a payload mode that is known here.',
    )
  if (!mode.chunked) return { length: lengthIn(request, 'content-length'), feed: plain(null) }
  const trailers = mode.trailer ? trailerNames(request) : []
  return {
    length: lengthIn(request, 'x-amz-decoded-content-length'),
    feed: (source, sink) => decodeChunks(source, sink, { signer: mode.signed ? signer : null, trailers }),
  }
}

function lengthIn(request: Request, header: string): number {
  const value = request.headers.get(header)
  if (value === null) throw new S3Error('MissingContentLength', `You must provide the ${header} HTTP header.`)
  if (!/^\d{1,15}$/.test(value)) throw new S3Error('InvalidArgument', `${header} must be a number of bytes.`)
  return Number(value)
}

function trailerNames(request: Request): string[] {
  return (request.headers.get('x-amz-trailer') ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '')
}

/** Bytes as they are, compared with the hash that was signed for them if there is one. */
function plain(hash: string | null): Feed {
  return async (source, sink) => {
    const digest = hash === null ? null : new crypto.DigestStream('SHA-256')
    const hasher = digest?.getWriter()
    for (;;) {
      const bytes = await source.bytes(S3_STREAM_PIECE_BYTES)
      if (bytes.length === 0) break
      await hasher?.write(bytes)
      await sink.write(bytes)
    }
    await hasher?.close()
    if (digest && toHex(await digest.digest) !== hash) throw hashMismatch()
  }
}

/** A small body whole, as text, compared with the hash that was signed for it. @throws S3Error */
export async function readText(request: Request, signer: Authenticated): Promise<string> {
  const hash = signedHash(signer)
  if (hash === null && signer.presented.payload !== 'UNSIGNED-PAYLOAD')
    throw new S3Error('NotImplemented', 'This operation takes a body that is not chunked.')
  const bytes = await readWhole(request)
  const found = bytes.length === 0 ? EMPTY_SHA256 : await sha256Hex(bytes)
  if (hash !== null && hash !== found) throw hashMismatch()
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new S3Error('MalformedXML', 'The XML was not well formed: expected UTF-8.', cause)
  }
}

async function readWhole(request: Request): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let length = 0
  for await (const piece of request.body ?? []) {
    length += piece.length
    if (length > REQUEST_BODY_BYTES_MAX)
      throw new S3Error('EntityTooLarge', `Expected a body of at most ${REQUEST_BODY_BYTES_MAX} bytes.`)
    pieces.push(piece)
  }
  const whole = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

function hashMismatch(): S3Error {
  return new S3Error(
    'XAmzContentSHA256Mismatch',
    "The provided 'x-amz-content-sha256' does not match what was computed.",
  )
}
