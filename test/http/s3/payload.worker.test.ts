// Contract: an upload is stored exactly as it was signed, in every payload mode, or not at all.
// Source: AWS SigV4, "Signature calculations: transferring payload in multiple chunks" and "including trailing headers".
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { type Chunked, chunkedUpload } from './chunks.ts'
import { credential, outcome, send, serve, sha256, signed, stored } from './harness.ts'

const MODES: Readonly<Record<string, Omit<Chunked, 'chunkBytes'>>> = {
  'unsigned chunks with a trailer': { signed: false, trailer: true },
  'signed chunks': { signed: true, trailer: false },
  'signed chunks with a trailer': { signed: true, trailer: true },
}
/** Crosses the size up to which an object is collected, and of every buffer on the way. */
const SIZES = [0, 1, 65_536, 1_048_576, 3_500_001]
const TARGET = '/s3/lake/wh/t1/upload'
const KEY = 'wh/t1/upload'

describe.each(Object.entries(MODES))('%s', (_, mode) => {
  it.each(SIZES)('stores %i bytes', async (size) => {
    const content = bytes(size)
    const request = await chunkedUpload(await credential(), TARGET, content, { ...mode, chunkBytes: 131_072 })
    expect(await outcome(await serve(request))).toBe('200 -')
    expect(await digestOf(KEY)).toBe(await sha256(content))
  })

  it('stores chunks of any size', async () => {
    for (const chunkBytes of [1, 7, 4096, 1_000_000]) {
      const content = bytes(chunkBytes === 1 ? 50 : chunkBytes + 11)
      const request = await chunkedUpload(await credential(), TARGET, content, { ...mode, chunkBytes })
      expect(await outcome(await serve(request))).toBe('200 -')
      expect(await digestOf(KEY)).toBe(await sha256(content))
    }
  })

  it.each([100, 1_500_000])('stores nothing of %i bytes that end early', async (size) => {
    await env.LAKE.delete(KEY)
    const tamper = (body: Uint8Array) => body.subarray(0, body.length - 90 - (size >> 1))
    const request = await chunkedUpload(await credential(), TARGET, bytes(size), {
      ...mode,
      chunkBytes: 65_536,
      tamper,
    })
    expect(await outcome(await serve(request))).toMatch(/^400 IncompleteBody|^403 SignatureDoesNotMatch/)
    expect(await stored(KEY)).toBeNull()
  })

  it.each([-1, 1])('stores nothing if the announced length is off by %i', async (off) => {
    await env.LAKE.delete(KEY)
    const headers = { 'x-amz-decoded-content-length': String(100 + off) }
    const request = await chunkedUpload(await credential(), TARGET, bytes(100), { ...mode, chunkBytes: 64, headers })
    expect(await outcome(await serve(request))).toBe('400 IncompleteBody')
    expect(await stored(KEY)).toBeNull()
  })

  it('needs the announced length', async () => {
    const request = await signed(await credential(), 'PUT', TARGET, {
      body: '0\r\n\r\n',
      headers: { 'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' },
    })
    expect(await outcome(await serve(request))).toBe('411 MissingContentLength')
  })
})

describe.each(Object.entries(MODES).filter(([, mode]) => mode.signed))('%s, tampered with', (_, mode) => {
  it.each([
    ['in the first chunk', 200, 100],
    ['in the last chunk', 200, -300],
    ['in the first chunk of a streamed object', 2_500_000, 100],
    ['in the last chunk of a streamed object', 2_500_000, -300],
  ])('stores nothing: %s', async (_where, size, at) => {
    await env.LAKE.delete(KEY)
    const tamper = (body: Uint8Array) => flipped(body, at)
    const request = await chunkedUpload(await credential(), TARGET, bytes(size), {
      ...mode,
      chunkBytes: 65_536,
      tamper,
    })
    expect(await outcome(await serve(request))).toBe('403 SignatureDoesNotMatch')
    expect(await stored(KEY)).toBeNull()
  })

  it('stores nothing if chunks change places', async () => {
    await env.LAKE.delete(KEY)
    const request = await chunkedUpload(await credential(), TARGET, bytes(200), {
      ...mode,
      chunkBytes: 100,
      tamper: swapped,
    })
    expect(await outcome(await serve(request))).toBe('403 SignatureDoesNotMatch')
    expect(await stored(KEY)).toBeNull()
  })

  it('stores nothing if the signatures are left out', async () => {
    await env.LAKE.delete(KEY)
    const content = new TextEncoder().encode('plain text')
    const request = await chunkedUpload(await credential(), TARGET, content, {
      ...mode,
      chunkBytes: 4,
      tamper: unsigned,
    })
    expect(await outcome(await serve(request))).toBe('403 AccessDenied')
    expect(await stored(KEY)).toBeNull()
  })
})

