// Contract: PutObject, GetObject, HeadObject, DeleteObject, CopyObject and the two bucket calls answer as S3 does.
// Source: Amazon S3 API reference; RFC 9110 for ranges and conditions; the R2 binding's limits.
import { env } from 'cloudflare:workers'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { StorageCredential } from '#signers/signer'
import { bodyText, credential, outcome, send, type Sent, serve, signed, stored } from './harness.ts'

let writer: StorageCredential
let etag = ''

beforeAll(async () => {
  writer = await credential()
})

beforeEach(async () => {
  await env.LAKE.delete('wh/t1/new')
  const object = await env.LAKE.put('wh/t1/x', '0123456789', { httpMetadata: { contentType: 'text/plain' } })
  etag = object.httpEtag
  await env.LAKE.put('wh/t1/empty', '')
})

describe('GetObject', () => {
  it('answers with the headers that clients need, and never with a compressible type', async () => {
    const response = await to('GET')
    expect(await bodyText(response)).toBe('0123456789')
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'accept-ranges': 'bytes',
      'content-length': '10',
      'content-type': 'application/octet-stream',
      etag: '"781e5e245d69b566979b86e28d23f2c7"',
      'x-amz-request-id': 'r1',
    })
    expect(response.headers.get('last-modified')).toMatch(/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/)
  })

  it.each([
    ['bytes=2-4', '234', 'bytes 2-4/10'],
    ['bytes=7-', '789', 'bytes 7-9/10'],
    ['bytes=-3', '789', 'bytes 7-9/10'],
    ['bytes=-30', '0123456789', 'bytes 0-9/10'],
    ['bytes=8-99', '89', 'bytes 8-9/10'],
    ['bytes=0-0', '0', 'bytes 0-0/10'],
  ])('gives %s', async (range, expected, contentRange) => {
    const response = await to('GET', 'x', { headers: { range } })
    expect(response.status).toBe(206)
    expect(response.headers.get('content-range')).toBe(contentRange)
    expect(response.headers.get('content-length')).toBe(String(expected.length))
    expect(await bodyText(response)).toBe(expected)
  })

  it.each(['bytes=0-1,4-5', 'bytes=4-2', 'bytes=-', 'items=0-1', 'bytes=a-b'])('gives all for %s', async (range) => {
    const response = await to('GET', 'x', { headers: { range } })
    expect(response.status).toBe(200)
    expect(await bodyText(response)).toBe('0123456789')
  })

  it.each([
    ['x', 'bytes=10-'],
    ['x', 'bytes=-0'],
    ['empty', 'bytes=0-'],
    ['empty', 'bytes=0-0'],
    ['empty', 'bytes=-5'],
    ['empty', 'bytes=3-4'],
  ])('has nothing of %s for %s', async (name, range) => {
    expect(await outcome(await to('GET', name, { headers: { range } }))).toBe('416 InvalidRange')
  })

  it.each(['GET', 'HEAD'])('honours conditions with %s', async (method) => {
    const status = async (headers: Record<string, string>) => (await to(method, 'x', { headers })).status
    expect(await status({ 'if-match': etag })).toBe(200)
    expect(await status({ 'if-match': '"other"' })).toBe(412)
    expect(await status({ 'if-match': '*' })).toBe(200)
    expect(await status({ 'if-none-match': etag })).toBe(304)
    expect(await status({ 'if-none-match': '"other"' })).toBe(200)
    expect(await status({ 'if-modified-since': 'Fri, 01 Jan 2100 00:00:00 GMT' })).toBe(304)
    expect(await status({ 'if-modified-since': 'Fri, 01 Jan 2010 00:00:00 GMT' })).toBe(200)
    expect(await status({ 'if-unmodified-since': 'Fri, 01 Jan 2010 00:00:00 GMT' })).toBe(412)
    expect(await status({ 'if-unmodified-since': 'Fri, 01 Jan 2100 00:00:00 GMT' })).toBe(200)
    expect(await status({ 'if-match': '"other"', range: 'bytes=50-' })).toBe(412)
  })

  it('says what is missing, with the resource and the request', async () => {
    const response = await to('GET', 'a<b&c')
    expect(response.status).toBe(404)
    expect(response.headers.get('content-type')).toBe('application/xml')
    expect(await response.text()).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message>' +
        '<Resource>/s3/lake/wh/t1/a%3Cb&amp;c</Resource><RequestId>r1</RequestId></Error>',
    )
  })
})

