import { storageFolder } from '#store/storage'
import type { Bootstrap, Store, TenantStore } from '#store/store'
import { branchPuts, branchStore } from './branches.ts'
import { commitTo, settle } from './commit.ts'
import { joined } from './documents.ts'
import { entityStore, recordPuts } from './entities.ts'
import { failure } from './failures.ts'
import { historyStore } from './history.ts'
import { idempotencyStore } from './idempotency.ts'
import { tenantLog, type LogOptions, type TenantLog } from './log.ts'
import { metricsStore } from './metrics.ts'
import { placesOf } from './places.ts'
import { purgeStore } from './purges.ts'
import { readFrom } from './read.ts'
import { readinessOf } from './schema.ts'
import { storageGuard } from './storage.ts'
import type { MongoVerbs } from './verbs.ts'

/** A store in MongoDB, or in whatever answers to its verbs. {@link tenantLog} says what makes it one. */
export function mongoStore(verbs: MongoVerbs, options: LogOptions): Store {
  const logs = new Map<string, TenantLog>()
  const logOf = (tenant: string): TenantLog => {
    const log = logs.get(tenant) ?? tenantLog(verbs, tenant, options)
    logs.set(tenant, log)
    return log
  }
  return {
    tenant: (id) => tenantStore(verbs, logOf(id), logOf, options),
    bootstrap: async (first) => bootstrap(verbs, logOf(first.tenant.id), logOf, options, first).catch(failure),
    readiness: async () => readinessOf(verbs),
  }
}

function tenantStore(
  verbs: MongoVerbs,
  log: TenantLog,
  logOf: (tenant: string) => TenantLog,
  { newId }: LogOptions,
): TenantStore {
  return {
    read: async (query) => readFrom(log, query).catch(failure),
    commit: async (commit) => commitTo(log, commit),
    settle: async (commitId) => settle(log, commitId).catch(failure),
    branches: branchStore(log),
    history: historyStore(verbs, log),
    purges: purgeStore(log),
    idempotency: idempotencyStore(log),
    metrics: metricsStore(verbs, log.tenant),
    warehouses: entityStore(log, 'warehouse', storageGuard(verbs, log, logOf, newId)),
    catalogs: entityStore(log, 'catalog'),
    users: entityStore(log, 'user'),
    grants: entityStore(log, 'grant'),
    revokedTokens: entityStore(log, 'revoked-token'),
  }
}

/** The first entry of the tenant's log: everything, or nothing. */
async function bootstrap(
  verbs: MongoVerbs,
  log: TenantLog,
  logOf: (tenant: string) => TenantLog,
  { newId }: LogOptions,
  { tenant, warehouse, catalog, branch, user }: Bootstrap,
): Promise<boolean> {
  const places = placesOf(tenant.id)
  const folder = storageFolder(warehouse.storage)
  const id = joined(places.records('tenant'), tenant.id)
  if ((await log.look((snapshot) => snapshot.value(id))) !== null) return false
  return storageGuard(
    verbs,
    log,
    logOf,
    newId,
  )(folder, warehouse.id, async (snapshot) => {
    if ((await snapshot.value(id)) !== null) return { answer: false }
    const puts = [
      ...recordPuts(places, 'tenant', tenant, null),
      ...recordPuts(places, 'warehouse', warehouse, null),
      ...recordPuts(places, 'catalog', catalog, null),
      ...recordPuts(places, 'user', user, null),
      ...branchPuts(places, branch, tenant.createdAt),
    ]
    return { answer: true, write: { puts } }
  })
}
