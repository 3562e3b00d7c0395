import { decide, seesCatalog, type Decision, type ScopeChain } from '#authz/evaluate'
import type { Caller, CatalogDeps, Vending } from '#catalog/deps'
import { assetKey, namespaceKey, noSuchAsset, noSuchNamespace } from '#catalog/keys'
import type { LaneRequest } from '#catalog/lane-queue'
import type { TableState } from '#catalog/create-table'
import { CatalogError } from '#domain/errors'
import { dotted } from '#domain/ident'
import type { GrantAction, GrantScope } from '#domain/records'
import type { Place, ReadResult, TenantStore } from '#store/store'
import { OPEN_SEQ, type Entry, type Key, type MetadataAnswer } from '#versions/model'
import type { TokenClaims } from '#authn/tokens'
import { readJson, readText } from './body.ts'
import { idempotencyKeyOf, once } from './idempotency.ts'
import type { RefusalBudget } from './refusal-budget.ts'
import {
  askedOf,
  parameter,
  type Asked,
  type CatalogContext,
  type CatalogRoute,
  type Need,
  type Target,
} from './route.ts'

/** What serving one request needs from the wiring; tenant-bound things are made once the tenant is known. */
export interface RequestDeps {
  readonly requestId: string
  readonly address: string | null
  authenticate(headers: Headers): Promise<TokenClaims>
  tenant(claims: TokenClaims): TenantStore
  services(claims: TokenClaims, place: Place): { deps: CatalogDeps; vending: Vending | null }
  commit(claims: TokenClaims, place: Place, request: LaneRequest): Promise<TableState>
  purgeSoon(claims: TokenClaims): Promise<void>
  readonly refusals: RefusalBudget
  /** Why nothing can be changed at the moment; null where it can. */
  readonly closed: CatalogError | null
  now(): Date
  /** Adds fields to the request's log line. */
  log(fields: Readonly<Record<string, unknown>>): void
}

/** A route as the table of routes holds it: the type of its body no longer matters. */
export interface ServedRoute extends Pick<CatalogRoute<never>, 'method' | 'path' | 'writes'> {
  /** What the caller needs, as data; `by body` where it depends on what the body asks for. */
  readonly needs: readonly Need[] | 'by body'
  readonly serve: (request: Request, path: string, query: URLSearchParams, deps: RequestDeps) => Promise<Response>
}

/** Makes a route of a description; its body type is inferred from its parser. */
export function catalogRoute<Body = undefined>(route: CatalogRoute<Body>): ServedRoute {
  return {
    method: route.method,
    path: route.path,
    writes: route.writes,
    needs: typeof route.authorize === 'function' ? 'by body' : route.authorize,
    serve: (request, path, query, deps) => serve(route, request, path, query, deps),
  }
}

/**
 * Serves one catalog route: authenticate, parse, read everything in one round trip, authorize, handle.
 * Nothing the caller may not know of is told apart from what does not exist.
 */
