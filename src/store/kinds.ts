import type { Catalog, Grant, RevokedToken, Tenant, User, Warehouse } from '#domain/records'
import { storageFolder } from './storage.ts'
import type { EntityStore, TenantStore } from './store.ts'

/** The plain records, by the word they are stored under. */
export interface RecordKinds {
  readonly tenant: Tenant
  readonly warehouse: Warehouse
  readonly catalog: Catalog
  readonly user: User
  readonly grant: Grant
  readonly 'revoked-token': RevokedToken
}

export type RecordKind = keyof RecordKinds

/** What stores index of a record besides its id. */
interface Indexed<T> {
  /** Unique within tenant and kind; null for records without a name. */
  readonly name: (record: T) => string | null
  /** The id of the record it belongs to: records are found by it. */
  readonly owner: (record: T) => string | null
  /** The folder that no other tenant's warehouse may be, hold or lie in; null for what is no warehouse. */
  readonly folder: (record: T) => string | null
}

const none = (): null => null

export const RECORD_KINDS: { readonly [K in RecordKind]: Indexed<RecordKinds[K]> } = {
  tenant: { name: (tenant) => tenant.name, owner: none, folder: none },
  warehouse: { name: (warehouse) => warehouse.name, owner: none, folder: ({ storage }) => storageFolder(storage) },
  catalog: { name: (catalog) => catalog.name, owner: (catalog) => catalog.warehouseId, folder: none },
  user: { name: (user) => user.username, owner: none, folder: none },
  grant: { name: none, owner: (grant) => grant.userId, folder: none },
  'revoked-token': { name: none, owner: none, folder: none },
}

/** A tenant's stores of records, each of them as `of` makes it. */
export function recordStores(
  of: <K extends RecordKind>(kind: K) => EntityStore<RecordKinds[K]>,
): Pick<TenantStore, 'warehouses' | 'catalogs' | 'users' | 'grants' | 'revokedTokens'> {
  return {
    warehouses: of('warehouse'),
    catalogs: of('catalog'),
    users: of('user'),
    grants: of('grant'),
    revokedTokens: of('revoked-token'),
  }
}
