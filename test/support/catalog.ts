import { Hono } from 'hono'
import { exportJWK, generateKeyPair } from 'jose'
import { tokenAuthority } from '#authn/tokens'
import type { TableState } from '#catalog/create-table'
import type { CatalogDeps } from '#catalog/deps'
import { tableLane, type TableLane } from '#catalog/lane'
import { metadataCache } from '#catalog/metadata-files'
import type { ClientLocations, GrantAction, GrantScope, Role } from '#domain/records'
import { errorResponse } from '#http/errors'
import { icebergRoutes } from '#http/iceberg/routes'
import { managementRoutes } from '#http/management/routes'
import { refusalBudget } from '#http/refusal-budget'
import { honoPath, rawPath, rawQuery } from '#http/path'
import type { RequestDeps } from '#http/serve'
import type { ObjectStore } from '#objects/objects'
import { r2Signer } from '#signers/r2'
import { requestSigner } from '#signers/requests'
import type { Signer } from '#signers/signer'
import { tickets } from '#signers/tickets'
import { memoryStore } from '#store/memory/memory'
import type { Store } from '#store/store'
import { memoryObjects, type MemoryObjects } from './objects.ts'

/** Somebody with a token. */
export interface Person {
  readonly id: string
  readonly token: string
}

export interface Answer {
  readonly status: number
  readonly text: string
  // oxlint-disable-next-line typescript/no-explicit-any -- what a client sees is JSON of any shape
  readonly json: any
  readonly headers: Headers
}

