import type { Answer, TestCatalog } from '#test/support/catalog'
import { SIMPLE_SCHEMA } from '#test/support/catalog'
import { creating, setting, TRANSACTIONS } from '#test/support/lake'
import { replaceRequest, viewRequest } from '#test/support/views'

const CATALOG = '/v1/demo'
const NAMESPACES = `${CATALOG}/namespaces`
export const TABLES = `${NAMESPACES}/ns/tables`
export const VIEWS = `${NAMESPACES}/ns/views`

/** A request that changes something, what must stand before it, and how to see that it was done. */
export interface WritingRequest {
  /** As the table of routes has it, and what is special about this request. */
  readonly name: string
  readonly method: 'POST' | 'DELETE'
  readonly path: string
  body?(prepared: Prepared): unknown
  /** What a client sees once it is done, and as long as it is not; null if nothing is ever seen of it. */
  readonly seen: ((catalog: TestCatalog) => Promise<boolean>) | null
  /** Whether the first metadata file of `short` goes with it, unless a call for that fails. */
  readonly deletes?: true
}

/** Metadata files of a table and a view that were dropped, of an earlier state of table `a`, and the first of `short`. */
export interface Prepared {
  readonly droppedTable: string
  readonly droppedView: string
  readonly earlier: string
  readonly first: string
}

/** Tables `a`, `b` and `short`, which deletes its old metadata, view `v`, namespaces `ns`, `other` and the empty `empty`, and what was dropped. */
export async function prepare(catalog: TestCatalog): Promise<Prepared> {
  const post = (path: string, body: unknown): Promise<Answer> => done(catalog, 'POST', path, body)
  for (const name of ['ns', 'other', 'empty']) await post(NAMESPACES, { namespace: [name] })
  const made = [
    await post(TABLES, { name: 'gone', schema: SIMPLE_SCHEMA }),
    await post(VIEWS, viewRequest('gone_view')),
    await post(TABLES, { name: 'a', schema: SIMPLE_SCHEMA }),
  ]
  await post(TABLES, { name: 'b', schema: SIMPLE_SCHEMA })
  const short = await post(TABLES, { name: 'short', schema: SIMPLE_SCHEMA, properties: SHORT_HISTORY })
  for (const name of ['a', 'short']) await post(`${TABLES}/${name}`, setting(name, 'before'))
  await post(VIEWS, viewRequest('v'))
  await done(catalog, 'DELETE', `${TABLES}/gone`)
  await done(catalog, 'DELETE', `${VIEWS}/gone_view`)
  const [droppedTable = '', droppedView = '', earlier = ''] = made.map(({ json }) => json['metadata-location'])
  return { droppedTable, droppedView, earlier, first: short.json['metadata-location'] }
}

const SHORT_HISTORY = {
  'write.metadata.delete-after-commit.enabled': 'true',
  'write.metadata.previous-versions-max': '1',
}

