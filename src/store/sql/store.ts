import { recordStores } from '#store/kinds'
import { storageFolder } from '#store/storage'
import type { Bootstrap, Store, TenantStore } from '#store/store'
import { OPEN_SEQ } from '#versions/model'
import { branchStore } from './branches.ts'
import { commitTo, settle } from './commit.ts'
import { failed, type SqlDatabase } from './database.ts'
import { entityStore, insertRecord } from './entities.ts'
import { historyStore } from './history.ts'
import { idempotencyStore } from './idempotency.ts'
import { metricsStore } from './metrics.ts'
import { purgeStore } from './purges.ts'
import { readFrom } from './read.ts'
import { refuseTakenStorage, storageGuard, storageLock } from './storage.ts'

/** The store on any database that speaks SQL; `readiness` is the engine's own. */
export function sqlStore(db: SqlDatabase, readiness: Store['readiness']): Store {
  return {
    tenant: (id) => tenantStore(db, id),
    bootstrap: (first) => bootstrap(db, first),
    readiness,
  }
}

function tenantStore(db: SqlDatabase, tenantId: string): TenantStore {
  return {
    read: (query) => readFrom(db, tenantId, query),
    commit: (commit) => commitTo(db, tenantId, commit),
    settle: (commitId) => settle(db, tenantId, commitId),
    idempotency: idempotencyStore(db, tenantId),
    branches: branchStore(db, tenantId),
    history: historyStore(db, tenantId),
    purges: purgeStore(db, tenantId),
    metrics: metricsStore(db, tenantId),
    ...recordStores((kind) => entityStore(db, tenantId, kind)),
  }
}

const INSERT_BRANCH = `INSERT INTO ref
    (tenant_id, id, catalog_id, name, kind, state, branch_id, seq, head_seq, ancestors, created_at)
  VALUES (?1, ?2, ?3, ?4, 'branch', ?5, ?2, ${OPEN_SEQ}, CAST(?6 AS BIGINT), ?7, ?8)`

async function bootstrap(db: SqlDatabase, { tenant, warehouse, catalog, branch, user }: Bootstrap): Promise<boolean> {
  const { id, catalogId, name, state, headSeq, ancestors } = branch
  const folder = storageFolder(warehouse.storage)
  const first = [tenant.id, id, catalogId, name, state, headSeq, JSON.stringify(ancestors), tenant.createdAt]
  try {
    await db.write([
      ...storageLock(db.dialect),
      insertRecord(tenant.id, 'tenant', tenant),
      insertRecord(tenant.id, 'warehouse', warehouse),
      insertRecord(tenant.id, 'catalog', catalog),
      insertRecord(tenant.id, 'user', user),
      { sql: INSERT_BRANCH, params: first },
      storageGuard(db.dialect, tenant.id, folder),
    ])
    return true
  } catch (error) {
    refuseTakenStorage(db, error, folder)
    return db.failureOf(error).kind === 'taken' ? false : failed(db, error)
  }
}
