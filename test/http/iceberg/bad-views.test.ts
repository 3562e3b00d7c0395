// Contract: bad input to the routes of views gets a 4xx that says what was expected; it changes nothing and leaves no file.
// Source: REST specification, ErrorModel; iceberg-rest §2.5; security cases 1, 4, 6, 7, 38, 39.
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { REQUEST_BODY_BYTES_MAX } from '#src/limits'
import { openCatalog, SIMPLE_SCHEMA, type Answer, type TestCatalog } from '#test/support/catalog'
import { changeableOf, expectRefusal } from '#test/support/refusals'
import { replaceRequest, versionOf, viewRequest } from '#test/support/views'

const NS = '/v1/demo/namespaces/ns'
const VIEWS = `${NS}/views`
const VIEW = `${VIEWS}/v`
const REGISTER = `${NS}/register-view`
const RENAME = '/v1/demo/views/rename'

let catalog: TestCatalog
let before: string

beforeAll(async () => {
  catalog = await openCatalog({ prefix: 'wh/' })
  await post('/v1/demo/namespaces', { namespace: ['ns'] })
  await post(VIEWS, viewRequest('v', { location: 's3://lake/wh/v' }))
  await post(`${NS}/tables`, { name: 't', schema: SIMPLE_SCHEMA, location: 's3://lake/wh/t' })
})

beforeEach(async () => {
  before = await changeableOf(catalog)
})

function post(path: string, body: unknown): Promise<Answer> {
  return catalog.call(catalog.admin, 'POST', path, body)
}

async function refused(answer: Answer, status: number, type: string): Promise<void> {
  expectRefusal(answer, status, type)
  expect(await changeableOf(catalog)).toBe(before)
}

const bad = (answer: Answer) => refused(answer, 400, 'BadRequestException')

describe('bodies', () => {
  it.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['a list', '[]'],
    ['null', 'null'],
    ['a duplicate key', '{"name":"a","name":"b"}'],
    ['__proto__', '{"name":"a","__proto__":{"x":1}}'],
    ['2,000 levels', `{"name":"a","schema":${'['.repeat(2000)}${']'.repeat(2000)}}`],
  ])('%s', async (_, body) => {
    for (const path of [VIEWS, VIEW, REGISTER, RENAME]) await bad(await post(path, body))
  })

  it('over the limit', async () => {
    const body = viewRequest('x', { 'view-version': versionOf('x'.repeat(REQUEST_BODY_BYTES_MAX), ['spark']) })
    await refused(await post(VIEWS, body), 413, 'RequestTooLargeException')
  })

  const version = versionOf('select 1', ['spark'])
  it.each<[string, unknown]>([
    ['no name', { ...viewRequest('a'), name: undefined }],
    ['a name that is a number', { ...viewRequest('a'), name: 5 }],
    ['no schema', viewRequest('a', { schema: undefined })],
    ['a schema of no columns that are columns', viewRequest('a', { schema: { type: 'struct', fields: [5] } })],
    ['no version', viewRequest('a', { 'view-version': undefined })],
    ['a version without queries', viewRequest('a', { 'view-version': versionOf('x', []) })],
    ['a time that is text', viewRequest('a', { 'view-version': { ...version, 'timestamp-ms': 'now' } })],
    ['a summary of numbers', viewRequest('a', { 'view-version': { ...version, summary: { a: 1 } } })],
    ['a namespace that is text', viewRequest('a', { 'view-version': { ...version, 'default-namespace': 'ns' } })],
    ['a lone surrogate', viewRequest('a', { 'view-version': versionOf('\ud800', ['spark']) })],
    ['a property that is a number', viewRequest('a', { properties: { a: 1 } })],
    ['no history', viewRequest('a', { properties: { 'version.history.num-entries': '0' } })],
  ])('create with %s', async (_, body) => bad(await post(VIEWS, body)))

  it.each<[string, unknown]>([
    ['no updates', { requirements: [] }],
    ['an unknown update', { updates: [{ action: 'explode' }] }],
    ['an update of tables', { updates: [{ action: 'remove-snapshots', 'snapshot-ids': [1] }] }],
    ['a requirement of tables', { requirements: [{ type: 'assert-create' }], updates: [] }],
    [
      'a version of no schema',
      { updates: [{ action: 'add-view-version', 'view-version': { ...version, 'schema-id': 9 } }] },
    ],
    ['a version that is not there', { updates: [{ action: 'set-current-view-version', 'view-version-id': 9 }] }],
    ['a version id of 2^31', { updates: [{ action: 'set-current-view-version', 'view-version-id': 2 ** 31 }] }],
    ['a lost dialect', replaceRequest('select 2', ['trino'])],
    ['another uuid', { updates: [{ action: 'assign-uuid', uuid: crypto.randomUUID() }] }],
    ['a format version of the future', { updates: [{ action: 'upgrade-format-version', 'format-version': 2 }] }],
  ])('replace with %s', async (_, body) => bad(await post(VIEW, body)))

  it('create with two queries of one dialect, which has a type of its own', async () => {
    const body = viewRequest('a', { 'view-version': versionOf('x', ['trino', 'Trino']) })
    await refused(await post(VIEWS, body), 400, 'IllegalArgumentException')
  })

  it('of a view are no commit to a table', async () => {
    const updates = [{ action: 'set-current-view-version', 'view-version-id': 1 }]
    await bad(await post(`${NS}/tables/t`, { updates }))
    await bad(
      await post(`${NS}/tables/t`, {
        requirements: [{ type: 'assert-view-uuid', uuid: crypto.randomUUID() }],
        updates: [],
      }),
    )
  })
})

