// Contract: both versions of ListObjects show every object and folder once, whatever the page size and the names.
// Source: Amazon S3 API reference, ListObjectsV2 and ListObjects.
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, it } from 'vitest'
import type { StorageCredential } from '#signers/signer'
import { credential, outcome, send, texts } from './harness.ts'

const TREE = ['a/1', 'a/2', 'a/b/3', 'a0', 'b/1', 'c', 'c/', 'd//e', 'e é&<>"\u0001🦎+%', 'f\u{10FFFF}', 'g/1'].map(
  (name) => `wh/t1/tree/${name}`,
)
let reader: StorageCredential

beforeAll(async () => {
  reader = await credential('read')
  for (const key of TREE) await env.LAKE.put(key, key)
})

describe.each([
  ['ListObjectsV2', { 'list-type': '2' }, 'continuation-token', 'NextContinuationToken'],
  ['ListObjects', {}, 'marker', 'NextMarker'],
])('%s', (_, version, after, next) => {
  it.each([1, 2, 3, 1000])('goes through all keys in pages of %i', async (pageSize) => {
    expect((await walk({ prefix: 'wh/t1/tree/' }, pageSize)).keys).toEqual(TREE)
  })

  it.each([1, 2, 3, 1000])('goes through keys and folders in pages of %i', async (pageSize) => {
    const { keys, folders } = await walk({ prefix: 'wh/t1/tree/', delimiter: '/' }, pageSize)
    expect(keys).toEqual(TREE.filter((key) => !key.slice('wh/t1/tree/'.length).includes('/')))
    expect(folders).toEqual(['a/', 'b/', 'c/', 'd/', 'g/'].map((name) => `wh/t1/tree/${name}`))
  })

  it('tells size, time and ETag', async () => {
    const xml = await list({ prefix: 'wh/t1/tree/a0' })
    expect(xml).toMatch(
      /<Contents><Key>wh\/t1\/tree\/a0<\/Key><LastModified>\d{4}-\d\d-\d\dT[\d:.]+Z<\/LastModified><ETag>&quot;[0-9a-f]{32}&quot;<\/ETag><Size>13<\/Size><StorageClass>STANDARD<\/StorageClass><\/Contents>/,
    )
    expect(xml).toContain('<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>lake</Name>')
  })

  it('escapes names that are not XML', async () => {
    expect(await list({ prefix: 'wh/t1/tree/e' })).toContain('<Key>wh/t1/tree/e é&amp;&lt;&gt;&quot;&#x1;🦎+%</Key>')
  })

  it('encodes names when asked', async () => {
    const xml = await list({ prefix: 'wh/t1/tree/e', delimiter: '+', 'encoding-type': 'url' })
    expect(texts(xml, 'Prefix')).toEqual(['wh/t1/tree/e', 'wh/t1/tree/e%20%C3%A9%26%3C%3E%22%01%F0%9F%A6%8E%2B'])
    expect(texts(xml, 'Delimiter')).toEqual(['%2B'])
    expect(texts(xml, 'EncodingType')).toEqual(['url'])
  })

  it('may be asked for nothing', async () => {
    const xml = await list({ prefix: 'wh/t1/tree/', 'max-keys': '0' })
    expect([texts(xml, 'Key'), texts(xml, 'IsTruncated'), texts(xml, 'MaxKeys')]).toEqual([[], ['false'], ['0']])
  })

  it('gives at most 1000', async () => {
    expect(texts(await list({ prefix: 'wh/t1/tree/', 'max-keys': '5000' }), 'MaxKeys')).toEqual(['1000'])
  })

  it.each([{ 'max-keys': '-1' }, { 'max-keys': 'many' }, { 'encoding-type': 'xml' }])('refuses %j', async (bad) => {
    const query = new URLSearchParams({ ...version, prefix: 'wh/t1/', ...bad } as Record<string, string>)
    expect(await outcome(await send(reader, 'GET', `/s3/lake?${query.toString()}`))).toBe('400 InvalidArgument')
  })

  async function list(query: Record<string, string>): Promise<string> {
    const all = Object.entries({ ...version, ...query }).map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    return (await send(reader, 'GET', `/s3/lake?${all.join('&')}`)).text()
  }

  async function walk(query: Record<string, string>, pageSize: number): Promise<{ keys: string[]; folders: string[] }> {
    const found: { keys: string[]; folders: string[] } = { keys: [], folders: [] }
    let position: string | undefined
    for (let page = 0; page < 50; page++) {
      const continued = position === undefined ? {} : { [after]: position }
      const xml = await list({ ...query, 'max-keys': String(pageSize), 'encoding-type': 'url', ...continued })
      found.keys.push(...texts(xml, 'Key').map(decodeURIComponent))
      found.folders.push(...texts(xml, 'Prefix').slice(1).map(decodeURIComponent))
      expect(texts(xml, 'Key').length + texts(xml, 'Prefix').length - 1).toBeLessThanOrEqual(pageSize)
      const [token] = texts(xml, next)
      expect(texts(xml, 'IsTruncated')).toEqual([String(token !== undefined)])
      if (token === undefined) return found
      position = after === 'marker' ? decodeURIComponent(token) : token
    }
    throw new Error('the listing does not end')
  }
})

it('ListObjectsV2 starts after a key and counts', async () => {
  const target = `/s3/lake?list-type=2&prefix=${encodeURIComponent('wh/t1/tree/')}&start-after=${encodeURIComponent('wh/t1/tree/c')}&max-keys=2`
  const xml = await (await send(reader, 'GET', target)).text()
  expect(texts(xml, 'Key')).toEqual(['wh/t1/tree/c/', 'wh/t1/tree/d//e'])
  expect([texts(xml, 'KeyCount'), texts(xml, 'StartAfter')]).toEqual([['2'], ['wh/t1/tree/c']])
})
