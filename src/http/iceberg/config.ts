import { badRequest } from '#domain/errors'
import { IDEMPOTENCY_ADVERTISED_MINUTES } from '#src/limits'
import { json } from '../respond.ts'
import { catalogRoute, type ServedRoute } from '../serve.ts'

/**
 * `GET /v1/config?warehouse=…` (REST specification, getConfig). `warehouse` names a catalog, `catalog@branch` one of its
 * branches; the prefix of the answer is what the client uses from then on. `endpoints` lists exactly what is served.
 * Told a lifetime, Java's clients send an `Idempotency-Key` with whatever they change.
 * @param served the routes of `/v1/{prefix}`
 */
export function configRoute(served: readonly Pick<ServedRoute, 'method' | 'path'>[]): ServedRoute {
  const endpoints = served.map(({ method, path }) => `${method} ${path}`)
  return catalogRoute({
    method: 'GET',
    path: '/v1/config',
    authorize: [],
    catalog: ({ query }) => {
      const warehouse = query.get('warehouse')
      if (!warehouse) throw badRequest("Expected the query parameter 'warehouse': the name of a catalog")
      return warehouse
    },
    targets: () => ({}),
    writes: false,
    handler: async ({ query }) =>
      json({
        defaults: {},
        overrides: { prefix: encodeURIComponent(query.get('warehouse') ?? '') },
        endpoints,
        'idempotency-key-lifetime': `PT${IDEMPOTENCY_ADVERTISED_MINUTES}M`,
      }),
  })
}
