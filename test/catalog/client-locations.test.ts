// Contract: a location outside the warehouse is refused; where the warehouse says `replace`, the catalog's own takes its place.
// Source: DESIGN 2.6; REST Compatibility Kit, rck.overrides-requested-location.
import { beforeEach, describe, expect, it } from 'vitest'
import type { ClientLocations } from '#domain/records'
import { openCatalog, SIMPLE_SCHEMA, type Answer, type TestCatalog } from '#test/support/catalog'
import { creationAt } from '#test/support/creation'

const TABLES = '/v1/demo/namespaces/ns/tables'
const OUTSIDE = [
  'file:/tmp/ns/t',
  'file:///tmp/ns/t',
  's3://other/wh/t',
  's3://lake/elsewhere/t',
  'gs://lake/wh/t',
  'x',
]
const INSIDE = ['s3://lake/wh/chosen', 's3a://lake/wh/chosen']
const OWN = /^s3:\/\/lake\/wh\/[0-9a-f-]{36}$/

let catalog: TestCatalog

async function open(clientLocations?: ClientLocations): Promise<void> {
  catalog = await openCatalog({ prefix: 'wh/', ...(clientLocations ? { clientLocations } : {}) })
  await post('/v1/demo/namespaces', { namespace: ['ns'] })
}

function post(path: string, body: unknown): Promise<Answer> {
  return catalog.call(catalog.admin, 'POST', path, body)
}

function create(location: string, more: object = {}): Promise<Answer> {
  return post(TABLES, { name: 't', schema: SIMPLE_SCHEMA, location, ...more })
}

function commit(updates: unknown[]): Promise<Answer> {
  return post(`${TABLES}/t`, { requirements: [], updates })
}

/** What Java sends for a table of its own: without `set-location` there is no place for it. */
function creation(location: string): Promise<Answer> {
  return post(`${TABLES}/t`, creationAt(location))
}

function view(location: string): unknown {
  return {
    name: 'v',
    location,
    schema: SIMPLE_SCHEMA,
    'view-version': {
      'version-id': 1,
      'schema-id': 0,
      'timestamp-ms': Date.now(),
      summary: {},
      representations: [{ type: 'sql', sql: 'select 1', dialect: 'spark' }],
      'default-namespace': ['ns'],
    },
    properties: {},
  }
}

function snapshot(manifestList: string): unknown {
  return {
    action: 'add-snapshot',
    snapshot: {
      'snapshot-id': 7,
      'sequence-number': 1,
      'timestamp-ms': Date.now(),
      'manifest-list': manifestList,
      summary: { operation: 'append' },
      'schema-id': 0,
    },
  }
}

describe.each<[string, ClientLocations | undefined]>([
  ['refuse', 'refuse'],
  ['a warehouse that does not say', undefined],
])('%s', (_, setting) => {
  beforeEach(() => open(setting))

  it.each(OUTSIDE)('refuses %s wherever it is given', async (location) => {
    const answers = [await create(location), await create(location, { 'stage-create': true }), await creation(location)]
    await create('s3://lake/wh/t')
    answers.push(await commit([{ action: 'set-location', location }]))
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 400, 400])
    for (const { json } of answers) expect(json.error.message).toMatch(/expected a location below s3:\/\/lake\/wh\//)
  })
})

