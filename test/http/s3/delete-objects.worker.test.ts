// Contract: DeleteObjects deletes what may be deleted and names what may not, and fails whole if nothing may.
// Source: Amazon S3 API reference; s3fs, which overlooks errors of single keys.
import { env } from 'cloudflare:workers'
import { expect, it } from 'vitest'
import { credential, outcome, send, stored } from './harness.ts'

it('deletes a thousand keys, there or not', async () => {
  await env.LAKE.put('wh/t1/7', 'x')
  const response = await deleteObjects(Array.from({ length: 1000 }, (_, index) => `wh/t1/${index}`))
  expect((await response.text()).match(/<Deleted>/g)).toHaveLength(1000)
  expect(await stored('wh/t1/7')).toBeNull()
})

it('says nothing about what went well when asked to be quiet', async () => {
  const response = await deleteObjects(['wh/t1/1', 'wh/t2/1'], '<Quiet>true</Quiet>')
  const xml = await response.text()
  expect(xml).not.toContain('<Deleted>')
  expect(xml).toContain('<Error><Key>wh/t2/1</Key><Code>AccessDenied</Code><Message>Access Denied</Message></Error>')
})

it('takes any key that XML can write', async () => {
  const key = 'wh/t1/a&b<c>"d\r\n🦎'
  await env.LAKE.put(key, 'x')
  const xml = await (await deleteObjects(['wh/t1/a&amp;b&lt;c&gt;&quot;d&#13;&#xA;🦎'])).text()
  expect(xml).toContain('<Key>wh/t1/a&amp;b&lt;c&gt;&quot;d&#xD;&#xA;🦎</Key>')
  expect(await stored(key)).toBeNull()
})

it('answers for a key that is too long or has a version by itself', async () => {
  await env.LAKE.put('wh/t1/1', 'x')
  const versioned = 'wh/t1/2</Key><VersionId>3</VersionId></Object><Object><Key>wh/t1/3'
  const xml = await (await deleteObjects([`wh/t1/${'k'.repeat(1100)}`, versioned, 'wh/t1/1'])).text()
  expect([...xml.matchAll(/<Code>(\w+)</g)].map(([, code]) => code)).toEqual(['KeyTooLongError', 'NotImplemented'])
  expect(xml).toContain('<Deleted><Key>wh/t1/1</Key></Deleted>')
  expect(await stored('wh/t1/1')).toBeNull()
})

it('refuses more than a thousand keys, none, and what is no such list', async () => {
  expect(await outcome(await deleteObjects(Array.from({ length: 1001 }, () => 'wh/t1/1')))).toBe('400 MalformedXML')
  expect(await outcome(await deleteObjects([]))).toBe('400 MalformedXML')
})

it('refuses a list that is not UTF-8', async () => {
  const body = new Uint8Array([...new TextEncoder().encode('<Delete><Object><Key>wh/t1/'), 0xff, 0x3c])
  expect(await outcome(await send(await credential(), 'POST', '/s3/lake?delete', { body }))).toBe('400 MalformedXML')
})

it('compares the hash of the list', async () => {
  const headers = { 'x-amz-content-sha256': '0'.repeat(64) }
  const body = '<Delete><Object><Key>wh/t1/1</Key></Object></Delete>'
  expect(await outcome(await send(await credential(), 'POST', '/s3/lake?delete', { body, headers }))).toBe(
    '400 XAmzContentSHA256Mismatch',
  )
})

it('refuses a list that is far too long', async () => {
  const body = ' '.repeat(9 * 1024 * 1024)
  expect(await outcome(await send(await credential(), 'POST', '/s3/lake?delete', { body }))).toBe('400 EntityTooLarge')
})

async function deleteObjects(keys: readonly string[], options = ''): Promise<Response> {
  const objects = keys.map((key) => `<Object><Key>${key}</Key></Object>`).join('')
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${options}${objects}</Delete>`
  return send(await credential(), 'POST', '/s3/lake?delete', { body, hashed: true })
}
