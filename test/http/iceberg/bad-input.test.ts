// Contract: bad input gets a 4xx in the Iceberg envelope that says what was expected; it changes nothing and leaves no file.
// Source: REST specification, ErrorModel; security cases 1, 4, 6, 7, 11, 38, 39.
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  JSON_DEPTH_MAX,
  NAMES_BODY_BYTES_MAX,
  PROPERTIES_BODY_BYTES_MAX,
  REQUEST_BODY_BYTES_MAX,
  REQUEST_JSON_VALUES_MAX,
} from '#src/limits'
import { openCatalog, SIMPLE_SCHEMA, type Answer, type TestCatalog } from '#test/support/catalog'
import { changeableOf, expectRefusal } from '#test/support/refusals'

const TABLES = '/v1/demo/namespaces/ns/tables'
const TABLE = `${TABLES}/t`

let catalog: TestCatalog
let before: string

beforeAll(async () => {
  catalog = await openCatalog({ prefix: 'wh/' })
  await post('/v1/demo/namespaces', { namespace: ['ns'] })
  await post(TABLES, { name: 't', schema: SIMPLE_SCHEMA, location: 's3://lake/wh/t1' })
  await post(TABLES, { name: 'other', schema: SIMPLE_SCHEMA, location: 's3://lake/wh/other' })
})

beforeEach(async () => {
  before = await changeableOf(catalog)
})

function post(path: string, body: unknown): Promise<Answer> {
  return catalog.call(catalog.admin, 'POST', path, body)
}

async function refused(answer: Answer, status: number, type: string, message?: RegExp): Promise<void> {
  expectRefusal(answer, status, type, message)
  expect(await changeableOf(catalog)).toBe(before)
}

const bad = (answer: Answer, message?: RegExp) => refused(answer, 400, 'BadRequestException', message)

