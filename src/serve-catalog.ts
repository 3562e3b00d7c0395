import type { RequestDeps, ServedRoute } from '#http/serve'
import { rawPath } from '#http/path'
import { CatalogError } from '#domain/errors'
import type { AppContext } from './app.ts'
import { configOf } from './config.ts'
import { afterAnswer, catalogDeps, now, storeOf, vendingOf } from './deps.ts'
import { addCost } from './meter.ts'

/** Serves a catalog route with this deployment's store, buckets, signer and lanes. */
export async function serveCatalogRoute(c: AppContext, route: ServedRoute, query: URLSearchParams): Promise<Response> {
  const { env } = c
  const { cost, requestId, fields } = c.var.state
  const config = configOf(env)
  const origin = new URL(c.req.raw.url).origin
  const store = storeOf(env, cost)
  const deps: RequestDeps = {
    requestId,
    address: c.req.header('cf-connecting-ip') ?? null,
    authenticate: (headers) => config.tokens.verify(bearer(headers), now()),
    tenant: ({ tenantId }) => store.tenant(tenantId),
    services: ({ tenantId }, place) => ({
      deps: catalogDeps(env, cost, {
        tenantId,
        tenant: store.tenant(tenantId),
        storage: place.warehouse.storage,
        later: (work) => afterAnswer(c.executionCtx, env, { requestId })(work),
      }),
      vending: vendingOf(config, origin),
    }),
    async commit({ tenantId }, place, request) {
      const lane = [tenantId, place.catalog.id, place.branch.id, request.entry.objectId].join('/')
      cost.durableObjectCalls += 1
      const reply = await env.TABLE_LANE.getByName(lane).commit(tenantId, request).catch(laneFailed)
      addCost(cost, reply.cost)
      if (!reply.ok) throw new CatalogError(reply.kind, reply.message)
      return reply.state
    },
    async purgeSoon({ tenantId }) {
      cost.durableObjectCalls += 1
      await env.PURGE_RUNNER.getByName(tenantId)
        .wake(tenantId)
        .catch((cause: unknown) => {
          throw new CatalogError(
            'unavailable',
            'The purge could not be arranged; nothing was changed, try again',
            cause,
          )
        })
    },
    now,
    log: (more) => void Object.assign(fields, more),
  }
  return route.serve(c.req.raw, rawPath(c.req.raw.url), query, deps)
}

/** RFC 6750: `Authorization: Bearer <token>`. @throws CatalogError `unauthenticated` */
function bearer(headers: Headers): string {
  const match = /^Bearer +(\S+)$/i.exec(headers.get('authorization') ?? '')
  if (!match?.[1])
    throw new CatalogError('unauthenticated', "Not authorized: expected the header 'Authorization: Bearer <token>'")
  return match[1]
}

/**
 * A lane that was overloaded has not begun (Durable Objects, error handling: `overloaded`); any other failure of the call
 * may have come after the commit.
 * @throws CatalogError always
 */
function laneFailed(cause: unknown): never {
  if (cause instanceof Error && 'overloaded' in cause && cause.overloaded === true)
    throw new CatalogError('unavailable', "The table's lane is overloaded; nothing was changed, try again", cause)
  throw new CatalogError(
    'commit-state-unknown',
    "The table's lane did not answer; the commit may or may not have happened. Load the table to find out",
    cause,
  )
}
