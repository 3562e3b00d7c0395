// Contract: requests for a staged table are signed by its ticket alone, and only while nothing has its name or its folders.
// Source: REST specification, signRequest and createTable (stage-create); security cases 9, 19, 26.
import { beforeAll, expect, it } from 'vitest'
import { assetKey } from '#catalog/keys'
import { openCatalog, SIMPLE_SCHEMA, type Answer, type Person, type TestCatalog } from '#test/support/catalog'
import { viewRequest } from '#test/support/views'

const NOW = new Date('2026-11-21T08:00:00Z')
const TABLES = '/v1/demo/namespaces/ns/tables'
const BUCKET = 'http://catalog.test/s3/lake'
const asked = { 'X-Iceberg-Access-Delegation': 'remote-signing' }

let catalog: TestCatalog
/** May read table `a`, whose key prefix is `theirs`. */
let reader: Person
let theirs: string

beforeAll(async () => {
  catalog = await openCatalog({ now: () => NOW })
  await catalog.call(catalog.admin, 'POST', '/v1/demo/namespaces', { namespace: ['ns'] })
  theirs = await folderOf('a')
  const { entries } = await catalog.store
    .tenant(catalog.tenantId)
    .read({ at: { catalog: 'demo', ref: 'main' }, keys: [assetKey({ namespace: ['ns'], name: 'a' })] })
  const scope = { type: 'asset' as const, catalogId: catalog.catalogId, objectId: entries[0]?.objectId ?? '' }
  reader = await catalog.person('tenant-user', { scope, actions: ['read'] })
})

async function folderOf(name: string): Promise<string> {
  const { json } = await catalog.call(catalog.admin, 'POST', TABLES, { name, schema: SIMPLE_SCHEMA })
  return `${(json.metadata.location as string).replace(/^s3:\/\/[^/]*\//, '')}/`
}

async function stage(where: TestCatalog, who: Person, name: string) {
  const body = { name, schema: SIMPLE_SCHEMA, 'stage-create': true }
  const { json } = await where.call(who, 'POST', TABLES, body, asked)
  const endpoint = `/${json.config['signer.endpoint']}`
  return { endpoint, uri: `${(json.metadata.location as string).replace('s3://lake', BUCKET)}/data/x` }
}

function ask(who: Person, endpoint: string, uri: string): Promise<Answer> {
  return catalog.call(who, 'POST', endpoint, { method: 'PUT', uri, region: 'auto', headers: {} })
}

it('is written by whom it was staged for, under that name, until its ticket ends', async () => {
  const scope = { type: 'catalog' as const, catalogId: catalog.catalogId }
  const other = await catalog.person('tenant-user', { scope, actions: ['all'] })
  const { endpoint, uri } = await stage(catalog, catalog.admin, 'staged')
  const second = await stage(catalog, catalog.admin, 'second')
  const statuses = [
    await ask(catalog.admin, endpoint, uri),
    await ask(catalog.admin, endpoint, `${BUCKET}/${theirs}x`),
    await ask(catalog.admin, endpoint, second.uri),
    await ask(other, endpoint, uri),
    await ask(reader, endpoint, uri),
    await ask(catalog.admin, endpoint.replace('tables/staged', 'tables/second'), uri),
    await ask(catalog.admin, endpoint.replace(/.\?/, 'x?'), uri),
    await ask(catalog.admin, endpoint.slice(0, -4), uri),
    await ask(catalog.admin, endpoint.replace(/\?.*/, ''), uri),
    await ask(catalog.admin, endpoint.replace(/staged=.*/, 'staged='), uri),
  ].map(({ status }) => status)
  expect(statuses).toEqual([200, 403, 403, 404, 404, 404, 404, 404, 404, 404])
})

it('is no longer what its ticket says once there is a table of its name', async () => {
  const { endpoint, uri } = await stage(catalog, catalog.admin, 'overtaken')
  const folder = await folderOf('overtaken')
  expect((await ask(catalog.admin, endpoint, uri)).status).toBe(403)
  expect((await ask(catalog.admin, endpoint, `${BUCKET}/${folder}data/x`)).status).toBe(200)
  expect((await ask(reader, endpoint, `${BUCKET}/${folder}data/x`)).status).toBe(404)
})

it('is nothing while a view has its name', async () => {
  const { endpoint, uri } = await stage(catalog, catalog.admin, 'viewed')
  const views = TABLES.replace('tables', 'views')
  expect((await catalog.call(catalog.admin, 'POST', views, viewRequest('viewed'))).status).toBe(200)
  expect((await ask(catalog.admin, endpoint, uri)).status).toBe(404)
  await catalog.call(catalog.admin, 'DELETE', `${views}/viewed`)
  expect((await ask(catalog.admin, endpoint, uri)).status).toBe(200)
})

it('is nothing while a table has its folders, wherever that was moved', async () => {
  const body = { name: 'made', schema: SIMPLE_SCHEMA, 'stage-create': true }
  const { json } = await catalog.call(catalog.admin, 'POST', TABLES, body, asked)
  const endpoint = `/${json.config['signer.endpoint']}`
  const location = json.metadata.location as string
  const uri = `${location.replace('s3://lake', BUCKET)}/data/x`
  const made = await catalog.call(catalog.admin, 'POST', TABLES, { name: 'made', schema: SIMPLE_SCHEMA, location })
  expect(made.status).toBe(200)
  const destination = { namespace: ['ns'], name: 'moved' }
  const source = { namespace: ['ns'], name: 'made' }
  await catalog.call(catalog.admin, 'POST', '/v1/demo/tables/rename', { source, destination })
  for (const method of ['GET', 'PUT', 'DELETE']) {
    const request = { method, uri, region: 'auto', headers: {} }
    expect((await catalog.call(catalog.admin, 'POST', endpoint, request)).status).toBe(404)
  }
  await catalog.call(catalog.admin, 'DELETE', `${TABLES}/moved`)
  expect((await ask(catalog.admin, endpoint, uri)).status).toBe(200)
})

it('ends when a credential would', async () => {
  let now = NOW
  const ageing = await openCatalog({ now: () => now })
  await ageing.call(ageing.admin, 'POST', '/v1/demo/namespaces', { namespace: ['ns'] })
  const { endpoint, uri } = await stage(ageing, ageing.admin, 'late')
  const body = { method: 'PUT', uri, region: 'auto', headers: {} }
  now = new Date(NOW.getTime() + 3_599_000)
  expect((await ageing.call(ageing.admin, 'POST', endpoint, body)).status).toBe(200)
  now = new Date(NOW.getTime() + 3_601_000)
  expect((await ageing.call(ageing.admin, 'POST', endpoint, body)).status).toBe(404)
})