describe('HeadObject', () => {
  it('gives the length and no body', async () => {
    const response = await to('HEAD')
    expect([response.status, response.headers.get('content-length'), await response.text()]).toEqual([200, '10', ''])
  })

  it('has no body when it fails', async () => {
    const response = await to('HEAD', 'none')
    expect([response.status, await response.text()]).toEqual([404, ''])
  })
})

describe('PutObject', () => {
  it('answers with the ETag and an empty body', async () => {
    const response = await to('PUT', 'new', { body: '0123456789', hashed: true })
    expect([response.status, response.headers.get('etag'), await response.text()]).toEqual([200, etag, ''])
    expect(await stored('wh/t1/new')).toBe('0123456789')
  })

  it('keeps metadata, and the encoding but for the framing', async () => {
    const headers = { 'content-type': 'text/csv', 'content-encoding': 'aws-chunked,gzip', 'x-amz-meta-owner': 'me' }
    await to('PUT', 'new', { body: 'zipped', headers })
    const object = await env.LAKE.head('wh/t1/new')
    expect(object?.httpMetadata).toEqual({ contentType: 'text/csv', contentEncoding: 'gzip' })
    const response = await to('GET', 'new')
    expect(response.headers.get('content-encoding')).toBe('gzip')
    expect(response.headers.get('content-type')).toBe('application/octet-stream')
    expect(response.headers.get('x-amz-meta-owner')).toBe('me')
    expect(await bodyText(response)).toBe('zipped')
  })

  it('creates only what is not there with If-None-Match: *', async () => {
    const headers = { 'if-none-match': '*' }
    expect(await outcome(await to('PUT', 'new', { body: 'first', headers }))).toBe('200 -')
    expect(await outcome(await to('PUT', 'new', { body: 'second', headers }))).toBe('412 PreconditionFailed')
    expect(await outcome(await to('PUT', 'new', { body: 'x'.repeat(2_500_000), headers }))).toBe(
      '412 PreconditionFailed',
    )
    expect(await stored('wh/t1/new')).toBe('first')
  })

  it('replaces only what is still there with If-Match', async () => {
    expect(await outcome(await to('PUT', 'x', { body: 'next', headers: { 'if-match': '"other"' } }))).toBe(
      '412 PreconditionFailed',
    )
    expect(await outcome(await to('PUT', 'x', { body: 'next', headers: { 'if-match': etag } }))).toBe('200 -')
    expect(await stored('wh/t1/x')).toBe('next')
  })

  it('takes keys literally', async () => {
    for (const name of ['a//b', 'dir/', 'ü 🦎+=%2F&\'"', 'a\nb']) {
      expect(await outcome(await to('PUT', encodeURIComponent(name).replaceAll('%2F', '/'), { body: name }))).toBe(
        '200 -',
      )
    }
    expect((await env.LAKE.list({ prefix: 'wh/t1/' })).objects.map(({ key }) => key)).toEqual(
      expect.arrayContaining(['wh/t1/a//b', 'wh/t1/dir/', 'wh/t1/a\nb']),
    )
  })

  it('refuses a key of more than 1024 bytes', async () => {
    expect(await outcome(await to('PUT', 'k'.repeat(1100), { body: 'x' }))).toBe('400 KeyTooLongError')
  })

  it.each([
    ['x-amz-acl', 'public-read'],
    ['x-amz-server-side-encryption', 'aws:kms'],
    ['x-amz-tagging', 'a=b'],
    ['x-amz-storage-class', 'GLACIER'],
    ['if-none-match', '"etag"'],
  ])('does not pretend to know %s', async (name, value) => {
    expect(await outcome(await to('PUT', 'new', { body: 'x', headers: { [name]: value } }))).toBe('501 NotImplemented')
    expect(await stored('wh/t1/new')).toBeNull()
  })
})

describe('DeleteObject', () => {
  it('is done when the object is gone', async () => {
    expect((await to('DELETE')).status).toBe(204)
    expect(await stored('wh/t1/x')).toBeNull()
    expect((await to('DELETE')).status).toBe(204)
  })

  it('does not ignore a condition', async () => {
    expect(await outcome(await to('DELETE', 'x', { headers: { 'if-match': '"other"' } }))).toBe('501 NotImplemented')
    expect(await stored('wh/t1/x')).not.toBeNull()
  })
})