describe('bodies', () => {
  it.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['a list', '[]'],
    ['a string', '"x"'],
    ['null', 'null'],
    ['a duplicate key', '{"name":"a","name":"b"}'],
    ['a nested duplicate key', '{"name":"a","schema":{"type":"struct","type":"x","fields":[]}}'],
    ['__proto__', '{"name":"a","__proto__":{"x":1}}'],
    ['__proto__ in escapes', '{"name":"a","\\u005f_proto__":{"x":1}}'],
    ['2,000 levels', `{"name":"a","schema":${'['.repeat(2000)}${']'.repeat(2000)}}`],
    ['100,000 levels', '['.repeat(100_000)],
    ['one level too many', `${'['.repeat(JSON_DEPTH_MAX + 1)}${']'.repeat(JSON_DEPTH_MAX + 1)}`],
    ['trailing text', '{} x'],
  ])('%s', async (_, body) => {
    for (const path of [
      '/v1/demo/namespaces',
      TABLES,
      TABLE,
      '/v1/demo/tables/rename',
      '/v1/demo/namespaces/ns/register',
      '/v1/demo/transactions/commit',
    ])
      await bad(await post(path, body))
  })

  it('half a surrogate pair, in a key, a value or a field we do not know', async () => {
    for (const half of ['{"\\ud800":"x"}', '{"x":"\\udc00y"}']) {
      await bad(
        await post(TABLE, `{"requirements":[],"updates":[{"action":"set-properties","updates":${half}}]}`),
        /surrogate/,
      )
      await bad(await post(TABLES, `{"name":"n","schema":{"type":"struct","fields":[],"more":${half}}}`), /surrogate/)
      await bad(await post('/v1/demo/namespaces', `{"namespace":["n"],"properties":${half}}`), /surrogate/)
    }
  })

  it('over the limit', async () => {
    const body = JSON.stringify({ name: 'x', schema: SIMPLE_SCHEMA, properties: { a: 'x'.repeat(20_000_000) } })
    await refused(await post(TABLES, body), 413, 'RequestTooLargeException', new RegExp(String(REQUEST_BODY_BYTES_MAX)))
  })

  it('of millions of values', async () => {
    const values = `[${'{},'.repeat(2_700_000)}{}]`
    for (const body of [values, `{"name":"x","schema":${values}}`])
      for (const path of [TABLES, TABLE, '/v1/demo/transactions/commit'])
        await refused(
          await post(path, body),
          413,
          'RequestTooLargeException',
          new RegExp(String(REQUEST_JSON_VALUES_MAX)),
        )
  })

  it.each([
    ['/v1/demo/tables/rename', NAMES_BODY_BYTES_MAX],
    ['/v1/demo/views/rename', NAMES_BODY_BYTES_MAX],
    ['/v1/demo/namespaces/ns/register', NAMES_BODY_BYTES_MAX],
    ['/v1/demo/namespaces/ns/register-view', NAMES_BODY_BYTES_MAX],
    ['/v1/demo/namespaces', PROPERTIES_BODY_BYTES_MAX],
    ['/v1/demo/namespaces/ns/properties', PROPERTIES_BODY_BYTES_MAX],
  ])('too large for %s', async (path, bytesMax) => {
    const body = `{"updates":7,"x":"${'x'.repeat(bytesMax - 20)}"}`
    await bad(await post(path, body))
    await refused(await post(path, `${body} `), 413, 'RequestTooLargeException', new RegExp(`${bytesMax} bytes`))
  })

  it.each<[string, unknown]>([
    ['a name that is a number', { name: 5, schema: SIMPLE_SCHEMA }],
    ['no name', { schema: SIMPLE_SCHEMA }],
    ['no schema', { name: 'a' }],
    ['a schema without fields', { name: 'a', schema: { type: 'struct' } }],
    [
      'an unknown type',
      { name: 'a', schema: { type: 'struct', fields: [{ id: 1, name: 'a', type: 'money', required: true }] } },
    ],
    ['a property that is a number', { name: 'a', schema: SIMPLE_SCHEMA, properties: { a: 1 } }],
    ['a format version of the future', { name: 'a', schema: SIMPLE_SCHEMA, properties: { 'format-version': '9' } }],
    ['stage-create as text', { name: 'a', schema: SIMPLE_SCHEMA, 'stage-create': 'yes' }],
    [
      'a partition field on no column',
      {
        name: 'a',
        schema: SIMPLE_SCHEMA,
        'partition-spec': { fields: [{ 'source-id': 9, transform: 'identity', name: 'x' }] },
      },
    ],
    ['a lone surrogate', { name: 'a', schema: SIMPLE_SCHEMA, properties: { a: '\ud800' } }],
  ])('create table with %s', async (_, body) => bad(await post(TABLES, body)))

  it.each<[string, unknown]>([
    ['no updates', { requirements: [] }],
    ['an unknown update', { requirements: [], updates: [{ action: 'explode' }] }],
    ['an unknown requirement', { requirements: [{ type: 'assert-mood' }], updates: [] }],
    ['an update without a field', { requirements: [], updates: [{ action: 'set-location' }] }],
    [
      'a snapshot id that is a float',
      { requirements: [], updates: [{ action: 'remove-snapshots', 'snapshot-ids': [1.5] }] },
    ],
    ['a property that is an object', { requirements: [], updates: [{ action: 'set-properties', updates: { a: {} } }] }],
    ['a downgrade', { requirements: [], updates: [{ action: 'upgrade-format-version', 'format-version': 1 }] }],
    ['another uuid', { requirements: [], updates: [{ action: 'assign-uuid', uuid: crypto.randomUUID() }] }],
    [
      'a ref to no snapshot',
      {
        requirements: [],
        updates: [{ action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': 7 }],
      },
    ],
  ])('commit with %s', async (_, body) => bad(await post(TABLE, body)))

  it('ignores unknown fields', async () => {
    const answer = await post(TABLE, { requirements: [], updates: [], whatever: { deep: [1] } })
    expect(answer.status).toBe(200)
    expect(await changeableOf(catalog)).toBe(before)
  })
})

