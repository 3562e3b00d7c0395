// Contract: views over HTTP: create, load, replace, list, exists, drop, rename, register; one space of names with tables.
// Source: REST specification, view operations; iceberg-rest §1.4, §1.5 (messages), §2.5.
import { gunzipSync, gzipSync } from 'node:zlib'
import { beforeEach, describe, expect, it } from 'vitest'
import { memoryStore } from '#store/memory/memory'
import type { Store } from '#store/store'
import { openCatalog, SIMPLE_SCHEMA, type Answer, type TestCatalog } from '#test/support/catalog'
import { replaceRequest, versionOf, viewRequest } from '#test/support/views'

const NS = '/v1/demo/namespaces/ns'
const VIEWS = `${NS}/views`
const TABLES = `${NS}/tables`

let catalog: TestCatalog

beforeEach(async () => {
  catalog = await openCatalog()
  await post('/v1/demo/namespaces', { namespace: ['ns'] })
})

const call = (method: string, path: string, body?: unknown) => catalog.call(catalog.admin, method, path, body)
const post = (path: string, body: unknown) => call('POST', path, body)
const errorOf = ({ status, json }: Answer) => [status, json.error.type, json.error.message]
const table = (name: string, more = {}) => post(TABLES, { name, schema: SIMPLE_SCHEMA, ...more })
const view = (name: string, more = {}) => post(VIEWS, viewRequest(name, more))
const rename = (what: 'tables' | 'views', source: string, destination: string, namespace = 'ns') =>
  post(`/v1/demo/${what}/rename`, {
    source: { namespace: ['ns'], name: source },
    destination: { namespace: [namespace], name: destination },
  })

describe('a view', () => {
  it('is created with ids of the catalog, in a folder of its own, in a gzipped file', async () => {
    const created = await view('v', { properties: { owner: 'ann' } })
    expect(created.status).toBe(200)
    expect(Object.keys(created.json)).toEqual(['metadata-location', 'metadata', 'config'])
    const { metadata, 'metadata-location': location } = created.json
    expect(location).toMatch(/^s3:\/\/lake\/[0-9a-f-]{36}\/metadata\/00000-[0-9a-f-]{36}\.gz\.metadata\.json$/)
    expect(location).toContain(metadata.location)
    expect(metadata).toMatchObject({
      'format-version': 1,
      'current-version-id': 1,
      versions: [{ ...versionOf('select 1', ['spark']), 'timestamp-ms': expect.any(Number) }],
      properties: { owner: 'ann' },
    })
    const file = catalog.objects.files.get(location) ?? new Uint8Array()
    expect(JSON.parse(gunzipSync(file).toString())).toEqual(metadata)
  })

  it('loads as it was created, and asks for no credentials', async () => {
    const created = await view('v')
    const loaded = await call('GET', `${VIEWS}/v`)
    expect([loaded.status, loaded.text]).toEqual([200, created.text])
    expect(loaded.text).not.toContain('s3.')
  })

  it('is written plainly where its properties say so', async () => {
    const created = await view('v', { properties: { 'write.metadata.compression-codec': 'none' } })
    expect(created.json['metadata-location']).toMatch(/\/00000-[0-9a-f-]{36}\.metadata\.json$/)
    const text = Buffer.from(catalog.objects.files.get(created.json['metadata-location']) ?? []).toString()
    expect(JSON.parse(text)).toEqual(created.json.metadata)
  })

  it('lives where the client wants it', async () => {
    const properties = { 'write.metadata.path': 's3://lake/elsewhere/m/' }
    const created = await view('v', { location: 's3://lake/mine/', properties })
    expect(created.json.metadata.location).toBe('s3://lake/mine')
    expect(created.json['metadata-location']).toMatch(/^s3:\/\/lake\/elsewhere\/m\/00000-/)
  })

  it('exists, until it is dropped; its files stay', async () => {
    await view('v')
    expect((await call('HEAD', `${VIEWS}/v`)).status).toBe(204)
    const dropped = await call('DELETE', `${VIEWS}/v`)
    expect([dropped.status, dropped.text]).toEqual([204, ''])
    expect((await call('HEAD', `${VIEWS}/v`)).status).toBe(404)
    expect(errorOf(await call('DELETE', `${VIEWS}/v`))).toEqual([
      404,
      'NoSuchViewException',
      'View does not exist: ns.v',
    ])
    expect(catalog.objects.files.size).toBe(1)
  })

  it('of a missing namespace does not exist, and can not be made', async () => {
    const missing = '/v1/demo/namespaces/none/views'
    expect(errorOf(await call('GET', `${missing}/v`))).toEqual([
      404,
      'NoSuchViewException',
      'View does not exist: none.v',
    ])
    const refused = [404, 'NoSuchNamespaceException', 'Namespace does not exist: none']
    expect(errorOf(await post(missing, viewRequest('v')))).toEqual(refused)
    expect(errorOf(await call('GET', missing))).toEqual(refused)
  })

  it('keeps its namespace from being dropped', async () => {
    await view('v')
    expect(errorOf(await call('DELETE', NS))).toEqual([409, 'NamespaceNotEmptyException', 'Namespace ns is not empty'])
  })
})