describe('CopyObject', () => {
  it.each(['lake/wh/t1/x', '/lake/wh/t1/x'])('copies %s with its metadata', async (source) => {
    const xml = await (await copy({ 'x-amz-copy-source': source })).text()
    expect(xml).toMatch(/<CopyObjectResult xmlns="[^"]+"><LastModified>[^<]+Z<\/LastModified><ETag>&quot;\w+&quot;</)
    const object = await env.LAKE.get('wh/t1/new')
    expect([await object?.text(), object?.httpMetadata?.contentType]).toEqual(['0123456789', 'text/plain'])
  })

  it('replaces metadata when asked', async () => {
    await copy({ 'x-amz-copy-source': 'lake/wh/t1/x', 'x-amz-metadata-directive': 'REPLACE', 'content-type': 'a/b' })
    expect((await env.LAKE.head('wh/t1/new'))?.httpMetadata?.contentType).toBe('a/b')
  })

  it.each([
    ['wh/t1/none', {}, '404 NoSuchKey'],
    ['wh/t1/x', { 'x-amz-copy-source-if-match': '"other"' }, '412 PreconditionFailed'],
    ['wh/t1/x', { 'if-match': '"other"' }, '412 PreconditionFailed'],
    ['wh/t1/x?versionId=1', {}, '501 NotImplemented'],
    ['', {}, '400 InvalidArgument'],
  ])('of %s with %j', async (source, headers, expected) => {
    expect(await outcome(await copy({ 'x-amz-copy-source': `lake/${source}`, ...headers }))).toBe(expected)
    expect(await stored('wh/t1/new')).toBeNull()
  })

  it.each([
    '/lake/wh%2Ft1%2Fx',
    'lake%2Fwh/t1/x',
    'l%61ke/wh/t1/x',
    '//lake/wh/t1/x',
    'lake/wh/t1/%78',
    'lake/wh/t1/a+b',
    'lake/wh/t1/a  b',
    'lake/wh/t1/a%c3%a9',
    'lake/wh/t1/x,lake/wh/t1/y',
    'lake/wh/t1/x, lake/wh/t1/x',
    'lake/wh/t1/%',
    'lake',
  ])('of %s is not the one spelling', async (source) => {
    expect(await outcome(await copy({ 'x-amz-copy-source': source }))).toMatch(/^400 Invalid(Argument|URI)$/)
    expect(await stored('wh/t1/new')).toBeNull()
  })

  it('onto itself needs new metadata', async () => {
    expect(await outcome(await copy({ 'x-amz-copy-source': 'lake/wh/t1/x' }, 'x'))).toBe('400 InvalidRequest')
  })
})

describe('the bucket', () => {
  it('has a location', async () => {
    const response = await send(writer, 'GET', '/s3/lake?location')
    expect(await response.text()).toContain('>auto</LocationConstraint>')
    expect((await send(writer, 'HEAD', '/s3/lake')).headers.get('x-amz-bucket-region')).toBe('auto')
  })
})

describe('everything else', () => {
  it.each([
    ['GET', '/s3/'],
    ['GET', '/s3'],
    ['PUT', '/s3/lake'],
    ['DELETE', '/s3/lake'],
    ['GET', '/s3/lake?uploads'],
    ['GET', '/s3/lake?versions'],
    ['GET', '/s3/lake?acl'],
    ['GET', '/s3/lake/wh/t1/x?acl'],
    ['GET', '/s3/lake/wh/t1/x?tagging'],
    ['GET', '/s3/lake/wh/t1/x?versionId=1'],
    ['DELETE', '/s3/lake/wh/t1/x?versionId=1'],
    ['GET', '/s3/lake/wh/t1/x?uploadId=u'],
    ['PUT', '/s3/lake/wh/t1/x?tagging'],
    ['POST', '/s3/lake/wh/t1/x?select&select-type=2'],
    ['POST', '/s3/lake/wh/t1/x'],
    ['PATCH', '/s3/lake/wh/t1/x'],
  ])('%s %s is not implemented, and says so', async (method, target) => {
    expect(await outcome(await send(writer, method, target))).toBe('501 NotImplemented')
    expect(await stored('wh/t1/x')).toBe('0123456789')
  })

  it('hides what went wrong inside and reports it', async () => {
    const broken = { get: () => Promise.reject(new Error('the disk is full at /var/lib')) } as unknown as R2Bucket
    const reports: unknown[] = []
    const response = await serve(await signed(writer, 'GET', '/s3/lake/wh/t1/x'), { bucket: broken, reports })
    const xml = await response.text()
    expect(response.status).toBe(500)
    expect(xml).toContain('<Code>InternalError</Code>')
    expect(xml).not.toContain('disk')
    expect(String(reports[0])).toContain('the disk is full')
  })
})

function copy(headers: Record<string, string>, name = 'new'): Promise<Response> {
  return to('PUT', name, { headers })
}

function to(method: string, name = 'x', sent: Sent = {}): Promise<Response> {
  return send(writer, method, `/s3/lake/wh/t1/${name}`, sent)
}
