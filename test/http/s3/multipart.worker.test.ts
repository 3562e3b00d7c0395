// Contract: a multipart upload becomes one object when it is completed, and nothing before or otherwise.
// Source: Amazon S3 API reference; R2 multipart upload: parts but the last are equal and at least 5 MiB.
import { env } from 'cloudflare:workers'
import { beforeEach, expect, it } from 'vitest'
import { credential, outcome, send, sha256, signed, serve, stored, texts } from './harness.ts'

const TARGET = '/s3/lake/wh/t1/parts'
const KEY = 'wh/t1/parts'
const MIB = 1024 * 1024

beforeEach(async () => {
  await env.LAKE.delete(KEY)
})

it('joins its parts', async () => {
  const uploadId = await create()
  const parts = [part(5 * MIB, 1), part(5 * MIB, 2), part(17, 3)]
  const etags = []
  for (const [index, body] of parts.entries()) etags.push(await upload(uploadId, index + 1, body))
  expect(await env.LAKE.head(KEY)).toBeNull()
  const response = await complete(uploadId, etags.entries())
  expect(await response.text()).toMatch(
    /<CompleteMultipartUploadResult .*<Bucket>lake<\/Bucket><Key>wh\/t1\/parts<\/Key><ETag>&quot;[0-9a-f]{32}-3&quot;</,
  )
  const object = await env.LAKE.get(KEY)
  expect(await sha256(new Uint8Array((await object?.arrayBuffer()) ?? []))).toBe(await sha256(joined(parts)))
})

it('keeps the metadata it was created with', async () => {
  const created = await send(await credential(), 'POST', `${TARGET}?uploads`, { headers: { 'content-type': 'a/b' } })
  const uploadId = texts(await created.text(), 'UploadId')[0] ?? ''
  await complete(uploadId, [[0, await upload(uploadId, 1, part(3, 1))]])
  expect((await env.LAKE.head(KEY))?.httpMetadata?.contentType).toBe('a/b')
})

it('says which rule parts of different sizes break', async () => {
  const uploadId = await create()
  const etags = [
    await upload(uploadId, 1, part(5 * MIB, 1)),
    await upload(uploadId, 2, part(6 * MIB, 2)),
    await upload(uploadId, 3, part(1, 3)),
  ]
  const response = await complete(uploadId, etags.entries())
  expect([response.status, await response.text()]).toEqual([400, expect.stringMatching(/InvalidPart<.*same size/)])
  expect(await stored(KEY)).toBeNull()
})

it('refuses small parts, unknown parts and a wrong order', async () => {
  const uploadId = await create()
  const etags = [await upload(uploadId, 1, part(10, 1)), await upload(uploadId, 2, part(10, 2))]
  expect(await outcome(await complete(uploadId, etags.entries()))).toBe('400 EntityTooSmall')
  expect(await outcome(await complete(uploadId, [[0, '"unknown"']]))).toBe('400 InvalidPart')
  expect(await outcome(await complete(uploadId, [...etags.entries()].toReversed()))).toBe('400 InvalidPartOrder')
  expect(await outcome(await complete(uploadId, []))).toBe('400 MalformedXML')
  expect(await stored(KEY)).toBeNull()
})

it('is gone once aborted', async () => {
  const uploadId = await create()
  const etag = await upload(uploadId, 1, part(10, 1))
  expect((await send(await credential(), 'DELETE', `${TARGET}?uploadId=${uploadId}`)).status).toBe(204)
  expect(await outcome(await complete(uploadId, [[0, etag]]))).toBe('404 NoSuchUpload')
})

it.each([
  ['PUT', 'partNumber=1&uploadId=unknown'],
  ['POST', 'uploadId=unknown'],
  ['DELETE', 'uploadId=unknown'],
])('%s %s names no upload', async (method, query) => {
  const xml = '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>e</ETag></Part></CompleteMultipartUpload>'
  const sent = method === 'DELETE' ? {} : { body: xml, hashed: true }
  expect(await outcome(await send(await credential(), method, `${TARGET}?${query}`, sent))).toBe('404 NoSuchUpload')
})

it.each(['0', '10001', '-1', 'x', ''])('has no part %j', async (number) => {
  const target = `${TARGET}?partNumber=${number}&uploadId=${await create()}`
  expect(await outcome(await send(await credential(), 'PUT', target, { body: 'x' }))).toBe('400 InvalidArgument')
})

it.each([10, 5 * MIB])('does not keep a part of %i bytes with another hash', async (size) => {
  const uploadId = await create()
  const target = `${TARGET}?partNumber=1&uploadId=${uploadId}`
  const { url, headers } = await signed(await credential(), 'PUT', target, { body: part(size, 1), hashed: true })
  const tampered = new Request(url, { method: 'PUT', headers, body: part(size, 2) })
  expect(await outcome(await serve(tampered))).toBe('400 XAmzContentSHA256Mismatch')
  const etag = await upload(uploadId, 1, part(3, 3))
  await complete(uploadId, [[0, etag]])
  expect(await stored(KEY)).toBe('\u0003\u0003\u0003')
})

it('neither copies parts nor completes on a condition', async () => {
  const uploadId = await create()
  const copied = { headers: { 'x-amz-copy-source': 'lake/wh/t1/x' } }
  const target = `${TARGET}?partNumber=1&uploadId=${uploadId}`
  expect(await outcome(await send(await credential(), 'PUT', target, copied))).toBe('501 NotImplemented')
  const sent = { headers: { 'if-none-match': '*' }, body: 'x', hashed: true }
  expect(await outcome(await send(await credential(), 'POST', `${TARGET}?uploadId=${uploadId}`, sent))).toBe(
    '501 NotImplemented',
  )
})

async function create(): Promise<string> {
  const response = await send(await credential(), 'POST', `${TARGET}?uploads`)
  return texts(await response.text(), 'UploadId')[0] ?? ''
}

async function upload(uploadId: string, number: number, body: Uint8Array): Promise<string> {
  const target = `${TARGET}?partNumber=${number}&uploadId=${uploadId}`
  const response = await send(await credential(), 'PUT', target, { body, hashed: true })
  expect(response.status).toBe(200)
  return response.headers.get('etag') ?? ''
}

async function complete(uploadId: string, parts: Iterable<readonly [number, string]>): Promise<Response> {
  const body = [...parts].map(
    ([index, etag]) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${etag}</ETag></Part>`,
  )
  return send(await credential(), 'POST', `${TARGET}?uploadId=${uploadId}`, {
    body: `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${body.join('')}</CompleteMultipartUpload>`,
    hashed: true,
  })
}

function part(size: number, filler: number): Uint8Array {
  return new Uint8Array(size).fill(filler)
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}