it.each([
  ['a missing trailer', 'x-amz-checksum-crc32:AAAAAA==\r\n', '', '400 MalformedTrailerError'],
  ['another trailer', 'x-amz-checksum-crc32', 'x-amz-checksum-sha1', '400 MalformedTrailerError'],
  ['a chunk size that is no number', '\r\n0\r\n', '\r\nzz\r\n', '400 IncompleteBody'],
  ['a chunk longer than it says', 'a\r\n', '9\r\n', '400 IncompleteBody'],
  ['a line without end', '\r\n0\r\n', `\r\n${'0'.repeat(5000)}\r\n`, '400 IncompleteBody'],
])('refuses %s', async (_, found, replaced, expected) => {
  await env.LAKE.delete(KEY)
  const tamper = (body: Uint8Array) => new TextEncoder().encode(new TextDecoder().decode(body).replace(found, replaced))
  const mode = { signed: false, trailer: true, chunkBytes: 64, tamper }
  const request = await chunkedUpload(await credential(), TARGET, new TextEncoder().encode('0123456789'), mode)
  expect(await outcome(await serve(request))).toBe(expected)
  expect(await stored(KEY)).toBeNull()
})

describe('a body hashed as a whole', () => {
  it.each(SIZES)('stores %i bytes', async (size) => {
    const content = bytes(size)
    expect(await outcome(await send(await credential(), 'PUT', TARGET, { body: content, hashed: true }))).toBe('200 -')
    expect(await digestOf(KEY)).toBe(await sha256(content))
  })

  it.each([10, 2_500_000])('stores nothing of %i bytes with another hash', async (size) => {
    await env.LAKE.delete(KEY)
    const request = await signed(await credential(), 'PUT', TARGET, { body: bytes(size), hashed: true })
    const tampered = new Request(request.url, {
      method: 'PUT',
      headers: request.headers,
      body: flipped(bytes(size), -1),
    })
    expect(await outcome(await serve(tampered))).toBe('400 XAmzContentSHA256Mismatch')
    expect(await stored(KEY)).toBeNull()
  })
})

describe('an unsigned body', () => {
  it.each(SIZES)('stores %i bytes', async (size) => {
    const content = bytes(size)
    expect(await outcome(await send(await credential(), 'PUT', TARGET, { body: content }))).toBe('200 -')
    expect(await digestOf(KEY)).toBe(await sha256(content))
  })

  it('needs a length', async () => {
    const request = await signed(await credential(), 'PUT', TARGET, { body: 'x' })
    const headers = new Headers(request.headers)
    headers.delete('content-length')
    const endless = new Request(request.url, { method: 'PUT', headers, body: request.body })
    expect(await outcome(await serve(endless))).toBe('411 MissingContentLength')
  })
})

it('refuses a payload mode it does not know', async () => {
  const headers = { 'x-amz-content-sha256': 'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD' }
  expect(await outcome(await send(await credential(), 'PUT', TARGET, { body: 'x', headers }))).toBe(
    '400 InvalidArgument',
  )
})

function bytes(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => (index * 31 + (index >> 8)) & 255)
}

function flipped(body: Uint8Array, at: number): Uint8Array {
  const copy = body.slice()
  const index = at < 0 ? copy.length + at : at
  copy[index] = (copy[index] ?? 0) ^ 1
  return copy
}

async function digestOf(key: string): Promise<string | null> {
  const object = await env.LAKE.get(key)
  return object && sha256(new Uint8Array(await object.arrayBuffer()))
}

/** The first two chunks, of 100 bytes each, in the other order. */
function swapped(body: Uint8Array): Uint8Array {
  const length = '64;chunk-signature='.length + 64 + 2 + 100 + 2
  const [first, second, rest] = [body.subarray(0, length), body.subarray(length, 2 * length), body.subarray(2 * length)]
  return Uint8Array.from([...second, ...first, ...rest])
}

function unsigned(body: Uint8Array): Uint8Array {
  return new TextEncoder().encode(new TextDecoder().decode(body).replaceAll(/;chunk-signature=\w+/g, ''))
}