describe('names', () => {
  it.each(['', '.', '..', 'a\u0000b', 'a\u001fb', 'a@b', '\u{E0041}', 'x'.repeat(256)])(
    '%j is refused in every place',
    async (name) => {
      await bad(await post(VIEWS, viewRequest(name)))
      await bad(await post(REGISTER, { name, 'metadata-location': 's3://lake/wh/x' }))
      const [known, unknown] = [
        { namespace: ['ns'], name: 'v' },
        { namespace: ['ns'], name },
      ]
      await bad(await post(RENAME, { source: known, destination: unknown }))
      await bad(await post(RENAME, { source: unknown, destination: known }))
      if (name.startsWith('.') || name.includes('\u001f')) return
      for (const method of ['GET', 'DELETE'])
        await bad(await catalog.call(catalog.admin, method, `${VIEWS}/${encodeURIComponent(name)}`))
    },
  )
})

describe('locations', () => {
  const places: [string, string][] = [
    ['outside the warehouse', 's3://lake/elsewhere/v'],
    ['the warehouse itself', 's3://lake/wh/'],
    ['a sibling of the warehouse', 's3://lake/wh2/v'],
    ['another bucket', 's3://other/wh/v'],
    ['another scheme', 'file:///wh/v'],
    ['dot segments', 's3://lake/wh/a/../../secret'],
    ['encoded dots', 's3://lake/wh/%2e%2e/b'],
    ['double encoding', 's3://lake/wh/a%252Fb'],
    ['a backslash', 's3://lake/wh/a\\b'],
    ['an empty segment', 's3://lake/wh//a'],
    ['a query', 's3://lake/wh/a?x=1'],
    ['a control character', 's3://lake/wh/a\u0001'],
    ['a second name to R2', 's3://lake/wh/cafe\u0301'],
    ['nothing', ''],
  ]
  const taken: [string, string][] = [
    ["a table's", 's3://lake/wh/t'],
    ["inside a table's", 's3://lake/wh/t/metadata'],
  ]

  it.each([...places, ...taken, ["another view's", 's3://lake/wh/v/x']])('create at %s', async (_, location) => {
    await bad(await post(VIEWS, viewRequest('n', { location })))
  })

  it.each([...places, ...taken])('set-location to %s', async (_, location) => {
    await bad(await post(VIEW, { updates: [{ action: 'set-location', location }] }))
  })

  for (const property of ['write.metadata.path', 'WRITE.Metadata.Path'])
    it.each([...places, ...taken])(`${property} at %s`, async (_, location) => {
      await bad(await post(VIEWS, viewRequest('n', { properties: { [property]: location } })))
      await bad(await post(VIEW, { updates: [{ action: 'set-properties', updates: { [property]: location } }] }))
    })

  it.each(places)('register %s', async (_, location) => {
    await bad(await post(REGISTER, { name: 'r', 'metadata-location': location }))
  })

  it('register a file that says it lies outside the warehouse', async () => {
    const { metadata } = (await catalog.call(catalog.admin, 'GET', VIEW)).json
    const file = 's3://lake/wh/new/metadata/00000-x.metadata.json'
    for (const change of [
      { location: 's3://lake/elsewhere' },
      { location: 's3://lake/wh/new', properties: { 'write.metadata.path': 's3://other/wh/new' } },
    ]) {
      catalog.objects.files.set(file, Buffer.from(JSON.stringify({ ...metadata, ...change })))
      before = await changeableOf(catalog)
      await bad(await post(REGISTER, { name: 'r', 'metadata-location': file }))
    }
  })
})

describe('queries', () => {
  it.each(['pageToken=x', 'pageToken=&pageSize=0', 'pageToken=&pageSize=abc'])('%s', async (query) =>
    bad(await catalog.call(catalog.admin, 'GET', `${VIEWS}?${query}`)),
  )
})
