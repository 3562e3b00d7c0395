import { hashPassword } from '#authn/passwords'
import type { Bootstrap, Store } from '#store/store'

/** The tenant of the first start; Pangolin's id for it, so that its clients need not name one. */
export const DEFAULT_TENANT_ID = '00000000-0000-0000-0000-000000000000'

/**
 * Makes tenant `default` with warehouse `local` (all of the bound bucket), catalog `demo` and user `admin` (root), unless
 * the tenant exists. Two isolates doing it at once make one.
 */
export async function bootstrap(
  store: Store,
  input: { readonly password: string; readonly bucketName: string; readonly now: Date; readonly newId: () => string },
): Promise<boolean> {
  const createdAt = input.now.toISOString()
  const [warehouseId, catalogId] = [input.newId(), input.newId()]
  const first: Bootstrap = {
    tenant: { id: DEFAULT_TENANT_ID, name: 'default', createdAt },
    warehouse: {
      id: warehouseId,
      name: 'local',
      storage: { kind: 'r2', bucket: input.bucketName, prefix: '' },
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
  return store.bootstrap(first)
}