describe('replace', () => {
  beforeEach(() => open('replace'))

  it.each(OUTSIDE)('creates the table in a folder of its own instead of %s', async (location) => {
    const staged = await create(location, { 'stage-create': true })
    const created = await create(location)
    expect(staged.json.metadata.location).toMatch(OWN)
    expect(created.json.metadata.location).toMatch(OWN)
    expect(created.json['metadata-location']).toContain(created.json.metadata.location)
  })

  it('lets somebody who sees one namespace only stage a table that way', async () => {
    const { catalogId } = catalog
    const tenant = catalog.store.tenant(catalog.tenantId)
    const key = { class: 'namespace', namespace: '', name: 'ns' } as const
    const { entries } = await tenant.read({ at: { catalog: 'demo', ref: 'main' }, keys: [key] })
    const scope = { type: 'namespace', catalogId, objectId: entries[0]?.objectId ?? '' } as const
    const writer = await catalog.person('tenant-user', { scope, actions: ['all'] })
    const body = { name: 't', schema: SIMPLE_SCHEMA, location: 'file:/tmp/ns/t', 'stage-create': true }
    const staged = await catalog.call(writer, 'POST', TABLES, body)
    expect([staged.status, staged.json.metadata?.location]).toEqual([200, expect.stringMatching(OWN)])
  })

  it('gives a table that a commit creates outside a folder of its own', async () => {
    const created = await creation('file:/tmp/ns/t')
    expect([created.status, created.json.metadata.location]).toEqual([200, expect.stringMatching(OWN)])
  })

  it.each(OUTSIDE)('leaves a table where it is when it is moved to %s', async (location) => {
    const { json } = await create('s3://lake/wh/t')
    const moved = await commit([{ action: 'set-location', location }])
    expect([moved.status, moved.json['metadata-location']]).toEqual([200, json['metadata-location']])
  })

  it.each(INSIDE)('takes %s as it is given', async (location) => {
    expect((await create(location)).json.metadata.location).toBe(location)
  })

  it.each(['s3://lake/wh/', 's3://lake/wh/../other', 's3://lake/wh/a//b', 's3://lake/wh/%2e%2e/x'])(
    'refuses %s, which is not outside but wrong',
    async (location) => {
      expect((await create(location)).status).toBe(400)
    },
  )

  it('takes the files that a replaced table was given where it was asked to move', async () => {
    const { json } = await create('s3://lake/wh/t')
    const move = { action: 'set-location', location: 'file:/tmp/ns/t/' }
    const done = await commit([move, snapshot('file:/tmp/ns/t/metadata/snap-7.avro')])
    expect([done.status, done.json.metadata?.location]).toEqual([200, json.metadata.location])
    const { json: credentials } = await catalog.call(catalog.admin, 'GET', `${TABLES}/t/credentials`)
    expect(credentials['storage-credentials'].map((each: { prefix: string }) => each.prefix)).toEqual([
      's3://lake/wh/t/',
    ])
  })

  it.each([
    ['a file elsewhere', 'file:/tmp/ns/t', 'file:/tmp/ns/other/snap-7.avro'],
    ['a file beside the folder', 'file:/tmp/ns/t', 'file:/tmp/ns/t2/snap-7.avro'],
    ["another table's file, by a location that is the start of everything", 's3:/', 's3://lake/wh/victim/snap-7.avro'],
    ["another table's file, by a location that holds the bucket", 's3://lake', 's3://lake/wh/victim/snap-7.avro'],
  ])('refuses %s', async (_, location, file) => {
    await create('s3://lake/wh/t')
    expect((await commit([{ action: 'set-location', location }, snapshot(file)])).status).toBe(400)
  })

  it.each(OUTSIDE)('gives a view a folder of its own instead of %s, and leaves it there', async (location) => {
    const created = await post('/v1/demo/namespaces/ns/views', view(location))
    expect([created.status, created.json.metadata?.location]).toEqual([200, expect.stringMatching(OWN)])
    const moved = await post('/v1/demo/namespaces/ns/views/v', { updates: [{ action: 'set-location', location }] })
    expect([moved.status, moved.json.metadata?.location]).toEqual([200, created.json.metadata.location])
  })

  it('refuses files outside without a move', async () => {
    await create('s3://lake/wh/t')
    expect((await commit([snapshot('file:/tmp/ns/t/snap-7.avro')])).status).toBe(400)
  })

  it.each(['write.data.path', 'write.metadata.path'])('refuses the property %s outside', async (property) => {
    const answer = await post(TABLES, { name: 't', schema: SIMPLE_SCHEMA, properties: { [property]: 'file:/tmp/x' } })
    expect(answer.status).toBe(400)
  })

  it('refuses to register a file outside', async () => {
    const body = { name: 't', 'metadata-location': 'file:/tmp/ns/t/metadata/00000-x.metadata.json' }
    expect((await post('/v1/demo/namespaces/ns/register', body)).status).toBe(400)
  })
})
