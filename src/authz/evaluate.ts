import type { Grant, GrantAction, GrantScope, Role } from '#domain/records'

/** Who asks. Role and grants come from the store with the request, never from a token or a body. */
export interface Principal {
  readonly role: Role
  readonly grants: readonly Grant[]
}

/**
 * `hidden`: the caller may not know that the object exists, so it must look missing. `forbidden`: he sees it, but may
 * not do this to it.
 */
export type Decision = 'allowed' | 'forbidden' | 'hidden'

/** An object and everything it lies in, outermost first: tenant, catalog, namespaces, asset. */
export type ScopeChain = readonly GrantScope[]

/** What holding an action implies. Actions not listed imply themselves only. */
const IMPLIED: Readonly<Record<GrantAction, readonly GrantAction[]>> = {
  list: ['list'],
  read: ['read', 'list'],
  create: ['create'],
  update: ['update'],
  delete: ['delete'],
  write: ['write', 'read', 'list', 'create', 'update', 'delete'],
  all: ['all', 'write', 'read', 'list', 'create', 'update', 'delete'],
}

/**
 * The one evaluator. A grant on an object counts for everything inside it; there are no denials; what no grant allows
 * is refused. Root and tenant administrators may do everything within the tenant they act in.
 */
export function decide(principal: Principal, actions: readonly GrantAction[], chain: ScopeChain): Decision {
  if (principal.role !== 'tenant-user') return 'allowed'
  const held = new Set<GrantAction>()
  for (const grant of principal.grants) {
    if (chain.some((scope) => sameScope(scope, grant.scope)))
      for (const action of grant.actions) for (const implied of IMPLIED[action]) held.add(implied)
  }
  if (held.size === 0) return 'hidden'
  return actions.every((action) => held.has(action)) ? 'allowed' : 'forbidden'
}

/** Whether the caller holds anything at all on the catalog or inside it: then he may know that it exists. */
export function seesCatalog(principal: Principal, catalogId: string): boolean {
  return (
    principal.role !== 'tenant-user' ||
    principal.grants.some(
      ({ scope, actions }) => actions.length > 0 && (scope.type === 'tenant' || scope.catalogId === catalogId),
    )
  )
}

function sameScope(a: GrantScope, b: GrantScope): boolean {
  if (a.type === 'tenant' || b.type === 'tenant') return a.type === b.type
  if (a.type === 'catalog' || b.type === 'catalog') return a.type === b.type && a.catalogId === b.catalogId
  return a.type === b.type && a.catalogId === b.catalogId && a.objectId === b.objectId
}