describe('a list', () => {
  it('of views has no tables, and a list of tables has no views', async () => {
    await table('t')
    for (const name of ['b', 'a', 'c']) await view(name)
    const names = (answer: Answer, from = 'identifiers') => answer.json[from].map((each: { name: string }) => each.name)
    expect(names(await call('GET', VIEWS))).toEqual(['a', 'b', 'c'])
    expect(names(await call('GET', TABLES))).toEqual(['t'])
    const first = await call('GET', `${VIEWS}?pageToken=&pageSize=2`)
    expect(names(first)).toEqual(['a', 'b'])
    const token = encodeURIComponent(first.json['next-page-token'])
    const second = await call('GET', `${VIEWS}?pageToken=${token}&pageSize=2`)
    expect([names(second), second.json['next-page-token']]).toEqual([['c'], null])
    expect((await call('GET', `${TABLES}?pageToken=${token}`)).status).toBe(400)
  })
})

describe('a replacement', () => {
  it('adds a version in a file of the next number', async () => {
    const created = await view('v')
    const replaced = await post(`${VIEWS}/v`, replaceRequest('select 2', ['spark'], created.json.metadata['view-uuid']))
    expect(replaced.status).toBe(200)
    expect(replaced.json['metadata-location']).toMatch(/\/00001-[0-9a-f-]{36}\.gz\.metadata\.json$/)
    expect(replaced.json.metadata['current-version-id']).toBe(2)
    expect((await call('GET', `${VIEWS}/v`)).text).toBe(replaced.text)
  })

  it('that changes nothing writes nothing', async () => {
    const created = await view('v')
    const same = await post(`${VIEWS}/v`, replaceRequest('select 1'))
    expect([same.text, catalog.objects.files.size]).toEqual([created.text, 1])
  })

  it('of another view than the one that is there is refused', async () => {
    await view('v')
    const answer = await post(`${VIEWS}/v`, replaceRequest('select 2', ['spark'], crypto.randomUUID()))
    expect(errorOf(answer)).toEqual([
      409,
      'CommitFailedException',
      expect.stringMatching(/^Requirement failed: view UUID does not match: /),
    ])
    expect(catalog.objects.files.size).toBe(1)
  })

  it('by 20 clients at once: each that is told so is in the view', async () => {
    await view('v', { properties: { 'version.history.num-entries': '100' } })
    const queries = Array.from({ length: 20 }, (_, index) => `select ${index + 2}`)
    const answers = await Promise.all(queries.map((sql) => post(`${VIEWS}/v`, replaceRequest(sql))))
    const done = queries.filter((_, index) => answers[index]?.status === 200)
    expect(answers.filter(({ status }) => status !== 200 && status !== 409)).toEqual([])
    const { metadata } = (await call('GET', `${VIEWS}/v`)).json
    const stored = metadata.versions.map((each: ReturnType<typeof versionOf>) =>
      (each['representations'] as { sql: string }[]).map(({ sql }) => sql),
    )
    expect(stored.flat().toSorted()).toEqual(['select 1', ...done].toSorted())
    expect(catalog.objects.files.size).toBe(done.length + 1)
  })

  it('that loses its race is applied to what the winner left', async () => {
    const store = memoryStore()
    let rival: (() => Promise<unknown>) | null = null
    catalog = await openCatalog({
      store: committing(store, async () => {
        const first = rival
        rival = null
        await first?.()
      }),
    })
    await post('/v1/demo/namespaces', { namespace: ['ns'] })
    await view('v')
    rival = () => post(`${VIEWS}/v`, replaceRequest('select 2'))
    const answer = await post(`${VIEWS}/v`, replaceRequest('select 3'))
    expect(answer.status).toBe(200)
    expect(answer.json.metadata['version-log'].map((each: Record<string, number>) => each['version-id'])).toEqual([
      1, 2, 3,
    ])
  })
})

