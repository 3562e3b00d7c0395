// Contract: every route refuses whoever was not granted it; what a caller may not know of looks missing.
// Source: DESIGN 2.4; security cases 6, 9, 12, 19, 29. A route without a line here fails the test.
import { beforeAll, describe, expect, it } from 'vitest'
import { icebergRoutes } from '#http/iceberg/routes'
import { managementRoutes } from '#http/management/routes'
import { assetKey, namespaceKey } from '#catalog/keys'
import type { GrantAction } from '#domain/records'
import { openCatalog, SIMPLE_SCHEMA, type Person, type TestCatalog } from '#test/support/catalog'
import { replaceRequest, viewRequest } from '#test/support/views'

type Who = 'anonymous' | 'neighbour' | 'nobody' | 'lister' | 'reader' | 'writer' | 'admin'
type Expected = Readonly<Record<Who, number>>

interface Sample {
  readonly path: string
  readonly body?: unknown
  readonly expected: Expected
}

/** In order: anonymous, another tenant's administrator, a user without grants, one who lists, reads, writes, and root. */
function expected(...statuses: [number, number, number, number, number, number, number]): Expected {
  const who: Who[] = ['anonymous', 'neighbour', 'nobody', 'lister', 'reader', 'writer', 'admin']
  return Object.fromEntries(who.map((name, index) => [name, statuses[index]])) as unknown as Expected
}

const ns = '/v1/demo/namespaces/ns'
const table = `${ns}/tables/t`
const view = `${ns}/views/v`
const missing = { source: { namespace: ['ns'], name: 't' }, destination: { namespace: ['ns'], name: 't' } }
const commit = { requirements: [], updates: [{ action: 'set-properties', updates: { a: 'b' } }] }

