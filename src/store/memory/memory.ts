import { recordStores } from '#store/kinds'
import { storageFolder } from '#store/storage'
import type { Bootstrap, Store, TenantStore } from '#store/store'
import { checkCommit } from '#versions/check-commit'
import { branchStore } from './branches.ts'
import { commitTo } from './commit.ts'
import { entityStore, refuseTakenStorage } from './entities.ts'
import { historyStore } from './history.ts'
import { idempotencyStore } from './idempotency.ts'
import { metricsStore } from './metrics.ts'
import { purgeStore } from './purges.ts'
import { readFrom } from './read.ts'
import { emptyState, type TenantState } from './state.ts'

/** A store in memory: the model that the others are compared with. It lives as long as the object. */
export function memoryStore(): Store {
  const tenants = new Map<string, TenantState>()
  const stateOf = (id: string): TenantState => {
    const state = tenants.get(id) ?? emptyState()
    tenants.set(id, state)
    return state
  }
  const others = (id: string): TenantState[] => [...tenants].flatMap(([other, state]) => (other === id ? [] : [state]))
  return {
    tenant: (id) => tenantStore(stateOf(id), () => others(id)),
    bootstrap: async (first) => bootstrap(stateOf(first.tenant.id), first, others(first.tenant.id)),
    readiness: async () => ({ ready: true }),
  }
}

function bootstrap(state: TenantState, first: Bootstrap, others: readonly TenantState[]): boolean {
  const { tenant, warehouse, catalog, branch, user } = first
  const folder = storageFolder(warehouse.storage)
  if (state.records.tenant.size > 0) return false
  refuseTakenStorage(folder, others)
  state.records.tenant.set(tenant.id, tenant)
  state.records.warehouse.set(warehouse.id, warehouse)
  state.records.catalog.set(catalog.id, catalog)
  state.records.user.set(user.id, user)
  state.branches.set(branch.id, branch)
  return true
}

function tenantStore(state: TenantState, others: () => readonly TenantState[]): TenantStore {
  return {
    read: async (query) => readFrom(state, query),
    commit: async (commit) => {
      checkCommit(commit)
      return commitTo(state, commit)
    },
    settle: async (commitId) => {
      const seq = state.commitIds.get(commitId) ?? null
      state.commitIds.set(commitId, seq)
      return seq === null ? { landed: false } : { landed: true, seq }
    },
    idempotency: idempotencyStore(state),
    branches: branchStore(state),
    history: historyStore(state),
    purges: purgeStore(state),
    metrics: metricsStore(state),
    ...recordStores((kind) => entityStore(state, kind, others)),
  }
}