describe('tables and views', () => {
  beforeEach(async () => {
    await table('t', { location: 's3://lake/t' })
    await view('v', { location: 's3://lake/v' })
  })

  it('do not load as each other, nor does anything else take one for the other', async () => {
    const noTable = [404, 'NoSuchTableException', 'Table does not exist: ns.v']
    const noView = [404, 'NoSuchViewException', 'View does not exist: ns.t']
    expect(errorOf(await call('GET', `${TABLES}/v`))).toEqual(noTable)
    expect(errorOf(await call('DELETE', `${TABLES}/v`))).toEqual(noTable)
    expect(errorOf(await call('GET', `${TABLES}/v/credentials`))).toEqual(noTable)
    expect(errorOf(await post(`${TABLES}/v`, { requirements: [], updates: [] }))).toEqual(noTable)
    expect(errorOf(await rename('tables', 'v', 'w'))).toEqual(noTable)
    expect(errorOf(await call('GET', `${VIEWS}/t`))).toEqual(noView)
    expect(errorOf(await call('DELETE', `${VIEWS}/t`))).toEqual(noView)
    expect(errorOf(await post(`${VIEWS}/t`, replaceRequest('x')))).toEqual(noView)
    expect(errorOf(await rename('views', 't', 'w'))).toEqual(noView)
    expect([(await call('HEAD', `${TABLES}/v`)).status, (await call('HEAD', `${VIEWS}/t`)).status]).toEqual([404, 404])
  })

  it('can not be created, registered or committed under a name that the other has', async () => {
    const { 'metadata-location': tableFile } = (await call('GET', `${TABLES}/t`)).json
    const { 'metadata-location': viewFile } = (await call('GET', `${VIEWS}/v`)).json
    const files = catalog.objects.files.size
    const viewThere = [409, 'AlreadyExistsException', 'View with same name already exists: ns.v']
    const tableThere = [409, 'AlreadyExistsException', 'Table with same name already exists: ns.t']
    const staged = { requirements: [{ type: 'assert-create' }], updates: [] }
    expect(errorOf(await table('v'))).toEqual(viewThere)
    expect(errorOf(await table('v', { 'stage-create': true }))).toEqual(viewThere)
    expect(errorOf(await post(`${TABLES}/v`, staged))).toEqual(viewThere)
    for (const overwrite of [false, true])
      expect(errorOf(await post(`${NS}/register`, { name: 'v', 'metadata-location': tableFile, overwrite }))).toEqual(
        viewThere,
      )
    expect(errorOf(await view('t'))).toEqual(tableThere)
    expect(errorOf(await post(`${NS}/register-view`, { name: 't', 'metadata-location': viewFile }))).toEqual(tableThere)
    expect(errorOf(await view('v'))).toEqual([409, 'AlreadyExistsException', 'View already exists: ns.v'])
    expect(errorOf(await table('t'))).toEqual([409, 'AlreadyExistsException', 'Table already exists: ns.t'])
    expect(catalog.objects.files.size).toBe(files)
  })

  it('can not be committed in a transaction under a name that a view has', async () => {
    const change = {
      identifier: { namespace: ['ns'], name: 'v' },
      requirements: [{ type: 'assert-create' }],
      updates: [],
    }
    expect(errorOf(await post('/v1/demo/transactions/commit', { 'table-changes': [change] }))).toEqual([
      409,
      'AlreadyExistsException',
      'View with same name already exists: ns.v',
    ])
  })

  it('can not be renamed to a name that is taken', async () => {
    await table('t2')
    await view('v2')
    const taken = (from: string, to: string, what: string) => [
      409,
      'AlreadyExistsException',
      `Cannot rename ns.${from} to ns.${to}. ${what} already exists`,
    ]
    expect(errorOf(await rename('tables', 't', 't2'))).toEqual(taken('t', 't2', 'Table'))
    expect(errorOf(await rename('tables', 't', 'v'))).toEqual(taken('t', 'v', 'View'))
    expect(errorOf(await rename('views', 'v', 'v2'))).toEqual(taken('v', 'v2', 'View'))
    expect(errorOf(await rename('views', 'v', 't'))).toEqual(taken('v', 't', 'Table'))
  })

  it('do not get into the folders of each other', async () => {
    for (const location of ['s3://lake/t', 's3://lake/t/inside', 's3://lake/v/inside']) {
      expect((await view('n', { location })).json.error.message).toMatch(/^Invalid view location: .* overlaps/)
      expect((await table('n', { location })).json.error.message).toMatch(/^Invalid table location: .* overlaps/)
    }
    const moved = { updates: [{ action: 'set-location', location: 's3://lake/t/inside' }] }
    expect(errorOf(await post(`${VIEWS}/v`, moved))[0]).toBe(400)
  })

  it('that lose a race for a name are told who won', async () => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) => (index % 2 === 0 ? table('raced') : view('raced'))),
    )
    const [winner] = answers.filter(({ status }) => status === 200)
    const isView = winner?.json.metadata['view-uuid'] !== undefined
    const messages = new Set(answers.filter(({ status }) => status === 409).map(({ json }) => json.error.message))
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(9)
    expect(messages).toEqual(
      new Set(
        isView
          ? ['View already exists: ns.raced', 'View with same name already exists: ns.raced']
          : ['Table already exists: ns.raced', 'Table with same name already exists: ns.raced'],
      ),
    )
  })
})

