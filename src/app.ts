import { Hono, type Context } from 'hono'
import { cors } from 'hono/cors'
import { CatalogError } from '#domain/errors'
import { errorResponse } from '#http/errors'
import { icebergRoutes } from '#http/iceberg/routes'
import { login } from '#http/management/login'
import { grantToken } from '#http/management/oauth'
import { OAuthError, oauthErrorResponse } from '#http/management/oauth-error'
import { managementRoutes } from '#http/management/routes'
import type { SessionDeps } from '#http/management/session'
import { honoPath, rawPath, rawQuery } from '#http/path'
import type { ServedRoute } from '#http/serve'
import { serveS3 } from '#http/s3/serve'
import type { Store } from '#store/store'
import { bootstrap, DEFAULT_TENANT_ID } from './bootstrap.ts'
import { configOf, settingsProblem, type Config } from './config.ts'
import { newId, now, storeOf } from './deps.ts'
import { fromPurgeRunner } from './durable-calls.ts'
import { PURGE_WAKE_MS_MAX } from './limits.ts'
import { errorFields, logLine, type LogLevel } from './log.ts'
import { meteredR2, newCost, type Cost } from './meter.ts'
import { serveCatalogRoute } from './serve-catalog.ts'

/** What belongs to one request: its id, what it cost, and what its log line will say. */
export interface RequestState {
  readonly requestId: string
  readonly cost: Cost
  readonly fields: Record<string, unknown>
}

export type AppContext = Context<{ Bindings: Cloudflare.Env; Variables: { state: RequestState } }>

/** The whole Worker as a Hono app. It routes on the path as it was sent, never on a decoded or resolved one. */
export function createApp(): Hono<{ Bindings: Cloudflare.Env; Variables: { state: RequestState } }> {
  const app = new Hono<{ Bindings: Cloudflare.Env; Variables: { state: RequestState } }>({
    getPath: (request) => rawPath(request.url),
  })
  app.use(observe)
  app.use(cors({ origin: '*', maxAge: 86_400, exposeHeaders: ['ETag', 'Content-Range', 'x-request-id'] }))

  app.get('/health/live', (c) => c.json({ status: 'ok' }))
  app.get('/health/ready', ready)
  app.post('/api/v1/users/login', (c) => login(sessionDeps(c), c.req.raw))
  app.post('/v1/oauth/tokens', oauthTokens)
  app.all('/s3/*', s3)
  for (const [path, routes] of byPath([...icebergRoutes, ...managementRoutes]))
    app.all(honoPath(path), (c) => dispatch(c, routes))

  app.notFound((c) => failure(c, new CatalogError('no-such-route', `No such route: ${c.req.method} ${c.req.path}`)))
  app.onError((error, c) => failure(c, error))
  return app
}

/** Request id in and out, and one JSON log line per request; it holds no header, no body and no query. */
async function observe(c: AppContext, next: () => Promise<void>): Promise<void> {
  const given = c.req.header('x-request-id')
  const state: RequestState = {
    requestId: given && /^[A-Za-z0-9._-]{1,64}$/.test(given) ? given : newId(),
    cost: newCost(),
    fields: {},
  }
  c.set('state', state)
  const startedMs = Date.now()
  await next()
  c.header('x-request-id', state.requestId)
  const { status } = c.res
  logLine(levelOf(c.env), status >= 500 ? 'error' : 'info', {
    time: now().toISOString(),
    requestId: state.requestId,
    method: c.req.method,
    status,
    ms: Date.now() - startedMs,
    ...state.fields,
    ...state.cost,
  })
}

function levelOf(env: Cloudflare.Env): LogLevel {
  try {
    return configOf(env).logLevel
  } catch {
    return 'info'
  }
}

function byPath(routes: readonly ServedRoute[]): Map<string, ServedRoute[]> {
  const paths = new Map<string, ServedRoute[]>()
  for (const route of routes) paths.set(route.path, [...(paths.get(route.path) ?? []), route])
  return paths
}

/** Hono answers HEAD by the GET handler, but Iceberg's HEAD routes are routes of their own: chosen here. */
async function dispatch(c: AppContext, routes: readonly ServedRoute[]): Promise<Response> {
  const method = c.req.raw.method
  const route = routes.find((candidate) => candidate.method === method)
  if (!route)
    throw new CatalogError(
      'method-not-allowed',
      `Method not allowed: expected ${routes.map((each) => each.method).join(' or ')}, found ${method}`,
    )
  c.var.state.fields['route'] = `${route.method} ${route.path}`
  return serveCatalogRoute(c, route, rawQuery(c.req.raw.url))
}

