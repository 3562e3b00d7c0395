import type { ObjectStore } from '#objects/objects'
import { memoryStore } from '#store/memory/memory'
import type { Store, TenantStore } from '#store/store'
import { openCatalog, SIMPLE_SCHEMA, type Answer, type TestCatalog } from './catalog.ts'
import { creationAt } from './creation.ts'
import { memoryObjects } from './objects.ts'

/** What a test puts in the place of a store's own operations. */
export type Faults = Partial<Pick<TenantStore, 'commit' | 'settle'>>

/** The tables `ns.a`, `ns.b` and `ns.c`, the namespace `other`, and ports that count and can be made to fail. */
export interface Lake {
  readonly catalog: TestCatalog
  /** What happens instead of a commit or a settle; given the real store. */
  faults: (real: TenantStore) => Faults
  /** Whether the nth file from now on fails to be written. */
  failAt: (nth: number) => boolean
  /** What happens before the next file is read, once. */
  beforeRead: (() => Promise<void>) | null
  /** Since the lake was opened. */
  readonly counts: { commits: number; creates: number; createsAtOnce: number }
  post(path: string, body: unknown): Promise<Answer>
  createTable(namespace: string, name: string, more?: object): Promise<Answer>
  transaction(...changes: unknown[]): Promise<Answer>
  load(name: string): Promise<Answer>
  properties(name: string): Promise<Record<string, string>>
  /** All that a refused request could have changed: history and files. */
  everything(): Promise<string>
}

export const TRANSACTIONS = '/v1/demo/transactions/commit'

export async function openLake(): Promise<Lake> {
  const counts = { commits: 0, creates: 0, createsAtOnce: 0 }
  const files = memoryObjects()
  const ports = { store: faultyStore(() => lake), objects: faultyObjects(files, () => lake), files }
  const catalog = await openCatalog(ports)
  const tenant = catalog.store.tenant(catalog.tenantId)
  const lake: Lake = {
    catalog,
    counts,
    faults: () => ({}),
    failAt: () => false,
    beforeRead: null,
    post: (path, body) => catalog.call(catalog.admin, 'POST', path, body),
    createTable: (namespace, name, more = {}) =>
      lake.post(`/v1/demo/namespaces/${namespace}/tables`, { name, schema: SIMPLE_SCHEMA, ...more }),
    transaction: (...changes) => lake.post(TRANSACTIONS, { 'table-changes': changes }),
    load: (name) => catalog.call(catalog.admin, 'GET', `/v1/demo/namespaces/ns/tables/${name}`),
    properties: async (name) => (await lake.load(name)).json.metadata.properties,
    async everything() {
      const { place } = await tenant.read({ at: { catalog: 'demo', ref: 'main' } })
      const { records } = await tenant.history.audit({ limit: 1 })
      return JSON.stringify([place?.branch.headSeq, records, [...files.files.keys()].toSorted()])
    },
  }
  for (const namespace of ['ns', 'other']) await lake.post('/v1/demo/namespaces', { namespace: [namespace] })
  for (const name of ['a', 'b', 'c']) await lake.createTable('ns', name)
  Object.assign(counts, { commits: 0, creates: 0, createsAtOnce: 0 })
  return lake
}

/** Everything that waits for its turn goes on before this does. */
export const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

/** Somebody else gets in before the next commit of another. */
export function meanwhile(lake: Lake, other: () => Promise<unknown>): void {
  lake.faults = (real) => ({
    async commit(commit) {
      lake.faults = () => ({})
      await other()
      return real.commit(commit)
    },
  })
}

/** A commit to `ns.<name>` that sets one property. */
export function setting(
  name: string,
  key: string,
  value = 'x',
  requirements: readonly unknown[] = [],
  namespace = 'ns',
): object {
  const updates = [{ action: 'set-properties', updates: { [key]: value } }]
  return { identifier: { namespace: [namespace], name }, requirements, updates }
}

/** The commit of a staged create. */
export function creating(name: string, location = `s3://lake/${name}-1`, namespace = 'ns'): object {
  return { identifier: { namespace: [namespace], name }, ...creationAt(location) }
}

/** Requirements that fail, and that hold. */
export const STALE = [{ type: 'assert-current-schema-id', 'current-schema-id': 7 }]
export const FRESH = [{ type: 'assert-current-schema-id', 'current-schema-id': 0 }]

function faultyStore(lake: () => Lake | undefined): Store {
  const store = memoryStore()
  return {
    ...store,
    tenant(id) {
      const real = store.tenant(id)
      const faults = (): Faults => lake()?.faults(real) ?? {}
      return {
        ...real,
        async commit(commit) {
          const open = lake()
          if (open) open.counts.commits += 1
          return { ...real, ...faults() }.commit(commit)
        },
        settle: async (commitId) => ({ ...real, ...faults() }).settle(commitId),
      }
    },
  }
}

function faultyObjects(files: ObjectStore, lake: () => Lake | undefined): ObjectStore {
  let underWay = 0
  return {
    ...files,
    async read(...input) {
      const open = lake()
      const first = open?.beforeRead
      if (open) open.beforeRead = null
      await first?.()
      return files.read(...input)
    },
    async create(...input) {
      const open = lake()
      if (!open) return files.create(...input)
      const nth = (open.counts.creates += 1)
      underWay += 1
      open.counts.createsAtOnce = Math.max(open.counts.createsAtOnce, underWay)
      await turn()
      underWay -= 1
      if (open.failAt(nth)) throw new Error('the bucket did not answer')
      return files.create(...input)
    },
  }
}
