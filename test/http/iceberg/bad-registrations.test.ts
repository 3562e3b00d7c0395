// Contract: a file that is no table or view of this warehouse is never taken in; page tokens stay in their own listing.
// Source: REST specification, registerTable, registerView, PageToken; security cases 1, 4, 38.
import { gzipSync } from 'node:zlib'
import { beforeEach, describe, expect, it } from 'vitest'
import { METADATA_BYTES_MAX } from '#src/limits'
import { openLake, type Lake } from '#test/support/lake'
import { viewRequest } from '#test/support/views'

const NAMESPACE = '/v1/demo/namespaces/ns'

let lake: Lake
let texts: Record<Route, string>
let folder: string

type Route = 'register' | 'register-view'

beforeEach(async () => {
  lake = await openLake()
  const gone = (await lake.createTable('ns', 'gone')).json['metadata-location'] as string
  folder = gone.slice(0, gone.lastIndexOf('/'))
  await lake.catalog.call(lake.catalog.admin, 'DELETE', `${NAMESPACE}/tables/gone`)
  const view = await lake.post(`${NAMESPACE}/views`, viewRequest('gone'))
  await lake.catalog.call(lake.catalog.admin, 'DELETE', `${NAMESPACE}/views/gone`)
  const table = new TextDecoder().decode(lake.catalog.objects.files.get(gone))
  const location = folder.replace(/\/metadata$/, '')
  texts = { register: table, 'register-view': JSON.stringify({ ...view.json.metadata, location }) }
})

/** What registering a file with these bytes answers; nothing may come of it. */
async function refusal(
  bytes: Uint8Array,
  name = '00009-x.metadata.json',
  route = 'register',
): Promise<[number, string]> {
  const location = `${folder}/${name}`
  lake.catalog.objects.files.set(location, bytes)
  const before = await lake.everything()
  const { status, json } = await lake.post(`${NAMESPACE}/${route}`, { name: 'back', 'metadata-location': location })
  expect(await lake.everything()).toBe(before)
  return [status, json.error.type]
}

const utf8 = (content: string): Uint8Array => new TextEncoder().encode(content)
const changed = (text: string, change: object): Uint8Array => utf8(JSON.stringify({ ...JSON.parse(text), ...change }))

describe.each(['register', 'register-view'] as const)('%s refuses', (route) => {
  it.each<[string, (text: string) => Uint8Array]>([
    ['nothing', () => utf8('')],
    ['no JSON', () => utf8('PAR1')],
    ['no UTF-8', () => Uint8Array.from([0x7b, 0xff, 0x7d])],
    ['a list', () => utf8('[]')],
    ['200,000 levels', () => utf8(`{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`)],
    ['millions of values', () => utf8(`{"a":[${'{},'.repeat(2_000_000)}{}]}`)],
    ['keys that stand twice', (text) => utf8(text.replace('{', '{"location":"s3://lake/x",'))],
    ['a huge number', (text) => utf8(text.replace('"format-version":', '"format-version":1e400,"x":'))],
    ['a prototype', (text) => utf8(text.replace('{', '{"__proto__":{"location":"s3://lake/x"},'))],
    ['a version of the future', (text) => changed(text, { 'format-version': 9 })],
    ['a version before all', (text) => changed(text, { 'format-version': 0 })],
    ['a location outside the warehouse', (text) => changed(text, { location: 's3://elsewhere/x' })],
    ['a location that leads out', (text) => changed(text, { location: `${folder}/../../../x` })],
    ['data outside the warehouse', (text) => changed(text, { properties: { 'write.data.path': 's3://elsewhere/x' } })],
    [
      'data outside the warehouse, said in capitals',
      (text) => changed(text, { properties: { 'WRITE.DATA.PATH': 's3://elsewhere' } }),
    ],
  ])('%s', async (_, bytes) => {
    expect(await refusal(bytes(texts[route]), '00009-x.metadata.json', route)).toEqual([400, 'BadRequestException'])
  })

  it('what is not gzip, and what unpacks to more than there is memory for', async () => {
    const name = '00009-x.gz.metadata.json'
    expect(await refusal(utf8(texts[route]), name, route)).toEqual([400, 'BadRequestException'])
    const bomb = gzipSync(Buffer.alloc(METADATA_BYTES_MAX * 4, ' '))
    expect(bomb.length).toBeLessThan(METADATA_BYTES_MAX / 100)
    const [status] = await refusal(bomb, name, route)
    expect(status).toBe(413)
  })
})

it.each(['register', 'register-view'] as const)('%s takes what all of these are made from', async (route) => {
  const location = `${folder}/00009-x.metadata.json`
  lake.catalog.objects.files.set(location, utf8(texts[route]))
  const answer = await lake.post(`${NAMESPACE}/${route}`, { name: 'back', 'metadata-location': location })
  expect(answer.status, answer.text).toBe(200)
})

it('a table is not taken in as a view, nor a view as a table', async () => {
  expect(await refusal(utf8(texts.register), '00009-x.metadata.json', 'register-view')).toEqual([
    400,
    'BadRequestException',
  ])
  expect(await refusal(utf8(texts['register-view']))).toEqual([400, 'BadRequestException'])
})

it('a file of a table that stands under another name is refused', async () => {
  const location = (await lake.load('a')).json['metadata-location']
  const before = await lake.everything()
  const { status, text: answer } = await lake.post(`${NAMESPACE}/register`, {
    name: 'again',
    'metadata-location': location,
  })
  expect([status, /overlaps/.test(answer)]).toEqual([400, true])
  expect(await lake.everything()).toBe(before)
})

describe('a page token', () => {
  const lists = [`${NAMESPACE}/tables`, `${NAMESPACE}/views`, '/v1/demo/namespaces']

  beforeEach(async () => {
    for (const name of ['v1', 'v2']) await lake.post(`${NAMESPACE}/views`, viewRequest(name))
  })

  async function tokenOf(list: string): Promise<string> {
    const { json } = await lake.catalog.call(lake.catalog.admin, 'GET', `${list}?pageToken=&pageSize=1`)
    expect(json['next-page-token']).toEqual(expect.any(String))
    return json['next-page-token']
  }

  it.each(lists)('of %s is refused by every other list, and if anything of it is changed', async (list) => {
    const { catalog } = lake
    const token = await tokenOf(list)
    const others = lists.filter((other) => other !== list)
    const changedTokens = [token.slice(1), token.slice(0, -1), `${token}!`, token.toUpperCase(), 'null', '%00']
    const asked = [
      ...[...others, list.replace('demo', 'demo@main')].map((other) => `${other}?pageToken=${token}`),
      ...changedTokens.map((other) => `${list}?pageToken=${other}`),
    ]
    for (const path of asked) expect((await catalog.call(catalog.admin, 'GET', path)).status, path).toBe(400)
    expect((await catalog.call(catalog.admin, 'GET', `${list}?pageToken=${token}`)).status).toBe(200)
  })

  it.each(lists)('of %s is refused in the catalog of that name of another tenant', async (list) => {
    const neighbour = await lake.catalog.neighbour()
    await neighbour.call(neighbour.admin, 'POST', '/v1/demo/namespaces', { namespace: ['ns'] })
    const path = `${list}?pageToken=${await tokenOf(list)}`
    expect((await neighbour.call(neighbour.admin, 'GET', path)).status).toBe(400)
  })
})