async function serve<Body>(
  route: CatalogRoute<Body>,
  request: Request,
  path: string,
  query: URLSearchParams,
  deps: RequestDeps,
): Promise<Response> {
  const claims = await deps.authenticate(request.headers)
  deps.log({ tenant: claims.tenantId, principal: claims.userId })
  const bare = askedOf(route, path, query, request.headers)
  const asked = await withBody(route, bare, request)
  const name = route.catalog ? route.catalog(bare) : parameter(bare, 'prefix')
  const targets = route.targets(asked)
  const keys = new KeyList(Object.values(targets))
  const page = route.page?.(asked)
  const tenant = deps.tenant(claims)
  const sent = { method: route.method, url: request.url, bodyText: asked.bodyText }
  const key = route.writes ? await idempotencyKeyOf(request.headers, claims.userId, sent) : null
  const resolve = async (): Promise<Resolved<Body>> => {
    const read = await tenant.read({
      caller: { userId: claims.userId, tokenId: claims.session.id },
      at: catalogAndRef(name),
      keys: keys.keys,
      ...(page ? { page } : {}),
      ...(key ? { idempotencyKey: key.key } : {}),
    })
    const caller = { ...callerOf(claims, read, request.headers, deps), idempotency: key }
    return { asked, name, targets, keys, read, caller, claims }
  }
  const resolved = await resolve()
  const needs = typeof route.authorize === 'function' ? route.authorize(asked) : route.authorize
  let isUnauthorized = true
  const run = async (): Promise<Response> => {
    // Not before: what was done earlier under the same key is told again.
    if (route.writes && deps.closed) throw deps.closed
    const place = placeOf(resolved)
    authorize(needs, place, resolved)
    isUnauthorized = false
    if (route.writes && place.seq !== OPEN_SEQ)
      throw new CatalogError('forbidden', `${name} is a tag, which is read-only; write to a branch instead`)
    return route.handler(contextOf(place, resolved, deps))
  }
  if (!key) return run()
  const repeat = async (answer: MetadataAnswer, isNew: boolean, isYoung: boolean): Promise<Response> => {
    if (!route.repeat) throw new Error(`${route.method} ${route.path} can't tell metadata again`)
    const now = isNew ? await resolve() : resolved
    const context = contextOf(placeOf(now), now, deps)
    const isAllowed = needs.every(({ actions, on }) => context.may(actions, on))
    return route.repeat(context, answer, { isAllowed, isYoung })
  }
  const found = resolved.read.idempotency ?? null
  // No attempt lands in a catalog or branch that is not there: neither changes its name, and a branch that is gone is closed.
  // Rights say less: they may have been taken away while an earlier attempt was under way.
  const canLand = (resolved.read.place ?? null) !== null
  const mayRecord = (): boolean => !isUnauthorized || deps.refusals.spend(claims.userId, deps.now())
  return once({
    tenant,
    key,
    found,
    canLand,
    mayRecord,
    run,
    repeat,
    now: () => deps.now(),
    log: (fields) => deps.log(fields),
  })
}

/** A request and everything that was read for it. */
interface Resolved<Body> {
  readonly asked: Asked<Body>
  readonly name: string
  readonly targets: Readonly<Record<string, Target>>
  readonly keys: KeyList
  readonly read: ReadResult
  readonly caller: Caller
  readonly claims: TokenClaims
}

/** @throws CatalogError `no-such-warehouse` for a catalog that is missing, or hidden from the caller */
function placeOf({ name, read: { place }, caller }: Resolved<unknown>): Place {
  if (!place || !seesCatalog(caller, place.catalog.id))
    throw new CatalogError('no-such-warehouse', `Warehouse does not exist: ${name}`)
  return place
}

/** @throws CatalogError as {@link enforce} */
function authorize(needs: readonly Need[], place: Place, { targets, keys, read, caller }: Resolved<unknown>): void {
  for (const need of needs) {
    const target = targetNamed(targets, need.on)
    const decision = decide(caller, need.actions, keys.chain(target, place, read.entries))
    enforce(need, decision, target, (one) => keys.entry(one, read.entries))
  }
}

function contextOf<Body>(place: Place, resolved: Resolved<Body>, deps: RequestDeps): CatalogContext<Body> {
  const { asked, targets, keys, read, caller, claims } = resolved
  const decision = (actions: readonly GrantAction[], on: string): Decision =>
    decide(caller, actions, keys.chain(targetNamed(targets, on), place, read.entries))
  const { deps: services, vending } = deps.services(claims, place)
  return {
    ...asked,
    deps: services,
    vending,
    caller,
    place,
    read,
    commit: (commit) => deps.commit(claims, place, commit),
    purgeSoon: () => deps.purgeSoon(claims),
    log: (fields) => deps.log(fields),
    target: (on) => targetNamed(targets, on),
    entry: (on) => keys.entry(targetNamed(targets, on), read.entries),
    may: (actions, on) => decision(actions, on) === 'allowed',
    mayInTenant: (actions) => decide(caller, actions, [{ type: 'tenant' }]) === 'allowed',
    sees: (entry, on) =>
      decide(
        caller,
        ['list'],
        [...keys.chain(targetNamed(targets, on), place, read.entries), scopeOf(entry, place)],
      ) === 'allowed',
  }
}

async function withBody<Body>(
  route: CatalogRoute<Body>,
  asked: Asked<undefined>,
  request: Request,
): Promise<Asked<Body>> {
  if (!route.body) return asked as Asked<Body>
  const bodyText = await readText(request, route.bodyBytesMax)
  return { ...asked, bodyText, body: route.body(readJson(bodyText)) }
}

