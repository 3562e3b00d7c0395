import type { RequestDeps, ServedRoute } from '#http/serve'
import { refusalBudget } from '#http/refusal-budget'
import { rawPath } from '#http/path'
import { CatalogError } from '#domain/errors'
import type { AppContext } from './app.ts'
import { configOf } from './config.ts'
import { afterAnswer, catalogDeps, now, storeOf, vendingOf } from './deps.ts'
import { fromLane, fromPurgeRunner } from './durable-calls.ts'
import { LANE_CALL_MS_MAX, PURGE_WAKE_MS_MAX } from './limits.ts'
import { addCost } from './meter.ts'
import { isReadOnlyNow } from './read-only.ts'
import type { LaneReply } from './table-lane.ts'

const refusals = refusalBudget()

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
        fields: { requestId },
      }),
      vending: vendingOf(config, origin),
    }),
    async commit({ tenantId }, place, request) {
      const lane = [tenantId, place.catalog.id, place.branch.id, request.entry.objectId].join('/')
      cost.durableObjectCalls += 1
      const call = async (): Promise<LaneReply> => env.TABLE_LANE.getByName(lane).commit(tenantId, request)
      const reply = await fromLane(LANE_CALL_MS_MAX, call())
      addCost(cost, reply.cost)
      if (!reply.ok) throw new CatalogError(reply.kind, reply.message)
      return reply.state
    },
    async purgeSoon({ tenantId }) {
      cost.durableObjectCalls += 1
      await fromPurgeRunner(PURGE_WAKE_MS_MAX, env.PURGE_RUNNER.getByName(tenantId).wake(tenantId))
    },
    refusals,
    closed: config.isReadOnly ? isReadOnlyNow() : null,
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
