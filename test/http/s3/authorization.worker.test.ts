// Contract: a vended credential opens its folders and its actions, and nothing beside or above them.
// Source: security cases 6 (sibling prefix), 11 and 39 (path tricks), 19 (a reader writes, deletes or lists outside).
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { credential, HOST, NOW, outcome, send, serve, signed, stored, texts } from './harness.ts'
import { createHash, createHmac } from 'node:crypto'

const FOREIGN = ['wh/t2/secret', 'wh/t10/secret', 'wh/secret', 'secret', 'wh/t1']

beforeEach(async () => {
  for (const key of ['wh/t1/own', ...FOREIGN]) await env.LAKE.put(key, `content of ${key}`)
})

describe.each(FOREIGN)('a writer of wh/t1/ at %s', (key) => {
  it.each([
    ['GET', '', '403 AccessDenied'],
    ['HEAD', '', '403 -'],
    ['PUT', '', '403 AccessDenied'],
    ['DELETE', '', '403 AccessDenied'],
    ['POST', '?uploads', '403 AccessDenied'],
    ['PUT', '?partNumber=1&uploadId=u', '403 AccessDenied'],
    ['POST', '?uploadId=u', '403 AccessDenied'],
    ['DELETE', '?uploadId=u', '403 AccessDenied'],
  ])('%s %s', async (method, query, expected) => {
    const body = method === 'PUT' ? { body: 'overwritten' } : {}
    expect(await outcome(await send(await credential(), method, `/s3/lake/${key}${query}`, body))).toBe(expected)
    expect(await stored(key)).toBe(`content of ${key}`)
  })

  it('copies neither from there nor to there', async () => {
    const writer = await credential()
    const from = { headers: { 'x-amz-copy-source': `/lake/${key}` } }
    expect(await outcome(await send(writer, 'PUT', '/s3/lake/wh/t1/stolen', from))).toBe('403 AccessDenied')
    expect(await stored('wh/t1/stolen')).toBeNull()
    const to = { headers: { 'x-amz-copy-source': 'lake/wh/t1/own' } }
    expect(await outcome(await send(writer, 'PUT', `/s3/lake/${key}`, to))).toBe('403 AccessDenied')
    expect(await stored(key)).toBe(`content of ${key}`)
  })

  it('deletes it neither alone nor among its own', async () => {
    const alone = `<Delete><Object><Key>${key}</Key></Object></Delete>`
    const mixed = `<Delete><Object><Key>wh/t1/own</Key></Object><Object><Key>${key}</Key></Object></Delete>`
    const writer = await credential()
    expect(await outcome(await send(writer, 'POST', '/s3/lake?delete', { body: alone, hashed: true }))).toBe(
      '403 AccessDenied',
    )
    expect(await stored(key)).not.toBeNull()
    const xml = await (await send(writer, 'POST', '/s3/lake?delete', { body: mixed, hashed: true })).text()
    expect(xml).toContain(`<Deleted><Key>wh/t1/own</Key></Deleted><Error><Key>${key}</Key><Code>AccessDenied</Code>`)
    expect(await stored(key)).not.toBeNull()
    expect(await stored('wh/t1/own')).toBeNull()
  })
})

describe.each(['list-type=2&', ''])('a listing with %j', (version) => {
  it.each([
    '',
    'prefix=',
    'prefix=w',
    'prefix=wh/',
    'prefix=wh/t1',
    'prefix=wh/t10/',
    'prefix=wh/t2/',
    'prefix=wh/t1%2F..%2Ft2/&prefix=x',
  ])('shows nothing foreign for %j', async (query) => {
    const response = await send(await credential('read'), 'GET', `/s3/lake?${version}${query}`)
    const xml = await response.text()
    expect(xml).not.toContain('secret')
    expect(response.status === 403 || texts(xml, 'Key').length === 0).toBe(true)
  })

  it.each(['start-after=wh/t0', 'marker=wh/', 'delimiter=/', 'continuation-token=d2gvdDE='])(
    'stays inside with %s',
    async (option) => {
      const target = `/s3/lake?${version}prefix=wh/t1/&${option}`
      const response = await send(await credential('read'), 'GET', target)
      const xml = await response.text()
      expect(xml).not.toContain('secret')
      expect(response.status === 501 || texts(xml, 'Key').join() === 'wh/t1/own').toBe(true)
    },
  )
})

describe('a reader', () => {
  it.each([
    ['PUT', 'wh/t1/own', ''],
    ['PUT', 'wh/t1/new', ''],
    ['DELETE', 'wh/t1/own', ''],
    ['POST', 'wh/t1/new', '?uploads'],
    ['PUT', 'wh/t1/new', '?partNumber=1&uploadId=u'],
    ['POST', 'wh/t1/new', '?uploadId=u'],
    ['DELETE', 'wh/t1/new', '?uploadId=u'],
    ['POST', '', '?delete'],
  ])('may not %s %s%s', async (method, key, query) => {
    const body = method === 'POST' && key === '' ? '<Delete><Object><Key>wh/t1/own</Key></Object></Delete>' : 'x'
    const sent = method === 'DELETE' ? {} : { body }
    expect(await outcome(await send(await credential('read'), method, `/s3/lake/${key}${query}`, sent))).toBe(
      '403 AccessDenied',
    )
    expect(await stored('wh/t1/own')).toBe('content of wh/t1/own')
    expect(await stored('wh/t1/new')).toBeNull()
  })

  it('may not copy', async () => {
    const headers = { 'x-amz-copy-source': 'lake/wh/t1/own' }
    expect(await outcome(await send(await credential('read'), 'PUT', '/s3/lake/wh/t1/new', { headers }))).toBe(
      '403 AccessDenied',
    )
    expect(await stored('wh/t1/new')).toBeNull()
  })

  it('reads, looks and lists', async () => {
    const reader = await credential('read')
    expect(await outcome(await send(reader, 'GET', '/s3/lake/wh/t1/own'))).toBe('200 -')
    expect(await outcome(await send(reader, 'HEAD', '/s3/lake/wh/t1/own'))).toBe('200 -')
    expect(await outcome(await send(reader, 'GET', '/s3/lake?list-type=2&prefix=wh/t1/'))).toBe('200 -')
    expect(await outcome(await send(reader, 'GET', '/s3/lake?location'))).toBe('200 -')
    expect(await outcome(await send(reader, 'HEAD', '/s3/lake'))).toBe('200 -')
  })
})

