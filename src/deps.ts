import type { Caller, CatalogDeps, Vending } from '#catalog/deps'
import { metadataCache, type MetadataCache } from '#catalog/metadata-files'
import type { R2Storage } from '#domain/records'
import { CatalogError } from '#domain/errors'
import { recent, type Recent } from '#domain/recent'
import { r2Objects } from '#objects/r2'
import { r2Signer } from '#signers/r2'
import { requestSigner } from '#signers/requests'
import { reusingSigner } from '#signers/reusing'
import type { Signer } from '#signers/signer'
import { tickets } from '#signers/tickets'
import { newMemory } from '#store/mongo/log'
import { mongoStore } from '#store/mongo/mongo'
import { d1Store } from '#store/sql/d1'
import { neonDatabase } from '#store/sql/postgres/neon'
import { postgresStore } from '#store/sql/postgres/postgres'
import { tcpDatabase } from '#store/sql/postgres/tcp'
import type { Store, TenantStore } from '#store/store'
import { configOf, type Config, type DatabaseConfig } from './config.ts'
import { OBJECT_CALL_MS_MAX } from './limits.ts'
import { errorFields, logLine } from './log.ts'
import { meteredD1, meteredR2, meteredSql, type Cost } from './meter.ts'
import { mongoVerbsOf } from './mongo-verbs.ts'
import { readOnly } from './read-only.ts'
import { tellingCommits } from './telling-commits.ts'
import { impatient } from './time-limits.ts'

export const now = (): Date => new Date()
export const newId = (): string => crypto.randomUUID()
const pause = (msMax: number): Promise<void> =>
  new Promise((resolve) => void setTimeout(resolve, Math.random() * msMax))

/** R2 accepts any region in a signature; `auto` is its own name for it. */
const R2_REGION = 'auto'

const sharedMetadata = metadataCache()

const sharedMemory = newMemory()

/** The store this deployment uses; its calls are counted into `cost`. */
export type OpenStore = (cost: Cost) => Store

/**
 * Opens the store for one request or one Durable Object, which share no connections with others. Nothing is connected
 * before it is used.
 */
export function openStore(env: Cloudflare.Env): OpenStore {
  const { database, isReadOnly } = configOf(env)
  const open = openDatabase(env, database)
  return isReadOnly ? (cost) => readOnly(open(cost)) : open
}

function openDatabase(env: Cloudflare.Env, database: DatabaseConfig): OpenStore {
  if (database.kind === 'd1') return (cost) => d1Store(meteredD1(env.DB, cost))
  if (database.kind === 'mongo') return (cost) => mongoStore(mongoVerbsOf(env, cost), { newId, memory: sharedMemory })
  const { transport, connectionString } = database
  const db = transport === 'tcp' ? tcpDatabase(connectionString) : neonDatabase(connectionString, null)
  return (cost) => postgresStore(meteredSql(db, cost))
}

/** The store of one request. */
export function storeOf(env: Cloudflare.Env, cost: Cost): Store {
  return openStore(env)(cost)
}

/** Work that goes on after the answer, for as long as the platform lets it; that it failed is in the log, with `fields`. */
export function afterAnswer(
  context: { waitUntil(work: Promise<unknown>): void },
  env: Cloudflare.Env,
  fields: Readonly<Record<string, unknown>>,
): CatalogDeps['later'] {
  return (work) =>
    context.waitUntil(
      work.catch((error: unknown) =>
        logLine(configOf(env).logLevel, 'warn', { ...fields, afterAnswer: errorFields(error) }),
      ),
    )
}

/** What the catalog's services need for one tenant and one warehouse. */
export function catalogDeps(
  env: Cloudflare.Env,
  cost: Cost,
  scope: {
    readonly tenantId: Caller['tenantId']
    readonly tenant: TenantStore
    readonly storage: R2Storage
    readonly later: CatalogDeps['later']
    /** What the log says of whoever this is for. */
    readonly fields: Readonly<Record<string, unknown>>
  },
): CatalogDeps {
  if (scope.storage.bucket !== env.LAKE_BUCKET)
    throw new CatalogError('unavailable', `The bucket '${scope.storage.bucket}' is not bound to this deployment`)
  return {
    tenant: tellingCommits(scope.tenant, (more) =>
      logLine(configOf(env).logLevel, 'warn', { ...scope.fields, ...more }),
    ),
    objects: impatient(r2Objects(meteredR2(env.LAKE, cost)), OBJECT_CALL_MS_MAX),
    metadataCache: tenantMetadata(scope.tenantId),
    now,
    newId,
    later: scope.later,
    pause,
  }
}

/** Clients reach a deployment under few names; each has a signer of its own, because a credential names its endpoint. */
const ENDPOINTS_REMEMBERED_MAX = 8

const vendings = new WeakMap<Config, Recent<Vending>>()

/** How this deployment vends credentials; `origin` is where the client reached it. Null: no access key is configured. */
export function vendingOf(config: Config, origin: string): Vending | null {
  const { storage } = config
  if (!storage) return null
  const known = vendings.get(config) ?? recent<Vending>(ENDPOINTS_REMEMBERED_MAX)
  vendings.set(config, known)
  const endpoint = storage.endpoint.url ?? `${origin}/s3`
  const vending = known.get(endpoint) ?? {
    signer: signerFor(storage, endpoint),
    requests: requestSigner({ ...storage, region: R2_REGION }),
    tickets: tickets(storage.secretAccessKey),
    endpoint,
    region: R2_REGION,
  }
  known.set(endpoint, vending)
  return vending
}

function signerFor(storage: NonNullable<Config['storage']>, endpoint: string): Signer {
  const parent = {
    accountId: storage.accountId,
    parentAccessKeyId: storage.accessKeyId,
    parentSecretAccessKey: storage.secretAccessKey,
    endpointHost: new URL(endpoint).host,
  }
  return reusingSigner(r2Signer(parent))
}

function tenantMetadata(tenantId: string): MetadataCache {
  return {
    get: (uri, sha256) => sharedMetadata.get(`${tenantId} ${uri}`, sha256),
    set: (uri, sha256, text) => sharedMetadata.set(`${tenantId} ${uri}`, sha256, text),
  }
}
