import { hashPassword } from '#authn/passwords'
import type { ClientLocations } from '#domain/records'
import type { Bootstrap, Store } from '#store/store'

/** The tenant of the first start; Pangolin's id for it, so that its clients need not name one. */
export const DEFAULT_TENANT_ID = '00000000-0000-0000-0000-000000000000'

const WAREHOUSE = 'local'

/**
 * Makes tenant `default` with warehouse `local` (all of the bound bucket), catalog `demo` and user `admin` (root), unless
 * the tenant exists: then it only sets what the warehouse does about client-given locations, if `clientLocations` says it.
 * Two isolates doing it at once make one.
 */
export async function bootstrap(
  store: Store,
  input: {
    readonly password: string
    readonly bucketName: string
    /** Null: as the warehouse has it. */
    readonly clientLocations: ClientLocations | null
    readonly now: Date
    readonly newId: () => string
  },
): Promise<boolean> {
  const createdAt = input.now.toISOString()
  const [warehouseId, catalogId] = [input.newId(), input.newId()]
  const first: Bootstrap = {
    tenant: { id: DEFAULT_TENANT_ID, name: 'default', createdAt },
    warehouse: {
      id: warehouseId,
      name: WAREHOUSE,
      storage: { kind: 'r2', bucket: input.bucketName, prefix: '' },
      ...(input.clientLocations ? { clientLocations: input.clientLocations } : {}),
      createdAt,
    },
    catalog: { id: catalogId, name: 'demo', warehouseId, properties: {}, createdAt },
    branch: { id: input.newId(), catalogId, name: 'main', state: 'open', headSeq: 0, ancestors: [] },
    user: {
      id: input.newId(),
      username: 'admin',
      role: 'root',
      passwordHash: await hashPassword(input.password, crypto.getRandomValues(new Uint8Array(16))),
      active: true,
      createdAt,
    },
  }
  if (await store.bootstrap(first)) return true
  if (input.clientLocations) await setClientLocations(store, input.clientLocations)
  return false
}

async function setClientLocations(store: Store, clientLocations: ClientLocations): Promise<void> {
  const { warehouses } = store.tenant(DEFAULT_TENANT_ID)
  const local = await warehouses.byName(WAREHOUSE)
  if (local && (local.clientLocations ?? 'refuse') !== clientLocations)
    await warehouses.update({ ...local, clientLocations })
}
