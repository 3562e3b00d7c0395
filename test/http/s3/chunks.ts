import { createHash, createHmac } from 'node:crypto'
import type { StorageCredential } from '#signers/signer'
import { HOST, NOW, signed } from './harness.ts'

export interface Chunked {
  readonly signed: boolean
  readonly trailer: boolean
  readonly chunkBytes: number
  /** Changes the framed body before it is sent. */
  readonly tamper?: (body: Uint8Array) => Uint8Array
  readonly headers?: Readonly<Record<string, string>>
}

/** An upload in the aws-chunked encoding, as the SDKs make it; written with Node's crypto, not with what verifies it. */
export async function chunkedUpload(
  key: StorageCredential,
  target: string,
  content: Uint8Array,
  { signed: isSigned, trailer, chunkBytes, tamper = (body) => body, headers = {} }: Chunked,
): Promise<Request> {
  const payload = isSigned ? 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD' : 'STREAMING-UNSIGNED-PAYLOAD'
  const head = await signed(key, 'PUT', target, {
    headers: {
      'content-encoding': 'aws-chunked',
      'x-amz-content-sha256': trailer ? `${payload}-TRAILER` : payload,
      'x-amz-decoded-content-length': String(content.length),
      ...(trailer && { 'x-amz-trailer': 'x-amz-checksum-crc32' }),
      ...headers,
    },
  })
  const seed = /Signature=(\w+)/.exec(head.headers.get('authorization') ?? '')?.[1] ?? ''
  const body = tamper(frame(content, chunkBytes, trailer, isSigned ? signerOf(key, seed) : null))
  const sent = new Headers(head.headers)
  sent.set('content-length', String(body.length))
  return new Request(`http://${HOST}${target}`, { method: 'PUT', headers: sent, body })
}

type Sign = (kind: string, ...hashes: string[]) => string

function signerOf(key: StorageCredential, seed: string): Sign {
  const timestamp = NOW.toISOString().replace(/[:-]|\.\d{3}/g, '')
  const scope = [timestamp.slice(0, 8), 'auto', 's3', 'aws4_request']
  let signingKey: Uint8Array = new TextEncoder().encode(`AWS4${key.secretAccessKey}`)
  for (const part of scope) signingKey = createHmac('sha256', signingKey).update(part).digest()
  let previous = seed
  return (kind, ...hashes) => {
    const text = [`AWS4-HMAC-SHA256-${kind}`, timestamp, scope.join('/'), previous, ...hashes].join('\n')
    previous = createHmac('sha256', signingKey).update(text).digest('hex')
    return previous
  }
}

function frame(content: Uint8Array, chunkBytes: number, trailer: boolean, sign: Sign | null): Uint8Array {
  const out: (string | Uint8Array)[] = []
  for (let at = 0; at < content.length; at += chunkBytes) {
    const data = content.subarray(at, at + chunkBytes)
    out.push(`${data.length.toString(16)}${signatureOf(data)}\r\n`, data, '\r\n')
  }
  out.push(`0${signatureOf(new Uint8Array(0))}\r\n`)
  if (trailer) {
    out.push('x-amz-checksum-crc32:AAAAAA==\r\n')
    if (sign) out.push(`x-amz-trailer-signature:${sign('TRAILER', hash('x-amz-checksum-crc32:AAAAAA==\n'))}\r\n`)
  }
  return Buffer.concat([...out, '\r\n'].map((part) => Buffer.from(part as string)))

  function signatureOf(data: Uint8Array): string {
    return sign ? `;chunk-signature=${sign('PAYLOAD', hash(''), hash(data))}` : ''
  }
}

function hash(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}