/** Requests against catalog `demo`, in which the neighbour has nothing of these names. Drops come last. */
const samples: Readonly<Record<string, Sample>> = {
  'GET /v1/config': { path: '/v1/config?warehouse=demo', expected: expected(401, 200, 404, 200, 200, 200, 200) },
  'GET /v1/{prefix}/namespaces': { path: '/v1/demo/namespaces', expected: expected(401, 200, 404, 200, 200, 200, 200) },
  'POST /v1/{prefix}/namespaces': {
    path: '/v1/demo/namespaces',
    body: { namespace: ['ns', 'new'] },
    expected: expected(401, 404, 404, 403, 403, 200, 409),
  },
  'GET /v1/{prefix}/namespaces/{namespace}': { path: ns, expected: expected(401, 404, 404, 403, 200, 200, 200) },
  'HEAD /v1/{prefix}/namespaces/{namespace}': { path: ns, expected: expected(401, 404, 404, 204, 204, 204, 204) },
  'POST /v1/{prefix}/namespaces/{namespace}/properties': {
    path: `${ns}/properties`,
    body: { updates: { a: 'b' } },
    expected: expected(401, 404, 404, 403, 403, 200, 200),
  },
  'GET /v1/{prefix}/namespaces/{namespace}/tables': {
    path: `${ns}/tables`,
    expected: expected(401, 404, 404, 200, 200, 200, 200),
  },
  'POST /v1/{prefix}/namespaces/{namespace}/tables': {
    path: `${ns}/tables`,
    body: { name: 'staged', schema: SIMPLE_SCHEMA, 'stage-create': true },
    expected: expected(401, 404, 404, 403, 403, 200, 200),
  },
  'GET /v1/{prefix}/namespaces/{namespace}/tables/{table}': {
    path: table,
    expected: expected(401, 404, 404, 403, 200, 200, 200),
  },
  'HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}': {
    path: table,
    expected: expected(401, 404, 404, 204, 204, 204, 204),
  },
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}': {
    path: table,
    body: commit,
    expected: expected(401, 404, 404, 403, 403, 200, 200),
  },
  'GET /v1/{prefix}/namespaces/{namespace}/tables/{table}/credentials': {
    path: `${table}/credentials`,
    expected: expected(401, 404, 404, 403, 200, 200, 200),
  },
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/sign': {
    path: `${table}/sign`,
    body: { method: 'PUT', uri: 'http://catalog.test/s3/lake/at/t/data/x', region: 'auto', headers: {} },
    expected: expected(401, 404, 404, 403, 403, 200, 200),
  },
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/metrics': {
    path: `${table}/metrics`,
    body: { 'report-type': 'scan-report' },
    expected: expected(401, 404, 404, 403, 204, 204, 204),
  },
  'GET /api/v1/catalogs/{prefix}/namespaces/{namespace}/tables/{table}/metrics': {
    path: '/api/v1/catalogs/demo/namespaces/ns/tables/t/metrics',
    expected: expected(401, 404, 404, 403, 403, 403, 200),
  },
  'POST /v1/{prefix}/namespaces/{namespace}/register': {
    path: `${ns}/register`,
    body: { name: 'r', 'metadata-location': 's3://lake/none/metadata/00000-x.metadata.json' },
    expected: expected(401, 404, 404, 403, 403, 404, 404),
  },
  'POST /v1/{prefix}/tables/rename': {
    path: '/v1/demo/tables/rename',
    body: missing,
    expected: expected(401, 404, 404, 403, 403, 204, 204),
  },
  'POST /v1/{prefix}/transactions/commit': {
    path: '/v1/demo/transactions/commit',
    body: { 'table-changes': [{ identifier: { namespace: ['ns'], name: 't' }, ...commit }] },
    expected: expected(401, 404, 404, 403, 403, 204, 204),
  },
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/unregister': {
    path: `${ns}/tables/u/unregister`,
    expected: expected(401, 404, 404, 403, 403, 200, 404),
  },
  'DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table}': {
    path: table,
    expected: expected(401, 404, 404, 403, 403, 204, 404),
  },
  'GET /v1/{prefix}/namespaces/{namespace}/views': {
    path: `${ns}/views`,
    expected: expected(401, 404, 404, 200, 200, 200, 200),
  },
  'POST /v1/{prefix}/namespaces/{namespace}/views': {
    path: `${ns}/views`,
    body: viewRequest('new'),
    expected: expected(401, 404, 404, 403, 403, 200, 409),
  },
  'GET /v1/{prefix}/namespaces/{namespace}/views/{view}': {
    path: view,
    expected: expected(401, 404, 404, 403, 200, 200, 200),
  },
  'HEAD /v1/{prefix}/namespaces/{namespace}/views/{view}': {
    path: view,
    expected: expected(401, 404, 404, 204, 204, 204, 204),
  },
  'POST /v1/{prefix}/namespaces/{namespace}/views/{view}': {
    path: view,
    body: replaceRequest('select 2'),
    expected: expected(401, 404, 404, 403, 403, 200, 200),
  },
  'POST /v1/{prefix}/namespaces/{namespace}/register-view': {
    path: `${ns}/register-view`,
    body: { name: 'r', 'metadata-location': 's3://lake/none/metadata/00000-x.gz.metadata.json' },
    expected: expected(401, 404, 404, 403, 403, 404, 404),
  },
  'POST /v1/{prefix}/views/rename': {
    path: '/v1/demo/views/rename',
    body: { source: { namespace: ['ns'], name: 'v' }, destination: { namespace: ['ns'], name: 'v' } },
    expected: expected(401, 404, 404, 403, 403, 204, 204),
  },
  'DELETE /v1/{prefix}/namespaces/{namespace}/views/{view}': {
    path: view,
    expected: expected(401, 404, 404, 403, 403, 204, 404),
  },
  'DELETE /v1/{prefix}/namespaces/{namespace}': { path: ns, expected: expected(401, 404, 404, 403, 403, 409, 409) },
}

