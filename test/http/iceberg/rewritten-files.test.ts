// Contract: what is registered is what its file held at that moment, whatever a file of that name held before.
// Source: REST specification, registerTable (`overwrite`), registerView; RFC 9110, 13.1.2; Hadoop tables' `v1.metadata.json`.
import { beforeEach, describe, expect, it } from 'vitest'
import type { Answer } from '#test/support/catalog'
import { openLake, setting, type Lake } from '#test/support/lake'
import { replaceRequest, viewRequest } from '#test/support/views'

const NS = '/v1/demo/namespaces/ns'
const TABLE = `${NS}/tables/a`
const VIEW = `${NS}/views/v`

let lake: Lake

beforeEach(async () => {
  lake = await openLake()
})

/** Writes metadata with one property to the file of a name that says nothing of its content. */
function write(metadata: { location: string }, which: string): string {
  const uri = `${metadata.location}/metadata/v1.metadata.json`
  lake.catalog.objects.files.set(uri, new TextEncoder().encode(JSON.stringify({ ...metadata, properties: { which } })))
  return uri
}

const register = (uri: string, overwrite = false): Promise<Answer> =>
  lake.post(`${NS}/register`, { name: 'a', 'metadata-location': uri, overwrite })
const drop = (path: string): Promise<Answer> => lake.catalog.call(lake.catalog.admin, 'DELETE', path)
const get = (path: string, headers = {}): Promise<Answer> =>
  lake.catalog.call(lake.catalog.admin, 'GET', path, undefined, headers)

describe('a file that was registered before, with other content', () => {
  it('is the new table, for who loads it and for who commits to it', async () => {
    const { metadata } = (await lake.load('a')).json
    await drop(TABLE)
    await register(write(metadata, 'old'))
    expect(await lake.properties('a')).toEqual({ which: 'old' })
    await drop(TABLE)
    const answer = await register(write(metadata, 'new'))
    expect([answer.status, answer.json.metadata.properties]).toEqual([200, { which: 'new' }])
    expect(await lake.properties('a')).toEqual({ which: 'new' })
    expect((await lake.post(TABLE, setting('a', 'k'))).json.metadata.properties).toEqual({ which: 'new', k: 'x' })
  })

  it('is the new view', async () => {
    const { metadata } = (await lake.post(`${NS}/views`, viewRequest('v'))).json
    const registerView = (uri: string) => lake.post(`${NS}/register-view`, { name: 'v', 'metadata-location': uri })
    await drop(VIEW)
    await registerView(write(metadata, 'old'))
    expect((await get(VIEW)).json.metadata.properties).toEqual({ which: 'old' })
    await drop(VIEW)
    expect((await registerView(write(metadata, 'new'))).status).toBe(200)
    expect((await get(VIEW)).json.metadata.properties).toEqual({ which: 'new' })
    expect((await lake.post(VIEW, replaceRequest('select 2'))).json.metadata.properties).toEqual({ which: 'new' })
  })
})

describe('register with overwrite onto the file that the table is at', () => {
  it('commits what the file holds now', async () => {
    const { metadata } = (await lake.load('a')).json
    await register(write(metadata, 'old'), true)
    lake.counts.commits = 0
    const answer = await register(write(metadata, 'new'), true)
    expect([answer.status, answer.json.metadata.properties, lake.counts.commits]).toEqual([200, { which: 'new' }, 1])
    lake.catalog.evict()
    expect(await lake.properties('a')).toEqual({ which: 'new' })
    expect((await lake.post(TABLE, setting('a', 'k'))).json.metadata.properties).toEqual({ which: 'new', k: 'x' })
  })

  it('gives the table another ETag', async () => {
    const { metadata } = (await lake.load('a')).json
    await register(write(metadata, 'old'), true)
    const etag = (await lake.load('a')).headers.get('etag') ?? ''
    expect((await get(TABLE, { 'if-none-match': etag })).status).toBe(304)
    await register(write(metadata, 'new'), true)
    expect((await get(TABLE, { 'if-none-match': etag })).json.metadata.properties).toEqual({ which: 'new' })
  })

  it('is read again by whoever had the row before it and the file after it', async () => {
    const { metadata } = (await lake.load('a')).json
    const uri = write(metadata, 'old')
    await register(uri, true)
    lake.catalog.evict()
    lake.beforeRead = async () => void (await register(write(metadata, 'new'), true))
    const loaded = await lake.load('a')
    expect([loaded.status, loaded.json.metadata.properties]).toEqual([200, { which: 'new' }])
    expect(loaded.headers.get('etag')).toBe((await lake.load('a')).headers.get('etag'))
  })
})

describe('an answer that is told again', () => {
  it('is what the table has come to, if its file no longer is what was registered', async () => {
    const { metadata } = (await lake.load('a')).json
    const body = { name: 'a', 'metadata-location': write(metadata, 'old'), overwrite: true }
    const key = { 'idempotency-key': crypto.randomUUID() }
    const once = () => lake.catalog.call(lake.catalog.admin, 'POST', `${NS}/register`, body, key)
    expect((await once()).json.metadata.properties).toEqual({ which: 'old' })
    await register(write(metadata, 'new'), true)
    lake.catalog.evict()
    const again = await once()
    expect([again.status, again.json.metadata.properties]).toEqual([200, { which: 'new' }])
  })
})