/** Every route that writes, some in more than one of their ways. */
export const REQUESTS: readonly WritingRequest[] = [
  {
    name: 'POST namespaces',
    method: 'POST',
    path: NAMESPACES,
    body: () => ({ namespace: ['fresh'] }),
    seen: (catalog) => exists(catalog, `${NAMESPACES}/fresh`),
  },
  {
    name: 'POST namespaces/{namespace}/properties',
    method: 'POST',
    path: `${NAMESPACES}/ns/properties`,
    body: () => ({ updates: { mark: 'x' } }),
    seen: async (catalog) => (await loaded(catalog, `${NAMESPACES}/ns`)).properties.mark === 'x',
  },
  {
    name: 'DELETE namespaces/{namespace}',
    method: 'DELETE',
    path: `${NAMESPACES}/empty`,
    seen: async (catalog) => !(await exists(catalog, `${NAMESPACES}/empty`)),
  },
  {
    name: 'POST tables',
    method: 'POST',
    path: TABLES,
    body: () => ({ name: 'fresh', schema: SIMPLE_SCHEMA }),
    seen: (catalog) => exists(catalog, `${TABLES}/fresh`),
  },
  {
    name: 'POST tables (staged)',
    method: 'POST',
    path: TABLES,
    body: () => ({ name: 'fresh', schema: SIMPLE_SCHEMA, 'stage-create': true, location: 's3://lake/chosen' }),
    seen: null,
  },
  {
    name: 'POST tables/{table} (of a staged table)',
    method: 'POST',
    path: `${TABLES}/fresh`,
    body: () => creating('fresh'),
    seen: (catalog) => exists(catalog, `${TABLES}/fresh`),
  },
  {
    name: 'POST tables/{table}',
    method: 'POST',
    path: `${TABLES}/a`,
    body: () => setting('a', 'mark'),
    seen: (catalog) => isMarked(catalog, 'a'),
  },
  {
    name: 'POST tables/{table} (that deletes old metadata)',
    method: 'POST',
    path: `${TABLES}/short`,
    body: () => setting('short', 'mark'),
    seen: (catalog) => isMarked(catalog, 'short'),
    deletes: true,
  },
  {
    name: 'POST register',
    method: 'POST',
    path: `${NAMESPACES}/ns/register`,
    body: ({ droppedTable }) => ({ name: 'back', 'metadata-location': droppedTable }),
    seen: (catalog) => exists(catalog, `${TABLES}/back`),
  },
  {
    name: 'POST register (overwrite)',
    method: 'POST',
    path: `${NAMESPACES}/ns/register`,
    body: ({ earlier }) => ({ name: 'a', 'metadata-location': earlier, overwrite: true }),
    seen: async (catalog) => !('before' in (await loaded(catalog, `${TABLES}/a`)).metadata.properties),
  },
  {
    name: 'POST tables/{table}/unregister',
    method: 'POST',
    path: `${TABLES}/a/unregister`,
    seen: async (catalog) => !(await exists(catalog, `${TABLES}/a`)),
  },
  {
    name: 'POST tables/rename',
    method: 'POST',
    path: `${CATALOG}/tables/rename`,
    body: () => moving('a', 'moved'),
    seen: (catalog) => isMoved(catalog, `${TABLES}/a`, `${NAMESPACES}/other/tables/moved`),
  },
  {
    name: 'DELETE tables/{table}',
    method: 'DELETE',
    path: `${TABLES}/a`,
    seen: async (catalog) => !(await exists(catalog, `${TABLES}/a`)),
  },
  {
    name: 'DELETE tables/{table} (purge)',
    method: 'DELETE',
    path: `${TABLES}/a?purgeRequested=true`,
    seen: async (catalog) => {
      const isGone = !(await exists(catalog, `${TABLES}/a`))
      const jobs = await catalog.store.tenant(catalog.tenantId).purges.pending({ limit: 10 })
      return both(isGone, jobs.length === 1)
    },
  },
  {
    name: 'POST transactions/commit',
    method: 'POST',
    path: TRANSACTIONS,
    body: () => ({ 'table-changes': [setting('a', 'mark'), setting('b', 'mark'), creating('fresh')] }),
    seen: async (catalog) => {
      const isCreated = await exists(catalog, `${TABLES}/fresh`)
      return both(both(await isMarked(catalog, 'a'), await isMarked(catalog, 'b')), isCreated)
    },
  },
  {
    name: 'POST transactions/commit (that deletes old metadata)',
    method: 'POST',
    path: TRANSACTIONS,
    body: () => ({ 'table-changes': [setting('a', 'mark'), setting('short', 'mark')] }),
    seen: async (catalog) => both(await isMarked(catalog, 'a'), await isMarked(catalog, 'short')),
    deletes: true,
  },
  {
    name: 'POST views',
    method: 'POST',
    path: VIEWS,
    body: () => viewRequest('fresh'),
    seen: (catalog) => exists(catalog, `${VIEWS}/fresh`),
  },
  {
    name: 'POST views/{view}',
    method: 'POST',
    path: `${VIEWS}/v`,
    body: () => replaceRequest('select 2'),
    seen: async (catalog) => (await loaded(catalog, `${VIEWS}/v`)).metadata.versions.length === 2,
  },
  {
    name: 'POST register-view',
    method: 'POST',
    path: `${NAMESPACES}/ns/register-view`,
    body: ({ droppedView }) => ({ name: 'back', 'metadata-location': droppedView }),
    seen: (catalog) => exists(catalog, `${VIEWS}/back`),
  },
  {
    name: 'POST views/rename',
    method: 'POST',
    path: `${CATALOG}/views/rename`,
    body: () => moving('v', 'moved'),
    seen: (catalog) => isMoved(catalog, `${VIEWS}/v`, `${NAMESPACES}/other/views/moved`),
  },
  {
    name: 'DELETE views/{view}',
    method: 'DELETE',
    path: `${VIEWS}/v`,
    seen: async (catalog) => !(await exists(catalog, `${VIEWS}/v`)),
  },
]

function moving(source: string, destination: string): object {
  return {
    source: { namespace: ['ns'], name: source },
    destination: { namespace: ['other'], name: destination },
  }
}

async function isMoved(catalog: TestCatalog, source: string, destination: string): Promise<boolean> {
  return both(!(await exists(catalog, source)), await exists(catalog, destination))
}

/** @throws Error if only one of two things that belong together is there */
function both(one: boolean, other: boolean): boolean {
  if (one !== other) throw new Error('half done')
  return one
}

async function isMarked(catalog: TestCatalog, table: string): Promise<boolean> {
  return (await loaded(catalog, `${TABLES}/${table}`)).metadata.properties.mark === 'x'
}

async function exists(catalog: TestCatalog, path: string): Promise<boolean> {
  const { status, text } = await catalog.call(catalog.admin, 'GET', path)
  if (status !== 200 && status !== 404) throw new Error(`GET ${path}: ${status} ${text}`)
  return status === 200
}

async function loaded(catalog: TestCatalog, path: string): Promise<Answer['json']> {
  return (await done(catalog, 'GET', path)).json
}

async function done(catalog: TestCatalog, method: string, path: string, body?: unknown): Promise<Answer> {
  const answer = await catalog.call(catalog.admin, method, path, body)
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`)
  return answer
}