/** `sales` is catalog `sales` on `main`; `sales@dev` the catalog at branch or tag `dev`. */
function catalogAndRef(name: string): { catalog: string; ref: string } {
  const at = name.indexOf('@')
  return at < 0 ? { catalog: name, ref: 'main' } : { catalog: name.slice(0, at), ref: name.slice(at + 1) }
}

function callerOf(
  claims: TokenClaims,
  read: ReadResult,
  headers: Headers,
  deps: RequestDeps,
): Omit<Caller, 'idempotency'> {
  const found = read.caller
  if (!found?.user || !found.user.active || found.revoked)
    throw new CatalogError('unauthenticated', 'Not authorized: the token was revoked, or its user is no longer active')
  return {
    tenantId: claims.tenantId,
    userId: found.user.id,
    username: found.user.username,
    role: found.user.role,
    grants: found.grants,
    client: (headers.get('x-client-version') ?? headers.get('user-agent'))?.slice(0, 200) ?? null,
    requestId: deps.requestId,
    address: deps.address,
  }
}

function targetNamed(targets: Readonly<Record<string, Target>>, name: string): Target {
  const target = targets[name]
  if (!target) throw new Error(`a route speaks of '${name}', which is none of its targets`)
  return target
}

/** @throws CatalogError: 404 for what is missing or hidden, 403 for what is seen but not allowed */
function enforce(need: Need, decision: Decision, target: Target, entryOf: (target: Target) => Entry | null): void {
  const exists = target.namespace.length === 0 || entryOf(target) !== null
  if (need.filtered && exists) return
  if (!exists || decision === 'hidden') {
    if (target.name !== undefined)
      throw noSuchAsset(target.type === 'view' ? 'view' : 'table', { namespace: target.namespace, name: target.name })
    if (target.namespace.length > 0) throw noSuchNamespace(target.namespace)
  }
  if (decision !== 'allowed')
    throw new CatalogError(
      'forbidden',
      `Not allowed: ${need.actions.join(', ')} on ${dotted(target.namespace, target.name) || 'the catalog'} needs a grant`,
    )
}

function scopeOf(entry: Entry, place: Place): GrantScope {
  const type = entry.class === 'namespace' ? 'namespace' : 'asset'
  return { type, catalogId: place.catalog.id, objectId: entry.objectId }
}

/** The keys of a request's targets and of every namespace they lie in, each once. */
class KeyList {
  readonly keys: readonly Key[]
  readonly #indexes: ReadonlyMap<string, number>

  constructor(targets: readonly Target[]) {
    const byText = new Map<string, Key>()
    for (const target of targets) for (const key of keysTo(target)) byText.set(keyText(key), key)
    this.keys = [...byText.values()]
    this.#indexes = new Map([...byText.keys()].map((text, index) => [text, index]))
  }

  /** The row of a target; a view does not count as a table, nor a table as a view. */
  entry(target: Target, entries: ReadResult['entries']): Entry | null {
    const key = keysTo(target).at(-1)
    const entry = key ? this.#row(key, entries) : null
    const isWanted = target.name === undefined || target.type === 'any' || entry?.kind === (target.type ?? 'table')
    return isWanted ? entry : null
  }

  chain(target: Target, place: Place, entries: ReadResult['entries']): ScopeChain {
    const rows = keysTo(target).map((key) => this.#row(key, entries))
    return [
      { type: 'tenant' },
      { type: 'catalog', catalogId: place.catalog.id },
      ...rows.flatMap((row) => (row ? [scopeOf(row, place)] : [])),
    ]
  }

  #row(key: Key, entries: ReadResult['entries']): Entry | null {
    const index = this.#indexes.get(keyText(key))
    return index === undefined ? null : (entries[index] ?? null)
  }
}

/** A target's ancestors, outermost first, and the target itself. The catalog has none. */
function keysTo({ namespace, name }: Target): Key[] {
  const levels = namespace.map((_, index) => namespaceKey(namespace.slice(0, index + 1)))
  return name === undefined ? levels : [...levels, assetKey({ namespace, name })]
}

function keyText(key: Key): string {
  return JSON.stringify([key.class, key.namespace, key.name])
}