describe('a renamed view', () => {
  it('is the same view under another name', async () => {
    const created = await view('v')
    await post('/v1/demo/namespaces', { namespace: ['other'] })
    const renamed = await rename('views', 'v', 'w', 'other')
    expect([renamed.status, renamed.text]).toEqual([204, ''])
    expect((await call('GET', '/v1/demo/namespaces/other/views/w')).text).toBe(created.text)
    expect((await call('GET', `${VIEWS}/v`)).status).toBe(404)
    expect((await view('v')).status).toBe(200)
  })

  it('may be renamed to itself; what is missing is named', async () => {
    await view('v')
    expect((await rename('views', 'v', 'v')).status).toBe(204)
    expect(errorOf(await rename('views', 'none', 'w'))).toEqual([
      404,
      'NoSuchViewException',
      'View does not exist: ns.none',
    ])
    expect(errorOf(await rename('views', 'v', 'w', 'non_existing'))).toEqual([
      404,
      'NoSuchNamespaceException',
      'Namespace does not exist: non_existing',
    ])
  })
})

describe('register-view', () => {
  it('takes in the file of a dropped view as it is', async () => {
    const created = await view('v')
    await call('DELETE', `${VIEWS}/v`)
    const body = { name: 'w', 'metadata-location': created.json['metadata-location'] }
    const registered = await post(`${NS}/register-view`, body)
    expect([registered.status, registered.text]).toEqual([200, created.text])
    const replaced = await post(`${VIEWS}/w`, replaceRequest('select 2'))
    expect(replaced.json['metadata-location']).toMatch(/\/00001-/)
  })

  it.each([
    ['plain', 'v3.metadata.json', (text: string) => Buffer.from(text)],
    ['gzipped', '00007-x.metadata.json.gz', (text: string) => gzipSync(text)],
  ])('reads a %s file of another writer', async (_, name, encode) => {
    const { metadata } = (await view('v')).json
    const location = `s3://lake/foreign/metadata/${name}`
    const text = JSON.stringify({ ...metadata, location: 's3://lake/foreign', vendor: 1 })
    catalog.objects.files.set(location, encode(text))
    const registered = await post(`${NS}/register-view`, { name: 'w', 'metadata-location': location })
    expect(registered.text).toBe(`{"metadata-location":"${location}","metadata":${text},"config":{}}`)
  })

  it('keeps one name of a file, however the client spelt it', async () => {
    const location = String((await view('v')).json['metadata-location'])
    await call('DELETE', `${VIEWS}/v`)
    const body = { name: 'w', 'metadata-location': location.replace('s3://', 's3a://') }
    expect((await post(`${NS}/register-view`, body)).json['metadata-location']).toBe(location)
  })

  it('refuses what is no view, is not there, is taken or lies elsewhere', async () => {
    const { json: created } = await view('v')
    const register = (location: string) => post(`${NS}/register-view`, { name: 'w', 'metadata-location': location })
    const { json: other } = await table('t')
    expect(errorOf(await register(other['metadata-location']))).toEqual([
      400,
      'BadRequestException',
      `Can't register ${other['metadata-location']}: Invalid view metadata: 'view-uuid' is missing`,
    ])
    expect(errorOf(await register('s3://lake/none/metadata/x.metadata.json'))).toEqual([
      404,
      'NotFoundException',
      'Failed to open input stream for file: s3://lake/none/metadata/x.metadata.json',
    ])
    expect(errorOf(await register(created['metadata-location']))[2]).toMatch(/overlaps/)
    catalog.objects.files.set('s3://lake/x.metadata.json', Buffer.from(JSON.stringify(created.metadata)))
    expect(errorOf(await register('s3://lake/x.metadata.json'))[2]).toMatch(/below the location that it names/)
    const asTable = await post(`${NS}/register`, { name: 'w', 'metadata-location': created['metadata-location'] })
    expect(errorOf(asTable)[0]).toBe(400)
  })
})

