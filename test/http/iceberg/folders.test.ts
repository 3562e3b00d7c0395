// Contract: rights on a table or a namespace open that, and no other part of the bucket, whatever the caller writes where.
// Source: DESIGN 2.6; security cases 1, 4, 6, 12, 27: locations, tampered metadata, hidden names in page tokens.
import { beforeEach, describe, expect, it } from 'vitest'
import { namespaceKey } from '#catalog/keys'
import type { GrantAction } from '#domain/records'
import { openCatalog, SIMPLE_SCHEMA, type Answer, type Person, type TestCatalog } from '#test/support/catalog'

const MINE = '/v1/demo/namespaces/mine/tables'

let catalog: TestCatalog
/** May do everything in namespace `mine`, and nothing else. */
let owner: Person
/** May do everything in catalog `demo`. */
let steward: Person

beforeEach(async () => {
  catalog = await openCatalog()
  for (const name of ['mine', 'fin']) await post(catalog.admin, '/v1/demo/namespaces', { namespace: [name] })
  const { entries } = await catalog.store
    .tenant(catalog.tenantId)
    .read({ at: { catalog: 'demo', ref: 'main' }, keys: [namespaceKey(['mine'])] })
  const { catalogId } = catalog
  owner = await holding({ type: 'namespace', catalogId, objectId: entries[0]?.objectId ?? '' }, 'all')
  steward = await holding({ type: 'catalog', catalogId }, 'all')
})

function holding(scope: Parameters<TestCatalog['person']>[1]['scope'], ...actions: GrantAction[]): Promise<Person> {
  return catalog.person('tenant-user', { scope, actions })
}

function post(who: Person, path: string, body: unknown): Promise<Answer> {
  return catalog.call(who, 'POST', path, body)
}

function create(who: Person, name: string, more: object = {}): Promise<Answer> {
  return post(who, MINE, { name, schema: SIMPLE_SCHEMA, ...more })
}

function update(who: Person, ...updates: object[]): Promise<Answer> {
  return post(who, `${MINE}/t`, { requirements: [], updates })
}

