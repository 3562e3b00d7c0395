import { readTable } from '#catalog/current-row'
import { createTable } from '#catalog/create-table'
import type { Caller, CatalogDeps, Place } from '#catalog/deps'
import { namespaceKey } from '#catalog/keys'
import type { LaneRequest } from '#catalog/lane-queue'
import { metadataCache } from '#catalog/metadata-files'
import { createNamespace } from '#catalog/namespaces'
import { parseCreateRequest } from '#iceberg/create'
import type { CommitOutcome, TenantStore } from '#store/store'
import { openCatalog, SIMPLE_SCHEMA } from '#test/support/catalog'
import { memoryObjects, type MemoryObjects } from '#test/support/objects'
import type { CatalogCommit, Entry } from '#versions/model'

export const identifier = { namespace: ['ns'], name: 't' }

/** Table `ns.t`, and what the commits to it do at the store. The store's operations can be replaced, one by one. */
export interface LaneLake {
  readonly deps: CatalogDeps
  readonly objects: MemoryObjects
  readonly place: Place
  readonly caller: Caller
  readonly tenant: TenantStore
  /** Replaces operations of the store, or puts them back. */
  faults: Partial<Pick<TenantStore, 'commit' | 'settle'>>
  /** Of every commit that reached the store since the lake was opened. */
  readonly outcomes: CommitOutcome['outcome'][]
  /** The commits that landed. */
  readonly landed: CatalogCommit[]
  /** A request of somebody who has just read the table's row. */
  requestOf(body: unknown, principal?: string, idempotencyKey?: string): Promise<LaneRequest>
  /** The table's metadata as its file has it. */
  metadata(): Promise<Metadata>
  /** Holds the next commit back at the store until it is let go; `held` is when it has come there. */
  hold(): { readonly held: Promise<void>; letGo(): void }
}

export interface Metadata {
  readonly properties: Record<string, string>
  readonly 'metadata-log': readonly { readonly 'metadata-file': string; readonly 'timestamp-ms': number }[]
  readonly 'snapshot-log': readonly { readonly 'snapshot-id': number; readonly 'timestamp-ms': number }[]
  readonly snapshots: readonly { readonly 'snapshot-id': number }[]
  readonly 'current-snapshot-id': number
  readonly 'current-schema-id': number
  readonly 'last-updated-ms': number
  readonly location: string
}

export async function openLaneLake(): Promise<LaneLake> {
  const catalog = await openCatalog()
  const real = catalog.store.tenant(catalog.tenantId)
  const objects = memoryObjects()
  const read = await real.read({ at: { catalog: 'demo', ref: 'main' } })
  if (!read.place) throw new Error('no catalog')
  const { place } = read
  const caller: Caller = {
    tenantId: catalog.tenantId,
    userId: catalog.admin.id,
    username: 'admin',
    role: 'root',
    grants: [],
    client: null,
    requestId: 'test',
    address: null,
    idempotency: null,
  }
  let gate: { came: () => void; open: Promise<void> } | null = null
  const tenant: TenantStore = {
    ...real,
    async commit(commit) {
      const held = gate
      gate = null
      held?.came()
      await held?.open
      const outcome = await (lake.faults.commit?.(commit) ?? real.commit(commit))
      lake.outcomes.push(outcome.outcome)
      if (outcome.outcome === 'committed') lake.landed.push(commit)
      return outcome
    },
    settle: (id) => lake.faults.settle?.(id) ?? real.settle(id),
  }
  const lake: LaneLake = {
    deps: {
      tenant,
      objects,
      metadataCache: metadataCache(),
      now: () => new Date(),
      newId: () => crypto.randomUUID(),
      later: () => undefined,
      pause: async () => undefined,
    },
    objects,
    place,
    caller,
    tenant: real,
    faults: {},
    outcomes: [],
    landed: [],
    async requestOf(body, principal = 'u', idempotencyKey) {
      const entry = await readTable({ tenant: real }, place, identifier)
      if (!entry) throw new Error('no table')
      const actor = {
        principalId: principal,
        principalName: principal,
        client: null,
        requestId: 'r',
        address: null,
        idempotency: idempotencyKey === undefined ? null : { key: idempotencyKey, fingerprint: JSON.stringify(body) },
      }
      return {
        branchId: place.branch.id,
        storage: place.warehouse.storage,
        identifier,
        entry,
        body: JSON.stringify(body),
        actor,
        folderChoice: 'any',
      }
    },
    async metadata() {
      const entry = await readTable({ tenant: real }, place, identifier)
      const text = new TextDecoder().decode(objects.files.get(entry?.metadataLocation ?? ''))
      return JSON.parse(text) as Metadata
    },
    hold() {
      const came = Promise.withResolvers<void>()
      const open = Promise.withResolvers<void>()
      gate = { came: came.resolve, open: open.promise }
      return { held: came.promise, letGo: open.resolve }
    },
  }
  await createNamespace(lake.deps, caller, { place, parent: null, namespace: ['ns'], properties: {} })
  const request = parseCreateRequest({ name: 't', schema: SIMPLE_SCHEMA })
  const parent = await namespaceRow(lake)
  await createTable(lake.deps, caller, { place, parent, identifier, request, folderChoice: 'any' })
  lake.outcomes.length = 0
  lake.landed.length = 0
  return lake
}

/** The row of the namespace that the lake's table lies in. */
export async function namespaceRow({ deps, place }: Pick<LaneLake, 'deps' | 'place'>): Promise<Entry> {
  const { entries } = await deps.tenant.read({ at: { branchId: place.branch.id }, keys: [namespaceKey(['ns'])] })
  const [row] = entries
  if (!row) throw new Error('expected the namespace to be there')
  return row
}

/** Sets one property, whatever there is. */
export function setting(key: string, value = 'x'): object {
  return { requirements: [], updates: [{ action: 'set-properties', updates: { [key]: value } }] }
}
