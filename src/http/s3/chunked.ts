import { toHex } from '#domain/hex'
import type { Authenticated } from './authenticate.ts'
import type { ByteSource } from './byte-source.ts'
import { accessDenied, S3Error } from './errors.ts'

import type { Sink } from './sinks.ts'
import { chunkStringToSign, sha256Hex, signatureMatches, trailerStringToSign } from './sigv4.ts'

export interface Chunking {
  /** Whose signatures the chunks carry; null for unsigned chunks. */
  readonly signer: Authenticated | null
  /** The trailing headers that `x-amz-trailer` announces, lower-case. */
  readonly trailers: readonly string[]
}

const TRAILER_SIGNATURE = 'x-amz-trailer-signature'
/** A checksum, its signature, and some to spare. */
const TRAILERS_MAX = 16

/**
 * Decodes the `aws-chunked` encoding, verifying the chain of signatures where there is one. Checksums in the trailer
 * are parsed and not compared: no client depends on it.
 * @throws S3Error `SignatureDoesNotMatch`, `IncompleteBody`, `MalformedTrailerError`
 */
export async function decodeChunks(source: ByteSource, sink: Sink, chunking: Chunking): Promise<void> {
  const chain = chunking.signer && new SignatureChain(chunking.signer)
  for (;;) {
    const { size, signature } = parseChunkHeader(await source.line())
    const hash = await copyChunk(source, sink, size, chain !== null)
    await chain?.verifyChunk(signature, hash)
    if (size === 0) break
    if ((await source.line()) !== '') throw malformedChunk()
  }
  await readTrailers(source, chunking, chain)
}

function parseChunkHeader(line: string): { size: number; signature: string } {
  const match = /^([0-9a-f]{1,12})(?:;chunk-signature=([0-9a-f]{64}))?$/i.exec(line)
  if (!match) throw malformedChunk()
  return { size: Number.parseInt(match[1] ?? '', 16), signature: match[2] ?? '' }
}

/** Passes on one chunk's bytes. Returns their hex SHA-256 if it is wanted, `''` if not. */
async function copyChunk(source: ByteSource, sink: Sink, size: number, hashed: boolean): Promise<string> {
  const digest = hashed ? new crypto.DigestStream('SHA-256') : null
  const hasher = digest?.getWriter()
  for (let left = size; left > 0;) {
    const bytes = await source.bytes(left)
    if (bytes.length === 0) throw new S3Error('IncompleteBody', 'The body ended inside a chunk.')
    await hasher?.write(bytes)
    await sink.write(bytes)
    left -= bytes.length
  }
  await hasher?.close()
  return digest ? toHex(await digest.digest) : ''
}

async function readTrailers(source: ByteSource, { trailers }: Chunking, chain: SignatureChain | null): Promise<void> {
  const found = new Map<string, string>()
  for (let line = await source.line(); line !== ''; line = await source.line()) {
    const colon = line.indexOf(':')
    if (colon < 1 || found.size === TRAILERS_MAX) throw malformedTrailer()
    found.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim())
  }
  const signature = found.get(TRAILER_SIGNATURE)
  found.delete(TRAILER_SIGNATURE)
  if (trailers.some((name) => !found.has(name)) || found.size !== trailers.length) throw malformedTrailer()
  if (chain && trailers.length > 0) await chain.verifyTrailers(signature ?? '', found)
}

/** Each signature covers its chunk and the signature before it; the first follows from the request's own. */
class SignatureChain {
  readonly #signer: Authenticated
  #previous: string

  constructor(signer: Authenticated) {
    this.#signer = signer
    this.#previous = signer.presented.signature
  }

  async verifyChunk(signature: string, hash: string): Promise<void> {
    await this.#verify(signature, chunkStringToSign(this.#signer.presented.scope, this.#previous, hash))
  }

  async verifyTrailers(signature: string, trailers: ReadonlyMap<string, string>): Promise<void> {
    const lines = [...trailers].map(([name, value]) => `${name}:${value}\n`).join('')
    const hash = await sha256Hex(new TextEncoder().encode(lines))
    await this.#verify(signature, trailerStringToSign(this.#signer.presented.scope, this.#previous, hash))
  }

  async #verify(signature: string, text: string): Promise<void> {
    if (signature === '') throw accessDenied()
    if (!(await signatureMatches(this.#signer.key, signature, text)))
      throw new S3Error('SignatureDoesNotMatch', 'The signature of a chunk does not match its content.')
    this.#previous = signature
  }
}

function malformedChunk(): S3Error {
  return new S3Error('IncompleteBody', 'The aws-chunked encoding of the body is malformed.')
}

function malformedTrailer(): S3Error {
  return new S3Error('MalformedTrailerError', 'The trailer of the body is not what x-amz-trailer announces.')
}