/** The Iceberg routes on the memory store and an object store in memory: everything but the wiring of the Worker. */
export interface TestCatalog {
  readonly store: Store
  readonly objects: MemoryObjects
  readonly admin: Person
  readonly tenantId: string
  readonly catalogId: string
  person(role: Role, ...grants: { scope: GrantScope; actions: GrantAction[] }[]): Promise<Person>
  call(
    person: Person | null,
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer>
  /** Loses what an evicted isolate loses: cached metadata and lanes. */
  evict(): void
  /** A second tenant with the same names in the same store, in bucket `lake2`, and its administrator. */
  neighbour(): Promise<TestCatalog>
}

const authority = generateKeyPair('ES256', { extractable: true }).then(async ({ privateKey }) =>
  tokenAuthority({
    jwks: JSON.stringify({ keys: [{ ...(await exportJWK(privateKey)), kid: 'test', alg: 'ES256' }] }),
    issuer: 'pangolin',
    audience: 'pangolin',
  }),
)

const SIGNER = r2Signer({
  accountId: 'local',
  parentAccessKeyId: 'parent',
  parentSecretAccessKey: 'parent-secret',
  endpointHost: 'catalog.test',
})

/** Opens a tenant with catalog `demo` in warehouse `s3://lake/`. The ports can be replaced to inject faults. */
export async function openCatalog(
  ports: {
    store?: Store
    objects?: ObjectStore
    files?: MemoryObjects
    bucket?: string
    prefix?: string
    clientLocations?: ClientLocations
    now?: () => Date
    pause?: CatalogDeps['pause']
    signer?: (real: Signer) => Signer
    callLane?: <T>(run: () => Promise<T>) => Promise<T>
    wakePurge?: () => Promise<void>
  } = {},
): Promise<TestCatalog> {
  const store = ports.store ?? memoryStore()
  const objects = ports.files ?? memoryObjects()
  const tokens = await authority
  const at = new Date().toISOString()
  const [tenantId, warehouseId, catalogId, adminId] = [uuid(), uuid(), uuid(), uuid()]
  await store.bootstrap({
    tenant: { id: tenantId, name: tenantId, createdAt: at },
    warehouse: {
      id: warehouseId,
      name: 'local',
      storage: { kind: 'r2', bucket: ports.bucket ?? 'lake', prefix: ports.prefix ?? '' },
      ...(ports.clientLocations ? { clientLocations: ports.clientLocations } : {}),
      createdAt: at,
    },
    catalog: { id: catalogId, name: 'demo', warehouseId, properties: {}, createdAt: at },
    branch: { id: uuid(), catalogId, name: 'main', state: 'open', headSeq: 0, ancestors: [] },
    user: { id: adminId, username: 'admin', role: 'root', passwordHash: null, active: true, createdAt: at },
  })
  const tenant = store.tenant(tenantId)
  const refusals = refusalBudget()
  const lanes = new Map<string, TableLane>()
  let cache = metadataCache()

  const app = new Hono({ getPath: (request) => rawPath(request.url) })
  const routes = [...icebergRoutes, ...managementRoutes]
  const afterAnswer: Promise<void>[] = []
  for (const path of new Set(routes.map((route) => route.path)))
    app.all(honoPath(path), async (c) => {
      const route = routes.find((each) => each.path === path && each.method === c.req.raw.method)
      if (!route) return c.text('', 405)
      return route.serve(c.req.raw, rawPath(c.req.raw.url), rawQuery(c.req.raw.url), deps())
    })
  app.onError((error, c) => errorResponse(error, 'test', c.req.raw.method !== 'HEAD'))

  function deps(): RequestDeps {
    const services: CatalogDeps = {
      tenant,
      objects: ports.objects ?? objects,
      metadataCache: cache,
      now: ports.now ?? (() => new Date()),
      newId: uuid,
      later: (work) => void afterAnswer.push(work.catch(() => undefined)),
      pause: ports.pause ?? (async () => undefined),
    }
    return {
      requestId: 'test',
      address: '127.0.0.1',
      authenticate: (headers) => tokens.verify((headers.get('authorization') ?? '').replace('Bearer ', ''), new Date()),
      tenant: (claims) => store.tenant(claims.tenantId),
      services: () => ({
        deps: services,
        vending: {
          signer: ports.signer?.(SIGNER) ?? SIGNER,
          requests: requestSigner({ accessKeyId: 'parent', secretAccessKey: 'parent-secret', region: 'auto' }),
          tickets: tickets('parent-secret'),
          endpoint: 'http://catalog.test/s3',
          region: 'auto',
        },
      }),
      async commit(_, __, request) {
        const lane = lanes.get(request.entry.objectId) ?? tableLane()
        lanes.set(request.entry.objectId, lane)
        const run = (): Promise<TableState> => lane.commit(services, request)
        return ports.callLane ? ports.callLane(run) : run()
      },
      purgeSoon: async () => ports.wakePurge?.(),
      refusals,
      closed: null,
      now: services.now,
      log: () => undefined,
    }
  }

  async function tokenOf(userId: string): Promise<Person> {
    const issuedAt = new Date()
    const expiresAt = new Date(issuedAt.getTime() + 3_600_000)
    return { id: userId, token: await tokens.issue({ tenantId, userId, tokenId: uuid() }, { issuedAt, expiresAt }) }
  }

  return {
    store,
    objects,
    tenantId,
    catalogId,
    admin: await tokenOf(adminId),
    async person(role, ...grants) {
      const id = uuid()
      await tenant.users.create({ id, username: id, role, passwordHash: null, active: true, createdAt: at })
      for (const grant of grants) await tenant.grants.create({ id: uuid(), userId: id, ...grant, createdAt: at })
      return tokenOf(id)
    },
    async call(person, method, path, body, headers = {}) {
      const request = new Request(`http://catalog.test${path}`, {
        method,
        headers: { ...(person ? { authorization: `Bearer ${person.token}` } : {}), ...headers },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      const response = await app.fetch(request)
      const text = await response.text()
      await Promise.all(afterAnswer.splice(0))
      const isJson = response.headers.get('content-type')?.includes('json') ?? false
      return {
        status: response.status,
        text,
        json: isJson && text ? JSON.parse(text) : null,
        headers: response.headers,
      }
    },
    evict() {
      cache = metadataCache()
      lanes.clear()
    },
    neighbour: () => openCatalog({ ...ports, store, files: objects, bucket: 'lake2' }),
  }
}

function uuid(): string {
  return crypto.randomUUID()
}

/** The smallest table: one optional column. */
export const SIMPLE_SCHEMA = {
  type: 'struct',
  fields: [{ id: 1, name: 'id', type: 'long', required: false }],
}
