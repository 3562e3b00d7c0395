// Contract: what was allowed on a namespace is not done to another one that has got its name meanwhile.
// Source: DESIGN 2.1, 5 (grants are on objects, not on names); REST specification, namespace, table and view operations.
import { beforeEach, expect, it } from 'vitest'
import { assetKey, namespaceKey } from '#catalog/keys'
import type { GrantAction } from '#domain/records'
import { memoryStore } from '#store/memory/memory'
import type { Store } from '#store/store'
import { openCatalog, SIMPLE_SCHEMA, type Person, type TestCatalog } from '#test/support/catalog'
import { creating, TRANSACTIONS } from '#test/support/lake'
import { viewRequest } from '#test/support/views'

const NAMESPACES = '/v1/demo/namespaces'
const NS = `${NAMESPACES}/ns`
const KEYS = [
  namespaceKey(['ns']),
  namespaceKey(['ns', 'new']),
  assetKey({ namespace: ['ns'], name: 'new' }),
  assetKey({ namespace: ['other'], name: 't' }),
  assetKey({ namespace: ['other'], name: 'v' }),
]

let catalog: TestCatalog
let person: Person
let afterRead: (() => Promise<void>) | null

/** A store on which something happens once between a request's own read and whatever it does then. */
function interrupted(): Store {
  const store = memoryStore()
  return {
    ...store,
    tenant(id) {
      const real = store.tenant(id)
      return {
        ...real,
        async read(query) {
          const result = await real.read(query)
          const happens = query.caller ? afterRead : null
          if (happens) afterRead = null
          await happens?.()
          return result
        },
      }
    },
  }
}

beforeEach(async () => {
  afterRead = null
  catalog = await openCatalog({ store: interrupted() })
  for (const name of ['ns', 'other']) await admin('POST', NAMESPACES, { namespace: [name], properties: { owner: 'a' } })
  await admin('POST', `${NAMESPACES}/other/tables`, { name: 't', schema: SIMPLE_SCHEMA })
  await admin('POST', `${NAMESPACES}/other/views`, viewRequest('v'))
  const scopes = await Promise.all([['ns'], ['other']].map(scopeOf))
  const actions: GrantAction[] = ['create', 'read', 'update', 'delete']
  person = await catalog.person('tenant-user', ...scopes.map((scope) => ({ scope, actions })), {
    scope: { type: 'catalog', catalogId: catalog.catalogId },
    actions: ['write'],
  })
})

const admin = (method: string, path: string, body?: unknown) => catalog.call(catalog.admin, method, path, body)

async function rows() {
  const at = { catalog: 'demo', ref: 'main' }
  return (await catalog.store.tenant(catalog.tenantId).read({ at, keys: KEYS })).entries
}

async function scopeOf(namespace: readonly string[]) {
  const at = { catalog: 'demo', ref: 'main' }
  const keys = [namespaceKey(namespace)]
  const { entries } = await catalog.store.tenant(catalog.tenantId).read({ at, keys })
  return { type: 'namespace' as const, catalogId: catalog.catalogId, objectId: entries[0]?.objectId ?? '' }
}

/** A metadata file at a location of its own, like the one of `other.t`. */
async function registrable(): Promise<string> {
  const { metadata } = (await admin('GET', `${NAMESPACES}/other/tables/t`)).json
  const uri = 's3://lake/fresh/metadata/v1.metadata.json'
  const text = JSON.stringify({ ...metadata, location: 's3://lake/fresh' })
  catalog.objects.files.set(uri, new TextEncoder().encode(text))
  return uri
}

const named = (namespace: string, name: string) => ({ namespace: [namespace], name })

it.each<[string, string, string, () => unknown]>([
  ['properties', 'POST', `${NS}/properties`, () => ({ updates: { owner: 'b' }, removals: [] })],
  ['a drop', 'DELETE', NS, () => undefined],
  ['a namespace in it', 'POST', NAMESPACES, () => ({ namespace: ['ns', 'new'], properties: {} })],
  ['a table', 'POST', `${NS}/tables`, () => ({ name: 'new', schema: SIMPLE_SCHEMA })],
  ['a registration', 'POST', `${NS}/register`, async () => ({ name: 'new', 'metadata-location': await registrable() })],
  ["a staged table's commit", 'POST', `${NS}/tables/new`, () => creating('new')],
  ['a transaction', 'POST', TRANSACTIONS, () => ({ 'table-changes': [creating('new')] })],
  [
    'a renamed table',
    'POST',
    '/v1/demo/tables/rename',
    () => ({ source: named('other', 't'), destination: named('ns', 'new') }),
  ],
  ['a view', 'POST', `${NS}/views`, () => viewRequest('new')],
  [
    'a renamed view',
    'POST',
    '/v1/demo/views/rename',
    () => ({ source: named('other', 'v'), destination: named('ns', 'new') }),
  ],
])('%s: 404, and the next namespace of the name is as it was made', async (_, method, path, body) => {
  const sent = await body()
  let before: unknown
  afterRead = async () => {
    expect((await admin('DELETE', NS)).status).toBe(204)
    await admin('POST', NAMESPACES, { namespace: ['ns'], properties: { owner: 'somebody else' } })
    before = await rows()
  }
  const files = [...catalog.objects.files.keys()]
  const answer = await catalog.call(person, method, path, sent)
  expect([answer.status, answer.json?.error?.type]).toEqual([404, 'NoSuchNamespaceException'])
  expect(await rows()).toEqual(before)
  expect([...catalog.objects.files.keys()]).toEqual(files)
})

it('the same requests are done where nothing happens in between', async () => {
  const uri = await registrable()
  const register = { name: 'new', 'metadata-location': uri }
  expect((await catalog.call(person, 'POST', `${NS}/register`, register)).status).toBe(200)
  const rename = { source: named('other', 'v'), destination: named('ns', 'v') }
  expect((await catalog.call(person, 'POST', '/v1/demo/views/rename', rename)).status).toBe(204)
})