describe('names', () => {
  it.each(['', '.', '..', 'a\u0000b', 'a\u001fb', 'a\u007f', 'a@b', '\u{E0041}', 'x'.repeat(256)])(
    '%j is refused in every place',
    async (name) => {
      const encoded = encodeURIComponent(name)
      const { admin } = catalog
      await bad(await post('/v1/demo/namespaces', { namespace: ['ns', name] }))
      await bad(await post('/v1/demo/namespaces', { namespace: [name] }))
      await bad(await post(TABLES, { name, schema: SIMPLE_SCHEMA }))
      await bad(await post('/v1/demo/namespaces/ns/register', { name, 'metadata-location': 's3://lake/wh/x' }))
      await bad(await post('/v1/demo/tables/rename', rename(name)))
      if (name.startsWith('.') || name.includes('\u001f')) return
      for (const [method, path] of [
        ['GET', `/v1/demo/namespaces/${encoded}`],
        ['GET', `/v1/demo/namespaces/ns%1F${encoded}`],
        ['DELETE', `/v1/demo/namespaces/${encoded}`],
        ['GET', `/v1/demo/namespaces/${encoded}/tables`],
        ['GET', `${TABLES}/${encoded}`],
        ['DELETE', `${TABLES}/${encoded}`],
      ] as const)
        await bad(await catalog.call(admin, method, path))
    },
  )

  it('an empty namespace, and one of too many levels', async () => {
    await bad(await post('/v1/demo/namespaces', { namespace: [] }))
    await bad(await post('/v1/demo/namespaces', { namespace: 'ns' }))
    await bad(await post('/v1/demo/namespaces', { namespace: Array.from({ length: 101 }, () => 'a') }))
  })

  it('a path that is no UTF-8', async () => {
    for (const segment of ['%ff', '%c0%af', '%zz'])
      await bad(await catalog.call(catalog.admin, 'GET', `${TABLES}/${segment}`))
  })

  function rename(name: string): unknown {
    return { source: { namespace: ['ns'], name: 't' }, destination: { namespace: ['ns'], name } }
  }
})

