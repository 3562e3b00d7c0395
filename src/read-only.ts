import { CatalogError } from '#domain/errors'
import type { EntityStore, Store, TenantStore } from '#store/store'

/** What whoever wants to change something hears of a deployment that is read-only. @returns kind `unavailable` */
export function isReadOnlyNow(): CatalogError {
  return new CatalogError(
    'unavailable',
    'The catalog is read-only for the moment: its operator is at work; try again later',
  )
}

/**
 * A store that answers questions and refuses everything else with {@link isReadOnlyNow}, so that what is read of it by
 * others, too, stays as it is. It refuses whatever it does not know to be a question.
 */
export function readOnly(store: Store): Store {
  return {
    tenant: (id) => readOnlyTenant(store.tenant(id)),
    bootstrap: refuse,
    readiness: () => store.readiness(),
  }
}

function readOnlyTenant(tenant: TenantStore): TenantStore {
  return {
    read: (query) => tenant.read(query),
    commit: refuse,
    settle: refuse,
    idempotency: { finish: refuse },
    branches: {
      get: (catalogId, name) => tenant.branches.get(catalogId, name),
      fork: refuse,
      tag: refuse,
      close: refuse,
    },
    history: { log: (query) => tenant.history.log(query), audit: (query) => tenant.history.audit(query), trim: refuse },
    purges: {
      pending: (query) => tenant.purges.pending(query),
      stillNamed: (locations) => tenant.purges.stillNamed(locations),
      save: refuse,
      done: refuse,
    },
    metrics: { newest: (query) => tenant.metrics.newest(query), add: refuse },
    warehouses: readOnlyRecords(() => tenant.warehouses),
    catalogs: readOnlyRecords(() => tenant.catalogs),
    users: readOnlyRecords(() => tenant.users),
    grants: readOnlyRecords(() => tenant.grants),
    revokedTokens: readOnlyRecords(() => tenant.revokedTokens),
  }
}

function readOnlyRecords<T extends { readonly id: string }>(records: () => EntityStore<T>): EntityStore<T> {
  return {
    get: (id) => records().get(id),
    byName: (name) => records().byName(name),
    list: (query) => records().list(query),
    create: refuse,
    update: refuse,
    delete: refuse,
  }
}

async function refuse(): Promise<never> {
  throw isReadOnlyNow()
}
