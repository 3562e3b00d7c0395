import type { TenantStore } from '#store/store'
import { errorFields } from './log.ts'

/**
 * A tenant's store that tells the log why it could not say at once what became of a commit, or has not made it: the
 * services look it up, or try again, and whoever asked hears nothing of it, or only that it took too long.
 */
export function tellingCommits(
  tenant: TenantStore,
  tell: (fields: Readonly<Record<string, unknown>>) => void,
): TenantStore {
  const commit: TenantStore['commit'] = async (asked) => {
    const outcome = await tenant.commit(asked)
    if ('cause' in outcome)
      tell({ commit: outcome.outcome, branch: asked.branchId, failure: errorFields(outcome.cause) })
    return outcome
  }
  // What the tenant makes only when it is asked for stays that way.
  return Object.assign(Object.create(tenant) as TenantStore, { commit })
}
