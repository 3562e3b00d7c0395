import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1'
import { storageFolder } from '#store/storage'
import type { Bootstrap, Store, TenantStore } from '#store/store'
import { OPEN_SEQ } from '#versions/model'
import { branchStore } from './branches.ts'
import { commitTo, settle } from './commit.ts'
import { entityStore, recordRow } from './entities.ts'
import { errorText, failure, isUniqueViolation } from './failures.ts'
import { historyStore } from './history.ts'
import { idempotencyStore } from './idempotency.ts'
import { metricsStore } from './metrics.ts'
import { purgeStore } from './purges.ts'
import { readFrom } from './read.ts'
import { record, ref } from './sqlite.ts'
import { refuseTakenStorage, storageGuard } from './storage.ts'

/** The newest migration in `migrations/`, by number. */
export const SCHEMA_VERSION = 3

/** The store on Cloudflare D1. */
export function d1Store(db: D1Database): Store {
  const orm = (): DrizzleD1Database => drizzle(db)
  return {
    tenant: (id) => tenantStore(db, orm, id),
    bootstrap: (first) => bootstrap(orm(), first),
    readiness: () => readiness(db),
  }
}

/** Made anew with every request, which asks for the parts it uses: most need `read` and `commit` only. */
function tenantStore(db: D1Database, orm: () => DrizzleD1Database, tenantId: string): TenantStore {
  return {
    read: (query) => readFrom(db, tenantId, query),
    commit: (commit) => commitTo(db, tenantId, commit),
    settle: (commitId) => settle(db, tenantId, commitId),
    get idempotency() {
      return idempotencyStore(db, tenantId)
    },
    get branches() {
      return branchStore(db, orm(), tenantId)
    },
    get history() {
      return historyStore(db, orm(), tenantId)
    },
    get purges() {
      return purgeStore(db, orm(), tenantId)
    },
    get metrics() {
      return metricsStore(db, tenantId)
    },
    get warehouses() {
      return entityStore(orm(), tenantId, 'warehouse')
    },
    get catalogs() {
      return entityStore(orm(), tenantId, 'catalog')
    },
    get users() {
      return entityStore(orm(), tenantId, 'user')
    },
    get grants() {
      return entityStore(orm(), tenantId, 'grant')
    },
    get revokedTokens() {
      return entityStore(orm(), tenantId, 'revoked-token')
    },
  }
}

async function bootstrap(
  orm: DrizzleD1Database,
  { tenant, warehouse, catalog, branch, user }: Bootstrap,
): Promise<boolean> {
  const { id, catalogId, name, state, headSeq, ancestors } = branch
  const folder = storageFolder(warehouse.storage)
  try {
    await orm.batch([
      orm
        .insert(record)
        .values([
          recordRow(tenant.id, 'tenant', tenant),
          recordRow(tenant.id, 'warehouse', warehouse),
          recordRow(tenant.id, 'catalog', catalog),
          recordRow(tenant.id, 'user', user),
        ]),
      orm.insert(ref).values({
        tenantId: tenant.id,
        id,
        catalogId,
        name,
        kind: 'branch',
        state,
        branchId: id,
        seq: OPEN_SEQ,
        headSeq,
        ancestors: JSON.stringify(ancestors),
        createdAt: tenant.createdAt,
      }),
      storageGuard(orm, tenant.id, folder),
    ])
    return true
  } catch (error) {
    refuseTakenStorage(error, folder)
    return isUniqueViolation(error) ? false : failure(error)
  }
}

async function readiness(db: D1Database): Promise<{ ready: true } | { ready: false; reason: string }> {
  const migrate = 'run the migrations (wrangler d1 migrations apply)'
  try {
    const version = await db.prepare('SELECT max(version) AS version FROM schema_version').first<number>('version')
    if (version === SCHEMA_VERSION) return { ready: true }
    if (version !== null && version > SCHEMA_VERSION)
      return {
        ready: false,
        reason: `The database was written by a newer version: it has schema ${version}, this version knows ${SCHEMA_VERSION}; deploy the newer one`,
      }
    return {
      ready: false,
      reason: `The database has schema ${version ?? 0}, this version needs ${SCHEMA_VERSION}; ${migrate}`,
    }
  } catch (error) {
    const reason = /no such table/.test(errorText(error))
      ? `The database has no schema yet; ${migrate}`
      : 'The catalog database does not answer'
    return { ready: false, reason }
  }
}
