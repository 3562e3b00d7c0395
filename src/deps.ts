import type { Caller, CatalogDeps, Vending } from '#catalog/deps'
import { metadataCache, type MetadataCache } from '#catalog/metadata-files'
import type { R2Storage } from '#domain/records'
import { CatalogError } from '#domain/errors'
import { r2Objects } from '#objects/r2'
import { r2Signer } from '#signers/r2'
import { d1Store } from '#store/sql/d1'
import type { Store, TenantStore } from '#store/store'
import type { Config } from './config.ts'
import { meteredD1, meteredR2, type Cost } from './meter.ts'

export const now = (): Date => new Date()
export const newId = (): string => crypto.randomUUID()

/** R2 accepts any region in a signature; `auto` is its own name for it. */
const R2_REGION = 'auto'

const sharedMetadata = metadataCache()

/** The store this deployment uses; its calls are counted into `cost`. */
export function storeOf(env: Cloudflare.Env, cost: Cost): Store {
  return d1Store(meteredD1(env.DB, cost))
}

/** What the catalog's services need for one tenant and one warehouse. */
export function catalogDeps(
  env: Cloudflare.Env,
  cost: Cost,
  scope: { tenantId: Caller['tenantId']; tenant: TenantStore; storage: R2Storage },
): CatalogDeps {
  if (scope.storage.bucket !== env.LAKE_BUCKET)
    throw new CatalogError('unavailable', `The bucket '${scope.storage.bucket}' is not bound to this deployment`)
  return {
    tenant: scope.tenant,
    objects: r2Objects(meteredR2(env.LAKE, cost)),
    metadataCache: tenantMetadata(scope.tenantId),
    now,
    newId,
  }
}

/** How this deployment vends credentials; `origin` is where the client reached it. Null: no access key is configured. */
export function vendingOf(config: Config, origin: string): Vending | null {
  const { storage } = config
  if (!storage) return null
  const endpoint = storage.endpoint.url ?? `${origin}/s3`
  const signer = r2Signer({
    accountId: storage.accountId,
    parentAccessKeyId: storage.accessKeyId,
    parentSecretAccessKey: storage.secretAccessKey,
    endpointHost: new URL(endpoint).host,
  })
  return { signer, endpoint, region: R2_REGION }
}

function tenantMetadata(tenantId: string): MetadataCache {
  return {
    get: (uri) => sharedMetadata.get(`${tenantId} ${uri}`),
    set: (uri, text) => sharedMetadata.set(`${tenantId} ${uri}`, text),
  }
}