describe('every route', () => {
  let catalog: TestCatalog
  const people = new Map<Who, Person | null>()

  beforeAll(async () => {
    catalog = await openCatalog()
    await catalog.call(catalog.admin, 'POST', '/v1/demo/namespaces', { namespace: ['ns'] })
    for (const name of ['t', 'u'])
      await catalog.call(catalog.admin, 'POST', `${ns}/tables`, {
        name,
        schema: SIMPLE_SCHEMA,
        location: `s3://lake/at/${name}`,
      })
    await catalog.call(catalog.admin, 'POST', `${ns}/views`, viewRequest('v'))
    const neighbour = await catalog.neighbour()
    const scope = { type: 'catalog' as const, catalogId: catalog.catalogId }
    const granted = (...actions: GrantAction[]) => catalog.person('tenant-user', { scope, actions })
    people.set('anonymous', null)
    people.set('neighbour', neighbour.admin)
    people.set('nobody', await catalog.person('tenant-user'))
    people.set('lister', await granted('list'))
    people.set('reader', await granted('read'))
    people.set('writer', await granted('write'))
    people.set('admin', catalog.admin)
  })

  it('has a line in this test', () => {
    expect(Object.keys(samples).toSorted()).toEqual(
      [...icebergRoutes, ...managementRoutes].map(({ method, path }) => `${method} ${path}`).toSorted(),
    )
  })

  it.each(Object.entries(samples))('%s answers each caller as granted', async (route, sample) => {
    const method = route.split(' ')[0] ?? 'GET'
    const statuses: Record<string, number> = {}
    for (const [who, person] of people) {
      const answer = await catalog.call(person, method, sample.path, sample.body)
      statuses[who] = answer.status
    }
    expect(statuses).toEqual(sample.expected)
  })
})

describe('what a caller may not know of', () => {
  it('answers exactly like what does not exist', async () => {
    const catalog = await openCatalog()
    await catalog.call(catalog.admin, 'POST', '/v1/demo/namespaces', { namespace: ['secret'] })
    await catalog.call(catalog.admin, 'POST', '/v1/demo/namespaces', { namespace: ['open'] })
    await catalog.call(catalog.admin, 'POST', '/v1/demo/namespaces/secret/tables', { name: 't', schema: SIMPLE_SCHEMA })
    const open = await objectId(catalog, namespaceKey(['open']))
    const guest = await catalog.person('tenant-user', {
      scope: { type: 'namespace', catalogId: catalog.catalogId, objectId: open },
      actions: ['all'],
    })
    for (const [method, hidden, absent, body] of [
      ['GET', '/v1/demo/namespaces/secret', '/v1/demo/namespaces/absent'],
      ['GET', '/v1/demo/namespaces/secret/tables', '/v1/demo/namespaces/absent/tables'],
      ['GET', '/v1/demo/namespaces/secret/tables/t', '/v1/demo/namespaces/absent/tables/t'],
      ['GET', '/v1/demo/namespaces/secret/tables/t', '/v1/demo/namespaces/secret/tables/absent'],
      ['DELETE', '/v1/demo/namespaces/secret', '/v1/demo/namespaces/absent'],
      ['POST', '/v1/demo/namespaces/secret/tables/t', '/v1/demo/namespaces/absent/tables/t', commit],
      [
        'POST',
        '/v1/demo/namespaces/secret/tables',
        '/v1/demo/namespaces/absent/tables',
        { name: 'n', schema: SIMPLE_SCHEMA },
      ],
    ] as const) {
      const [one, other] = [
        await catalog.call(guest, method, hidden, body),
        await catalog.call(guest, method, absent, body),
      ]
      expect([one.status, one.text.replaceAll(/secret\.t|absent\.t|secret\.absent|secret|absent/g, 'x')]).toEqual([
        404,
        other.text.replaceAll(/secret\.t|absent\.t|secret\.absent|secret|absent/g, 'x'),
      ])
    }
    const names = await catalog.call(guest, 'GET', '/v1/demo/namespaces')
    expect(names.json.namespaces).toEqual([['open']])
  })

  it('shows of a namespace only the tables that were granted', async () => {
    const catalog = await openCatalog()
    await catalog.call(catalog.admin, 'POST', '/v1/demo/namespaces', { namespace: ['ns'] })
    for (const name of ['a', 'b', 'c'])
      await catalog.call(catalog.admin, 'POST', `${ns}/tables`, { name, schema: SIMPLE_SCHEMA })
    const scope = {
      type: 'asset' as const,
      catalogId: catalog.catalogId,
      objectId: await objectId(catalog, assetKey({ namespace: ['ns'], name: 'b' })),
    }
    const guest = await catalog.person('tenant-user', { scope, actions: ['read'] })
    const paged = await catalog.call(guest, 'GET', `${ns}/tables?pageToken=&pageSize=1`)
    expect(paged.json.identifiers).toEqual([{ namespace: ['ns'], name: 'b' }])
    expect((await catalog.call(guest, 'GET', `${ns}/tables/b`)).status).toBe(200)
    expect((await catalog.call(guest, 'GET', `${ns}/tables/a`)).status).toBe(404)
    await catalog.call(catalog.admin, 'POST', '/v1/demo/tables/rename', {
      source: { namespace: ['ns'], name: 'b' },
      destination: { namespace: ['ns'], name: 'moved' },
    })
    expect((await catalog.call(guest, 'GET', `${ns}/tables/moved`)).status).toBe(200)
    await catalog.call(catalog.admin, 'POST', `${ns}/tables`, { name: 'b', schema: SIMPLE_SCHEMA })
    expect((await catalog.call(guest, 'GET', `${ns}/tables/b`)).status).toBe(404)
  })
})

