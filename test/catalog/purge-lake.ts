import { readFileSync } from 'node:fs'
import path from 'node:path'
import { runPurge, type PurgeProgress } from '#catalog/purge'
import type { PurgeStorage } from '#catalog/purge-walk'
import { locateObject, type ValidatedLocation } from '#domain/location'
import type { R2Storage } from '#domain/records'
import type { ObjectStore } from '#objects/objects'
import { memoryStore } from '#store/memory/memory'
import type { PurgeJob, TenantStore } from '#store/store'
import type { Change, PurgeRequest } from '#versions/model'
import inventory from '../iceberg/fixtures/avro/inventory.json' with { type: 'json' }

/** The bucket `lake` with the tables that PyIceberg wrote, and a catalog in memory that names some of them. */

const FIXTURES = path.join(import.meta.dirname, '../iceberg/fixtures/avro/lake')

export const STORAGE: R2Storage = { kind: 'r2', bucket: 'lake', prefix: '' }

export type TableName = keyof typeof inventory

export const TABLES = inventory

/** An object store in memory that counts what is asked of it and fails where a test says so. */
export interface Bucket extends PurgeStorage {
  readonly files: Map<string, Uint8Array>
  /** Keys in the order in which they were deleted. */
  readonly deleted: string[]
  readonly calls: { read: number; stream: number; delete: number }
  /** Throws before the n-th object is deleted (1 is the first), or before the n-th read. */
  failAt: { delete?: number; read?: number }
  /** Called before each deletion call. */
  beforeDelete: (keys: readonly string[]) => Promise<void>
}

export function bucketOf(...tables: readonly TableName[]): Bucket {
  const files = new Map<string, Uint8Array>()
  for (const table of tables)
    for (const key of inventory[table].keys)
      files.set(key, key.endsWith('.parquet') ? new Uint8Array(1) : readFileSync(path.join(FIXTURES, key)))
  return emptyBucket(files)
}

export function emptyBucket(files: Map<string, Uint8Array>): Bucket {
  const bucket: Bucket = {
    files,
    deleted: [],
    calls: { read: 0, stream: 0, delete: 0 },
    failAt: {},
    beforeDelete: () => Promise.resolve(),
    locate: (uri) => locateObject(uri, STORAGE),
    objects: objectsOf(() => bucket),
  }
  return bucket
}

function objectsOf(bucket: () => Bucket): ObjectStore {
  const get = ({ key }: ValidatedLocation): Uint8Array | null => {
    const { calls, failAt, files } = bucket()
    if (calls.read + calls.stream === failAt.read) throw new Error('the bucket did not answer')
    return files.get(key) ?? null
  }
  return {
    async read(location) {
      bucket().calls.read += 1
      return get(location)
    },
    async stream(location) {
      bucket().calls.stream += 1
      const bytes = get(location)
      return bytes && new Blob([bytes]).stream()
    },
    async create() {
      throw new Error('a purge writes nothing')
    },
    async delete(locations) {
      const { beforeDelete, calls, deleted, failAt, files } = bucket()
      calls.delete += 1
      await beforeDelete(locations.map(({ key }) => key))
      for (const { key } of locations) {
        if (deleted.length + 1 === failAt.delete) throw new Error('the bucket did not answer')
        deleted.push(key)
        files.delete(key)
      }
    },
  }
}

const AT = '2026-01-01T00:00:00.000Z'

/** A store whose branch `main` (id `main`) names the tables at their locations. */
export async function storeOf(...tables: readonly TableName[]): Promise<TenantStore> {
  const store = memoryStore()
  await store.bootstrap({
    tenant: { id: 't', name: 't', createdAt: AT },
    warehouse: { id: 'w', name: 'w', storage: STORAGE, createdAt: AT },
    catalog: { id: 'c', name: 'c', warehouseId: 'w', properties: {}, createdAt: AT },
    branch: { id: 'main', catalogId: 'c', name: 'main', state: 'open', headSeq: 0, ancestors: [] },
    user: { id: 'u', username: 'u', role: 'tenant-admin', passwordHash: null, active: true, createdAt: AT },
  })
  const tenant = store.tenant('t')
  for (const table of tables) await commit(tenant, 'main', `create-${table}`, tableAt(table))
  return tenant
}

/** Drops a table from `main` and records the job that deletes its files; returns the job. */
export async function dropWithPurge(
  tenant: TenantStore,
  table: TableName,
  more: Partial<PurgeRequest> = {},
): Promise<PurgeJob> {
  const { location, metadataLocation } = inventory[table]
  const id = `purge-${table}`
  const purge = { id, objectId: table, warehouseId: 'w', metadataLocation, locations: [location], ...more }
  await commit(tenant, 'main', `drop-${table}`, dropOf(table), [purge])
  return pendingJob(tenant, id)
}

/** Drops a table from a branch that was made when `main` had it. */
export async function dropOn(tenant: TenantStore, branchId: string, table: TableName): Promise<void> {
  await commit(tenant, branchId, `drop-${table}-${branchId}`, dropOf(table))
}

export async function pendingJob(tenant: TenantStore, id: string): Promise<PurgeJob> {
  const job = (await tenant.purges.pending({ limit: 100 })).find((pending) => pending.id === id)
  if (!job) throw new Error(`expected the job ${id} to be pending`)
  return job
}

/** Runs a job to its end, or as far as it goes, taking the saved cursor up after each run. */
export async function runToEnd(
  bucket: Bucket,
  tenant: TenantStore,
  id: string,
  budget = 10_000,
): Promise<PurgeProgress[]> {
  const runs: PurgeProgress[] = []
  for (;;) {
    const progress = await runPurge({ ...bucket, purges: tenant.purges, budget }, await pendingJob(tenant, id))
    runs.push(progress)
    if (progress.state !== 'more') return runs
    if (runs.length > 1000) throw new Error('expected the job to come to an end')
  }
}

function tableAt(table: TableName): Change {
  const { location, metadataLocation } = inventory[table]
  return {
    key: { class: 'asset', namespace: 'sales', name: table },
    expect: null,
    next: {
      objectId: table,
      kind: 'table',
      metadataLocation,
      locations: [location],
      properties: {},
      summary: {},
    },
  }
}

function dropOf(table: TableName): Change {
  return { key: { class: 'asset', namespace: 'sales', name: table }, expect: `create-${table}`, next: null }
}

async function commit(
  tenant: TenantStore,
  branchId: string,
  id: string,
  change: Change,
  purges: readonly PurgeRequest[] = [],
): Promise<void> {
  const audit = {
    principalId: 'u',
    principalName: 'u',
    client: null,
    requestId: id,
    address: null,
    action: 'test',
    target: change.key.name,
    targetId: change.key.name,
    message: '',
    result: 'success',
  } as const
  const log = { kind: 'update', author: 'u', message: '' } as const
  const members = [{ id, idempotency: null, log, audit }]
  const result = await tenant.commit({ branchId, at: AT, members, changes: [change], checks: [], purges })
  if (result.outcome !== 'committed') throw new Error(`expected the commit ${id} to land, found ${result.outcome}`)
}