/** The prefixes that a vended credential opens. */
function opened({ json }: Answer): string[] {
  const jwt = atob(json.config['s3.session-token']).slice('jwt/'.length)
  return JSON.parse(atob((jwt.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/'))).paths.prefixPaths
}

describe('choosing where a table lies', () => {
  const chosen: [string, object][] = [
    ['location', { location: 's3://lake/landing/raw' }],
    ['write.data.path', { properties: { 'write.data.path': 's3://lake/landing/raw' } }],
    ['write.metadata.path', { properties: { 'Write.Metadata.Path': 's3://lake/landing/raw' } }],
  ]

  it.each(chosen)('by %s takes write on the catalog', async (_, more) => {
    expect((await create(owner, 't', more)).status).toBe(403)
    expect((await create(owner, 't', { ...more, 'stage-create': true })).status).toBe(403)
    expect(catalog.objects.files.size).toBe(0)
    expect((await create(steward, 't', more)).status).toBe(200)
  })

  it.each(chosen)('of a staged table by %s takes all on the tenant, because nothing keeps it free', async (_, more) => {
    const staged = { ...more, 'stage-create': true }
    expect((await create(steward, 't', staged)).status).toBe(403)
    expect((await create(catalog.admin, 't', staged)).status).toBe(200)
  })

  it('is refused for a staged table, however much the folder looks like one of the catalog', async () => {
    const { json } = await create(catalog.admin, 'other')
    const location = json.metadata.location as string
    for (const who of [owner, steward])
      expect((await create(who, 't', { location, 'stage-create': true })).status).toBe(403)
    expect((await create(owner, 't', { location })).status).toBe(400)
    expect((await create(catalog.admin, 't', { location, 'stage-create': true })).status).toBe(400)
  })

  it('is not got by a later commit either', async () => {
    expect((await create(owner, 't')).status).toBe(200)
    const data = { action: 'set-properties', updates: { 'write.data.path': 's3://lake/landing/raw' } }
    const move = { action: 'set-location', location: 's3://lake/landing' }
    for (const each of [data, move]) expect((await update(owner, each)).status).toBe(403)
    for (const each of [data, move]) expect((await update(steward, each)).status).toBe(200)
    expect((await update(owner, { action: 'set-properties', updates: { a: 'b' } })).status).toBe(200)
  })

  it('below the table itself is free', async () => {
    const { json } = await create(owner, 't')
    const below = { action: 'set-properties', updates: { 'write.data.path': `${json.metadata.location}/elsewhere` } }
    expect((await update(owner, below)).status).toBe(200)
    expect(opened(await catalog.call(owner, 'GET', `${MINE}/t`))).toHaveLength(1)
  })

  it('does not open what a dropped table left, but to those who may do everything in the tenant', async () => {
    const location = 's3://lake/fin/salaries'
    const fin = '/v1/demo/namespaces/fin/tables'
    expect((await post(catalog.admin, fin, { name: 'salaries', schema: SIMPLE_SCHEMA, location })).status).toBe(200)
    expect((await catalog.call(catalog.admin, 'DELETE', `${fin}/salaries`)).status).toBe(204)
    expect((await create(steward, 't', { location })).status).toBe(400)
    expect((await create(steward, 't')).status).toBe(200)
    expect((await update(steward, { action: 'set-location', location: `${location}/x` })).status).toBe(400)
    expect((await create(catalog.admin, 'u', { location })).status).toBe(200)
  })

  it('by register takes write on the catalog', async () => {
    const { json } = await create(catalog.admin, 'r')
    await catalog.call(catalog.admin, 'DELETE', `${MINE}/r`)
    const register = { name: 'r', 'metadata-location': json['metadata-location'] }
    expect((await post(owner, '/v1/demo/namespaces/mine/register', register)).status).toBe(403)
    expect((await post(steward, '/v1/demo/namespaces/mine/register', register)).status).toBe(400)
    expect((await post(catalog.admin, '/v1/demo/namespaces/mine/register', register)).status).toBe(200)
  })
})

describe('a metadata file changed in the bucket', () => {
  it.each([
    [
      'widens no credential',
      (text: string) => text.replace('"properties":{', '"properties":{"write.data.path":"s3://lake/fin",'),
    ],
    ['puts no word into an answer', (text: string) => `${text},"config":{"s3.endpoint":"http://evil.test"}`],
    [
      'is not taken for another table',
      (text: string) => text.replace(/"table-uuid":"[^"]*"/, `"table-uuid":"${crypto.randomUUID()}"`),
    ],
  ])('%s', async (_, tamper) => {
    const { json } = await create(owner, 't')
    const file = json['metadata-location'] as string
    const text = new TextDecoder().decode(catalog.objects.files.get(file))
    catalog.objects.files.set(file, new TextEncoder().encode(tamper(text)))
    catalog.evict()
    for (const answer of [
      await catalog.call(owner, 'GET', `${MINE}/t`),
      await update(owner, { action: 'set-properties', updates: { a: 'b' } }),
    ]) {
      expect(answer.status).toBe(422)
      expect(answer.json.error.message).toMatch(/not what was committed/)
    }
  })
})

describe('a metadata file that is gone', () => {
  it('is not registered on the strength of having been read once', async () => {
    const { json } = await create(catalog.admin, 'r')
    const file = json['metadata-location'] as string
    expect((await catalog.call(catalog.admin, 'GET', `${MINE}/r`)).status).toBe(200)
    await catalog.call(catalog.admin, 'DELETE', `${MINE}/r`)
    catalog.objects.files.delete(file)
    const register = { name: 'r', 'metadata-location': file }
    const answer = await post(catalog.admin, '/v1/demo/namespaces/mine/register', register)
    expect([answer.status, answer.json.error.type]).toEqual([404, 'NotFoundException'])
    expect(answer.json.error.message).toContain(`Failed to open input stream for file: ${file}`)
  })
})

describe('a page of a listing', () => {
  it('never names what the caller may not see, in the token either', async () => {
    for (let i = 0; i < 30; i += 1) await create(catalog.admin, `payroll_${String(i).padStart(2, '0')}`)
    const { catalogId } = catalog
    const guest = await holding({ type: 'asset', catalogId, objectId: await objectIdOf('payroll_07') }, 'read')
    const page = await catalog.call(guest, 'GET', `${MINE}?pageToken=&pageSize=1`)
    expect(page.json).toEqual({ identifiers: [{ namespace: ['mine'], name: 'payroll_07' }], 'next-page-token': null })
    const nobody = await holding({ type: 'asset', catalogId, objectId: crypto.randomUUID() }, 'read')
    expect((await catalog.call(nobody, 'GET', `${MINE}?pageToken=&pageSize=1`)).status).toBe(404)
  })

  async function objectIdOf(name: string): Promise<string> {
    const { entries } = await catalog.store
      .tenant(catalog.tenantId)
      .read({ at: { catalog: 'demo', ref: 'main' }, keys: [{ class: 'asset', namespace: 'mine', name }] })
    return entries[0]?.objectId ?? ''
  }
})

it('a commit answers with the metadata, so it takes read as well', async () => {
  await create(catalog.admin, 't')
  const { catalogId } = catalog
  const blind = await holding({ type: 'catalog', catalogId }, 'update')
  expect((await update(blind, { action: 'set-properties', updates: {} })).status).toBe(403)
})