function sessionDeps(c: AppContext): SessionDeps {
  return {
    store: storeOf(c.env, c.var.state.cost),
    tokens: configOf(c.env).tokens,
    defaultTenantId: DEFAULT_TENANT_ID,
    now,
    newId,
  }
}

/** OAuth's clients do not read Iceberg's error envelope, so none leaves this route. */
async function oauthTokens(c: AppContext): Promise<Response> {
  const { requestId, fields } = c.var.state
  fields['route'] = 'POST /v1/oauth/tokens'
  try {
    return await grantToken(sessionDeps(c), c.req.raw)
  } catch (error) {
    noteFailure(fields, error)
    return oauthErrorResponse(error, requestId)
  }
}

async function s3(c: AppContext): Promise<Response> {
  const { storage, bucketName } = configOf(c.env)
  if (storage?.endpoint.kind !== 'local') return c.notFound()
  c.var.state.fields['route'] = `${c.req.method} /s3`
  return serveS3(
    {
      bucket: meteredR2(c.env.LAKE, c.var.state.cost),
      bucketName,
      credentials: {
        bucketName,
        parentAccessKeyId: storage.accessKeyId,
        parentSecretAccessKey: storage.secretAccessKey,
        audience: (request) => [new URL(storage.endpoint.url ?? request.url).host],
      },
      now,
      requestId: c.var.state.requestId,
      report: (cause) => void Object.assign(c.var.state.fields, { failure: errorFields(cause) }),
    },
    c.req.raw,
    rawPath(c.req.raw.url),
  )
}

/** Ready: the settings are complete, the store answers with the schema we expect, and the first tenant exists. */
async function ready(c: AppContext): Promise<Response> {
  let reason: string | null
  try {
    reason = await whatIsMissing(c.env, configOf(c.env), c.var.state.cost)
  } catch (error) {
    logLine(levelOf(c.env), 'error', { requestId: c.var.state.requestId, ...errorFields(error) })
    reason = settingsProblem(error) ?? (error instanceof Error ? error.message : 'the settings are not usable')
  }
  if (reason !== null) c.var.state.fields['message'] = reason
  if (reason !== null) return c.json({ status: 'not ready', reason }, 503)
  return c.json({ status: 'ready', ...(configOf(c.env).isReadOnly ? { 'read-only': true } : {}) })
}

const begun = new WeakSet<Config>()

async function whatIsMissing(env: Cloudflare.Env, config: Config, cost: Cost): Promise<string | null> {
  const store = storeOf(env, cost)
  const readiness = await store.readiness()
  if (!readiness.ready) return readiness.reason
  if (!config.isReadOnly && !begun.has(config)) {
    await begin(env, config, store, cost)
    begun.add(config)
  }
  return null
}

/** Makes the first records of an empty database, and takes up the purges that came with one that was copied. */
async function begin(env: Cloudflare.Env, config: Config, store: Store, cost: Cost): Promise<void> {
  const { bootstrapPassword: password, bucketName, clientLocations } = config
  if (password !== null) await bootstrap(store, { password, bucketName, clientLocations, now: now(), newId })
  const waiting = await store.tenant(DEFAULT_TENANT_ID).purges.pending({ limit: 1 })
  if (waiting.length === 0) return
  cost.durableObjectCalls += 1
  await fromPurgeRunner(PURGE_WAKE_MS_MAX, env.PURGE_RUNNER.getByName(DEFAULT_TENANT_ID).wake(DEFAULT_TENANT_ID))
}

function failure(c: AppContext, error: unknown): Response {
  const { requestId, fields } = c.var.state
  noteFailure(fields, error)
  return errorResponse(error, requestId, c.req.raw.method !== 'HEAD')
}

/** A refusal is logged by its message; a defect, or what has a cause, in full. */
function noteFailure(fields: RequestState['fields'], error: unknown): void {
  const isRefusal = (error instanceof CatalogError || error instanceof OAuthError) && error.cause === undefined
  if (isRefusal) fields['message'] = error.message
  else fields['failure'] = errorFields(error)
}