describe('locations', () => {
  const places: [string, string][] = [
    ['outside the warehouse', 's3://lake/elsewhere/t'],
    ['the warehouse itself', 's3://lake/wh'],
    ['the warehouse with a slash', 's3://lake/wh/'],
    ['a sibling of the warehouse', 's3://lake/wh2/t'],
    ['another bucket', 's3://other/wh/t'],
    ['a bucket of the same beginning', 's3://lake2/wh/t'],
    ['another scheme', 'file:///wh/t'],
    ['no scheme', 'wh/t'],
    ['nothing', ''],
    ['dot segments', 's3://lake/wh/a/../../secret'],
    ['a dot', 's3://lake/wh/./a'],
    ['encoded slashes', 's3://lake/wh/a%2F..%2Fb'],
    ['encoded dots', 's3://lake/wh/%2e%2e/b'],
    ['double encoding', 's3://lake/wh/a%252Fb'],
    ['a backslash', 's3://lake/wh/a\\b'],
    ['an empty segment', 's3://lake/wh//a'],
    ['a query', 's3://lake/wh/a?x=1'],
    ['a fragment', 's3://lake/wh/a#b'],
    ['a control character', 's3://lake/wh/a\u0001'],
    ['a second name to R2', 's3://lake/wh/\u212aonto/9'],
    ['letters apart from their accents', 's3://lake/wh/cafe\u0301'],
    ['a user in the bucket', 's3://x@lake/wh/t'],
    ['a port in the bucket', 's3://lake:80/wh/t'],
    ['too long a key', `s3://lake/wh/${'a'.repeat(1100)}`],
  ]
  const taken: [string, string][] = [
    ["another table's", 's3://lake/wh/other'],
    ["another table's with a slash", 's3://lake/wh/other/'],
    ["inside another table's", 's3://lake/wh/other/data'],
  ]

  it.each([...places, ...taken])('create at %s', async (_, location) => {
    await bad(await post(TABLES, { name: 'n', schema: SIMPLE_SCHEMA, location }), /location/)
  })

  it.each(places)('stage-create at %s', async (_, location) => {
    await bad(await post(TABLES, { name: 'n', schema: SIMPLE_SCHEMA, location, 'stage-create': true }), /location/)
  })

  for (const property of ['write.data.path', 'write.metadata.path', 'WRITE.Data.Path'])
    it.each([...places, ...taken].filter(([, location]) => location !== ''))(
      `${property} at %s`,
      async (_, location) => {
        await bad(await post(TABLES, { name: 'n', schema: SIMPLE_SCHEMA, properties: { [property]: location } }))
        await bad(await post(TABLE, commit({ action: 'set-properties', updates: { [property]: location } })))
      },
    )

  it.each([...places, ...taken])('set-location to %s', async (_, location) => {
    await bad(await post(TABLE, commit({ action: 'set-location', location })))
  })

  it.each([...places, ["another table's", 's3://lake/wh/other/metadata/snap-1.avro']])(
    'manifest list at %s',
    async (_, location) => {
      const snapshot = {
        'snapshot-id': 1,
        'sequence-number': 1,
        'timestamp-ms': Date.now(),
        'manifest-list': location,
        summary: { operation: 'append' },
        'schema-id': 0,
      }
      await bad(await post(TABLE, commit({ action: 'add-snapshot', snapshot })))
    },
  )

  it.each([...places, ["another table's", 's3://lake/wh/other/metadata/s.puffin']])(
    'statistics at %s',
    async (_, location) => {
      const statistics = {
        'snapshot-id': 1,
        'statistics-path': location,
        'file-size-in-bytes': 1,
        'file-footer-size-in-bytes': 1,
        'blob-metadata': [],
      }
      await bad(await post(TABLE, commit({ action: 'set-statistics', statistics })))
    },
  )

  it.each(places)('register %s', async (_, location) => {
    await bad(await post('/v1/demo/namespaces/ns/register', { name: 'r', 'metadata-location': location }))
  })

  it('a sibling whose name begins alike is no overlap', async () => {
    const answer = await post(TABLES, { name: 'alike', schema: SIMPLE_SCHEMA, location: 's3://lake/wh/other2' })
    expect(answer.status).toBe(200)
    expect((await catalog.call(catalog.admin, 'DELETE', `${TABLES}/alike`)).status).toBe(204)
  })

  it('what holds the folder of another table', async () => {
    const { admin } = catalog
    expect((await post(TABLES, { name: 'deep', schema: SIMPLE_SCHEMA, location: 's3://lake/wh/x/y/z' })).status).toBe(
      200,
    )
    before = await changeableOf(catalog)
    await bad(await post(TABLES, { name: 'n', schema: SIMPLE_SCHEMA, location: 's3://lake/wh/x' }))
    expect((await catalog.call(admin, 'DELETE', `${TABLES}/deep`)).status).toBe(204)
  })

  function commit(update: unknown): unknown {
    return { requirements: [], updates: [update] }
  }
})

describe('queries', () => {
  it.each([
    `${TABLES}?pageToken=x`,
    `${TABLES}?pageToken=&pageSize=0`,
    `${TABLES}?pageToken=&pageSize=abc`,
    `${TABLE}?snapshots=some`,
  ])('GET %s', async (path) => bad(await catalog.call(catalog.admin, 'GET', path)))

  it('purgeRequested that is neither true nor false', async () =>
    bad(await catalog.call(catalog.admin, 'DELETE', `${TABLE}?purgeRequested=maybe`)))

  it('config without or with an unknown warehouse', async () => {
    await bad(await catalog.call(catalog.admin, 'GET', '/v1/config'))
    for (const name of ['nope', '', '@', 'demo@nope', "demo'--"])
      if (name)
        await refused(
          await catalog.call(catalog.admin, 'GET', `/v1/config?warehouse=${encodeURIComponent(name)}`),
          404,
          'NoSuchWarehouseException',
        )
  })
})

it('a table of the empty namespace is not there, whatever is asked of it', async () => {
  for (const method of ['GET', 'POST', 'DELETE'] as const) {
    const body = method === 'POST' ? { requirements: [], updates: [] } : undefined
    const answer = await catalog.call(catalog.admin, method, '/v1/demo/namespaces//tables/t', body)
    await refused(answer, 404, 'NoSuchTableException')
  }
})