describe('a warehouse that replaces locations of clients', () => {
  it('puts a view where it likes, and leaves it there', async () => {
    const tenant = catalog.store.tenant(catalog.tenantId)
    const { records } = await tenant.warehouses.list({ limit: 1 })
    for (const warehouse of records) await tenant.warehouses.update({ ...warehouse, clientLocations: 'replace' })
    const created = await view('v', { location: 'file:/tmp/ns/v' })
    expect(created.json.metadata.location).toMatch(/^s3:\/\/lake\/[0-9a-f-]{36}$/)
    const moved = await post(`${VIEWS}/v`, { updates: [{ action: 'set-location', location: 'file:/tmp/x' }] })
    expect(moved.json.metadata.location).toBe(created.json.metadata.location)
  })
})

it('is in the audit log', async () => {
  await view('v')
  await post(`${VIEWS}/v`, replaceRequest('select 2'))
  await rename('views', 'v', 'w')
  await call('DELETE', `${VIEWS}/w`)
  const { records } = await catalog.store.tenant(catalog.tenantId).history.audit({ limit: 4 })
  expect(records.map(({ action, target }) => [action, target])).toEqual([
    ['drop_view', 'ns.w'],
    ['rename_view', 'ns.v'],
    ['replace_view', 'ns.v'],
    ['create_view', 'ns.v'],
  ])
})

/** A store that lets somebody else go first. */
function committing(store: Store, before: () => Promise<void>): Store {
  return {
    ...store,
    tenant: (id) => {
      const tenant = store.tenant(id)
      return {
        ...tenant,
        commit: async (commit) => {
          await before()
          return tenant.commit(commit)
        },
      }
    },
  }
}
