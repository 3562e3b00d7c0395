import { expect } from 'vitest'
import type { Catalog, TenantId } from '#domain/records'
import type { Bootstrap, CommitOutcome, Store, TenantStore } from '#store/store'
import type { Branch, CatalogCommit, Change, Entry, EntryValue, Key, LogKind, Member } from '#versions/model'

/** Opens the store under test. It may hold other tenants: every case makes its own. */
export type OpenStore = () => Promise<Store>

export interface Fixture {
  readonly store: Store
  readonly tenantId: TenantId
  readonly tenant: TenantStore
  readonly catalog: Catalog
  readonly main: Branch
}

export const AT = '2026-01-02T03:04:05.000Z'

/** What an engine has reported of some table, with an id that has 63 bits. */
export const REPORT = {
  at: AT,
  principalId: 'u',
  principalName: 'alice',
  client: null,
  report: '{"id":9223372036854775807}',
} as const

export function newId(): string {
  return crypto.randomUUID()
}

/** The first records of a tenant: warehouse `lake` in a bucket of its own, catalog `demo` with branch `main`, user `admin`. */
export function firstRecords(tenantId: TenantId): Bootstrap {
  const [warehouseId, catalogId] = [newId(), newId()]
  return {
    tenant: { id: tenantId, name: 'default', createdAt: AT },
    warehouse: {
      id: warehouseId,
      name: 'lake',
      storage: { kind: 'r2', bucket: `lake-${tenantId}`, prefix: '' },
      createdAt: AT,
    },
    catalog: { id: catalogId, name: 'demo', warehouseId, properties: { owner: 'data team' }, createdAt: AT },
    branch: { id: newId(), catalogId, name: 'main', state: 'open', headSeq: 0, ancestors: [] },
    user: { id: newId(), username: 'admin', role: 'root', passwordHash: null, active: true, createdAt: AT },
  }
}

/** A new tenant with its first records. */
export async function newTenant(open: OpenStore): Promise<Fixture> {
  const store = await open()
  const tenantId = newId()
  const first = firstRecords(tenantId)
  expect(await store.bootstrap(first)).toBe(true)
  return { store, tenantId, tenant: store.tenant(tenantId), catalog: first.catalog, main: first.branch }
}

export function tableKey(namespace: string, name: string): Key {
  return { class: 'asset', namespace, name }
}

export function namespaceKey(namespace: string, name: string): Key {
  return { class: 'namespace', namespace, name }
}

export function namespaceValue(properties: Record<string, string> = {}): EntryValue {
  return { objectId: newId(), kind: 'namespace', metadataLocation: null, locations: [], properties, summary: {} }
}

/** A table that has folders only if they are given: most cases are not about them. */
export function tableValue(over: Partial<EntryValue> = {}): EntryValue {
  return {
    objectId: newId(),
    kind: 'table',
    metadataLocation: `s3://lake/${newId()}/metadata/00000.metadata.json`,
    locations: [],
    properties: {},
    summary: { tableUuid: newId(), formatVersion: 2, currentSnapshotId: '9007199254740993', currentSchemaId: 0 },
    ...over,
  }
}

/** What a request with this key was answered. */
export function answered(key: string = newId(), over: Partial<NonNullable<Member['idempotency']>> = {}) {
  return { key, fingerprint: `fingerprint of ${key}`, answer: { kind: 'none' } as const, ...over }
}

export function member(over: Partial<Member> = {}, kind: LogKind = 'update'): Member {
  const id = over.id ?? newId()
  return {
    id,
    idempotency: null,
    log: { kind, author: 'alice', message: `message of ${id}` },
    audit: {
      principalId: 'u-1',
      principalName: 'alice',
      client: 'PyIceberg/0.11',
      requestId: `request of ${id}`,
      address: null,
      action: 'update_table',
      target: 'a.b',
      targetId: null,
      message: 'it\'s "quoted" – 🦎',
      result: 'success',
    },
    ...over,
  }
}

export function commitOf(
  branchId: string,
  changes: readonly Change[],
  over: Partial<CatalogCommit> = {},
): CatalogCommit {
  return { branchId, at: AT, members: [member()], changes, checks: [], purges: [], ...over }
}

export function create(key: Key, next: EntryValue): Change {
  return { key, expect: null, next }
}

/** Commits what must land; returns its position. */
export async function land(tenant: TenantStore, commit: CatalogCommit): Promise<number> {
  const outcome = await tenant.commit(commit)
  expect(outcome).toEqual({ outcome: 'committed', seq: expect.any(Number) as number })
  return landedSeq(outcome)
}

function landedSeq(outcome: CommitOutcome): number {
  if (outcome.outcome !== 'committed') throw new Error(`expected a commit that landed, found ${outcome.outcome}`)
  return outcome.seq
}

/** Creates one key on a branch; returns the row as it is read back. */
export async function landCreate(tenant: TenantStore, branchId: string, key: Key, value: EntryValue): Promise<Entry> {
  await land(tenant, commitOf(branchId, [create(key, value)]))
  return mustRead(tenant, branchId, key)
}

export async function readKey(tenant: TenantStore, branchId: string, key: Key, seq?: number): Promise<Entry | null> {
  const { entries } = await tenant.read({ at: { branchId, ...(seq === undefined ? {} : { seq }) }, keys: [key] })
  return entries[0] ?? null
}

export async function mustRead(tenant: TenantStore, branchId: string, key: Key): Promise<Entry> {
  const entry = await readKey(tenant, branchId, key)
  if (!entry) throw new Error(`expected ${key.namespace}.${key.name} to be there`)
  return entry
}

export async function fork(tenant: TenantStore, from: string, name: string, seq?: number): Promise<Branch> {
  const source = { branchId: from, ...(seq === undefined ? {} : { seq }) }
  const branch = await tenant.branches.fork({ id: newId(), name, from: source, at: AT })
  if (!branch) throw new Error(`expected to branch off as ${name}`)
  return branch
}

/** All names of a listing, page by page; each page is one read. */
export async function listNames(
  tenant: TenantStore,
  at: { branchId: string; seq?: number },
  inside: { class: Key['class']; namespace: string; kind: Entry['kind'] },
  limit = 100,
): Promise<string[]> {
  const names: string[] = []
  let after: string | undefined
  do {
    const { page } = await tenant.read({ at, page: { ...inside, limit, ...(after === undefined ? {} : { after }) } })
    if (!page) throw new Error('expected a page')
    expect(page.entries.length).toBeLessThanOrEqual(limit)
    names.push(...page.entries.map(({ name }) => name))
    after = page.next
  } while (after !== undefined)
  return names
}

/** Everything the ports show of a tenant's history and of one branch: equal dumps mean that nothing has changed. */
export async function dump(tenant: TenantStore, branchId: string, namespaces: readonly string[]): Promise<unknown> {
  const listings: unknown[] = []
  for (const namespace of namespaces)
    for (const kind of ['namespace', 'table', 'view'] as const) {
      const of = kind === 'namespace' ? 'namespace' : 'asset'
      listings.push(await tenant.read({ at: { branchId }, page: { class: of, namespace, kind, limit: 1000 } }))
    }
  return {
    listings,
    log: await tenant.history.log({ branchId, limit: 1000 }),
    audit: await tenant.history.audit({ limit: 1000 }),
    purges: await tenant.purges.pending({ limit: 1000 }),
  }
}
