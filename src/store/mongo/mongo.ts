import { recordStores } from '#store/kinds'
import { storageFolder } from '#store/storage'
import type { Bootstrap, Store, TenantStore } from '#store/store'
import { branchPuts, branchStore } from './branches.ts'
import { commitTo, settle } from './commit.ts'
import { entityStore, recordPuts, type Guarded } from './entities.ts'
import { failure } from './failures.ts'
import { historyStore } from './history.ts'
import { idempotencyStore } from './idempotency.ts'
import { tenantLog, type LogOptions, type TenantLog } from './log.ts'
import { metricsStore } from './metrics.ts'
import { purgeStore } from './purges.ts'
import { readFrom } from './read.ts'
import { readinessOf, refuseForeign } from './schema.ts'
import type { Snapshot } from './snapshot.ts'
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
  const guard = storageGuard(verbs, logOf, options.newId)
  return {
    tenant: (id) => tenantStore(verbs, logOf(id), guard(id)),
    bootstrap: async (first) => bootstrap(logOf(first.tenant.id), guard(first.tenant.id), first),
    readiness: async () => readinessOf(verbs),
  }
}

function tenantStore(verbs: MongoVerbs, log: TenantLog, guarded: Guarded): TenantStore {
  const records = recordStores((kind) => entityStore(log, kind, kind === 'warehouse' ? guarded : undefined))
  /** Whoever is not found may be so because the database is not one of ours, which costs a look only then. */
  const ours = async <T>(found: T, user: unknown): Promise<T> => {
    if (user === null) await refuseForeign(verbs).catch(failure)
    return found
  }
  return {
    read: async (query) => {
      const found = await readFrom(log, query)
      return ours(found, found.caller?.user)
    },
    commit: async (commit) => commitTo(log, commit),
    settle: async (commitId) => settle(log, commitId),
    branches: branchStore(log),
    history: historyStore(verbs, log),
    purges: purgeStore(log),
    idempotency: idempotencyStore(log),
    metrics: metricsStore(verbs, log.tenant),
    ...records,
    users: {
      ...records.users,
      byName: async (name) => {
        const user = await records.users.byName(name)
        return ours(user, user)
      },
    },
  }
}

/** The first entry of the tenant's log: everything, or nothing. */
async function bootstrap(log: TenantLog, guarded: Guarded, first: Bootstrap): Promise<boolean> {
  const { tenant, warehouse, catalog, branch, user } = first
  const folder = storageFolder(warehouse.storage)
  const isThere = async (snapshot: Snapshot): Promise<boolean> =>
    (await snapshot.value(snapshot.places.records('tenant'), tenant.id)) !== null
  if (await log.look(isThere)) return false
  return guarded(folder, warehouse.id, async (snapshot) => {
    if (await isThere(snapshot)) return { answer: false }
    const { places } = snapshot
    const puts = [
      ...recordPuts(places, 'tenant', tenant),
      ...recordPuts(places, 'warehouse', warehouse),
      ...recordPuts(places, 'catalog', catalog),
      ...recordPuts(places, 'user', user),
      ...branchPuts(places, branch, tenant.createdAt),
    ]
    return { answer: true, puts }
  })
}