describe('the bucket', () => {
  it('is the one of the credential and no other', async () => {
    expect(await outcome(await send(await credential(), 'GET', '/s3/other/wh/t1/own'))).toBe('403 AccessDenied')
    const headers = { 'x-amz-copy-source': '/other/wh/t1/own' }
    expect(await outcome(await send(await credential(), 'PUT', '/s3/lake/wh/t1/new', { headers }))).toBe(
      '403 AccessDenied',
    )
  })

  it('is missing if the endpoint does not serve it', async () => {
    const other = await credential('read', ['wh/t1'], { bucket: 'other' })
    expect(await outcome(await send(other, 'GET', '/s3/other/wh/t1/own'))).toBe('404 NoSuchBucket')
    expect(await outcome(await send(other, 'GET', '/s3/lake/wh/t1/own'))).toBe('403 AccessDenied')
  })
})

describe('several folders', () => {
  it('are open together and nothing between them', async () => {
    const both = await credential('read', ['wh/t1', 'wh/t2'])
    expect(await outcome(await send(both, 'GET', '/s3/lake/wh/t2/secret'))).toBe('200 -')
    expect(await outcome(await send(both, 'GET', '/s3/lake/wh/t10/secret'))).toBe('403 AccessDenied')
    expect(await outcome(await send(both, 'GET', '/s3/lake?prefix=wh/'))).toBe('403 AccessDenied')
  })
})

describe('a path trick', () => {
  /** Keys are literal: whatever a path looks like, it names one object below the folder or none at all. */
  it.each([
    ['/s3/lake/wh/t1%2F..%2Ft2/secret', 'wh/t1/../t2/secret'],
    ['/s3/lake/wh/t1/..%2ft2%2fsecret', 'wh/t1/../t2/secret'],
    ['/s3/lake/wh/t1//../t2/secret', 'wh/t1/t2/secret'],
    ['/s3/lake/wh/t1/../t2/secret', null],
    ['/s3/lake/wh/t1//own', 'wh/t1//own'],
    ['/s3/lake/wh/t1/%252e%252e/t2/secret', 'wh/t1/%2e%2e/t2/secret'],
    ['/s3/lake/wh%2Ft2%2Fsecret', null],
    ['/s3/lake//wh/t1/own', null],
    ['/s3/lake%2Fwh/t1/own', null],
    ['/s3//lake/wh/t1/own', null],
    ['/s3x/lake/wh/t1/own', null],
    ['/s3/lake/wh/t1/%00', 'wh/t1/\u0000'],
  ])('%s writes only what it names', async (path, key) => {
    const answer = await outcome(await serve(rawlySigned(await credential(), 'PUT', path)))
    expect(answer).toMatch(
      key === null ? /^(403 AccessDenied|404 NoSuchBucket|400 InvalidURI|501 NotImplemented)$/ : /^200/,
    )
    for (const foreign of FOREIGN) expect(await stored(foreign)).toBe(`content of ${foreign}`)
    expect(await stored('wh/t1/own')).toBe('content of wh/t1/own')
    if (key !== null) expect(await env.LAKE.head(key)).not.toBeNull()
  })

  it.each(['/s3/lake/wh/t1/%zz', '/s3/lake/wh/t1/%c0%af', '/s3/lake/wh/t1/%ff'])('%s is no path', async (path) => {
    const request = await signed(await credential(), 'GET', '/s3/lake/wh/t1/x')
    expect(await outcome(await serve(new Request(`http://${HOST}${path}`, request)))).toBe('400 InvalidURI')
  })
})

/** Signs a path exactly as it is written, which no SDK would do. */
function rawlySigned(key: Awaited<ReturnType<typeof credential>>, method: string, path: string): Request {
  const date = NOW.toISOString().replace(/[:-]|\.\d{3}/g, '')
  const headers = {
    host: HOST,
    'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
    'x-amz-date': date,
    'x-amz-security-token': key.sessionToken,
  }
  const names = Object.keys(headers).join(';')
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`)
  const url = new URL(`http://${HOST}${path}`)
  const canonical = [method, url.pathname, '', lines.join(''), names, 'UNSIGNED-PAYLOAD'].join('\n')
  const scope = [date.slice(0, 8), 'auto', 's3', 'aws4_request']
  const hash = createHash('sha256').update(canonical).digest('hex')
  let mac: Uint8Array = new TextEncoder().encode(`AWS4${key.secretAccessKey}`)
  for (const part of [...scope, ['AWS4-HMAC-SHA256', date, scope.join('/'), hash].join('\n')])
    mac = createHmac('sha256', mac).update(part).digest()
  const signature = Buffer.from(mac).toString('hex')
  const authorization = `AWS4-HMAC-SHA256 Credential=${key.accessKeyId}/${scope.join('/')},SignedHeaders=${names},Signature=${signature}`
  return new Request(url, { method, headers: { ...headers, authorization, 'content-length': '0' } })
}