describe('a grant on one view', () => {
  it('opens that view, also under another name, and nothing beside it', async () => {
    const catalog = await openCatalog()
    await catalog.call(catalog.admin, 'POST', '/v1/demo/namespaces', { namespace: ['ns'] })
    for (const name of ['a', 'b']) await catalog.call(catalog.admin, 'POST', `${ns}/views`, viewRequest(name))
    await catalog.call(catalog.admin, 'POST', `${ns}/tables`, { name: 't', schema: SIMPLE_SCHEMA })
    const scope = {
      type: 'asset' as const,
      catalogId: catalog.catalogId,
      objectId: await objectId(catalog, assetKey({ namespace: ['ns'], name: 'b' })),
    }
    const guest = await catalog.person('tenant-user', { scope, actions: ['read'] })
    const names = await catalog.call(guest, 'GET', `${ns}/views`)
    expect(names.json.identifiers).toEqual([{ namespace: ['ns'], name: 'b' }])
    expect((await catalog.call(guest, 'GET', `${ns}/views/b`)).status).toBe(200)
    const [hidden, absent] = [
      await catalog.call(guest, 'GET', `${ns}/views/a`),
      await catalog.call(guest, 'GET', `${ns}/views/n`),
    ]
    expect([hidden.status, hidden.text]).toEqual([404, absent.text.replace('ns.n', 'ns.a')])
    expect((await catalog.call(guest, 'GET', `${ns}/views/t`)).json.error.type).toBe('NoSuchViewException')
    expect((await catalog.call(guest, 'POST', `${ns}/views/b`, replaceRequest('select 2'))).status).toBe(403)
    await catalog.call(catalog.admin, 'POST', '/v1/demo/views/rename', {
      source: { namespace: ['ns'], name: 'b' },
      destination: { namespace: ['ns'], name: 'moved' },
    })
    expect((await catalog.call(guest, 'GET', `${ns}/views/moved`)).status).toBe(200)
  })
})

describe('a change of rights', () => {
  it('counts from the next request on', async () => {
    const catalog = await openCatalog()
    await catalog.call(catalog.admin, 'POST', '/v1/demo/namespaces', { namespace: ['ns'] })
    const reader = await catalog.person('tenant-user', { scope: { type: 'tenant' }, actions: ['read'] })
    const tenant = catalog.store.tenant(catalog.tenantId)
    expect((await catalog.call(reader, 'GET', ns)).status).toBe(200)
    const { records: grants } = await tenant.grants.list({ limit: 10 })
    for (const { id } of grants) await tenant.grants.delete(id)
    expect((await catalog.call(reader, 'GET', ns)).status).toBe(404)
    const user = await tenant.users.get(reader.id)
    if (user) await tenant.users.update({ ...user, active: false })
    expect((await catalog.call(reader, 'GET', ns)).status).toBe(401)
  })

  it('cuts a revoked token off, and no other of the same user', async () => {
    const catalog = await openCatalog()
    const { jti } = JSON.parse(atob(catalog.admin.token.split('.')[1] ?? '')) as { jti: string }
    expect((await catalog.call(catalog.admin, 'GET', '/v1/demo/namespaces')).status).toBe(200)
    await catalog.store.tenant(catalog.tenantId).revokedTokens.create({ id: jti, expiresAt: '2099-01-01T00:00:00Z' })
    expect((await catalog.call(catalog.admin, 'GET', '/v1/demo/namespaces')).status).toBe(401)
  })
})

async function objectId(catalog: TestCatalog, key: ReturnType<typeof namespaceKey>): Promise<string> {
  const { entries } = await catalog.store
    .tenant(catalog.tenantId)
    .read({ at: { catalog: 'demo', ref: 'main' }, keys: [key] })
  return entries[0]?.objectId ?? ''
}
