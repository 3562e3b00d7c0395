/** Records that are not versioned with the catalog's contents. Ids are UUIDs; times are ISO 8601 UTC. */

export type TenantId = string

export interface Tenant {
  readonly id: TenantId
  readonly name: string
  readonly createdAt: string
}

/**
 * Where a catalog's files live. `bucket` is the name in `s3://bucket/…`; `prefix` is the part of the bucket that
 * belongs to the warehouse, `''` or ending in `/`.
 */
export interface R2Storage {
  readonly kind: 'r2'
  readonly bucket: string
  readonly prefix: string
}

/** What becomes of a location outside the warehouse that a client gives to a table or a view. */
export const CLIENT_LOCATIONS = ['refuse', 'replace'] as const

export type ClientLocations = (typeof CLIENT_LOCATIONS)[number]

/** A storage profile: what Pangolin calls a warehouse. (The `warehouse` parameter of `/v1/config` names a catalog.) */
export interface Warehouse {
  readonly id: string
  readonly name: string
  readonly storage: R2Storage
  /** `refuse` where it is missing. `replace`: the object gets, or keeps, a location of the catalog's own. */
  readonly clientLocations?: ClientLocations
  readonly createdAt: string
}

export interface Catalog {
  readonly id: string
  readonly name: string
  readonly warehouseId: string
  readonly properties: Readonly<Record<string, string>>
  readonly createdAt: string
}

/** Root acts in every tenant; a tenant administrator in his own; a tenant user may do what grants say. */
export type Role = 'root' | 'tenant-admin' | 'tenant-user'

export interface User {
  readonly id: string
  readonly username: string
  readonly role: Role
  /** `pbkdf2-sha256$<iterations>$<salt>$<hash>`, base64url; null for a user who can't log in with a password. */
  readonly passwordHash: string | null
  readonly active: boolean
  readonly createdAt: string
}

/** Grants name objects by id, so a rename takes nothing along and a re-created name inherits nothing. */
export type GrantScope =
  | { readonly type: 'tenant' }
  | { readonly type: 'catalog'; readonly catalogId: string }
  | { readonly type: 'namespace'; readonly catalogId: string; readonly objectId: string }
  | { readonly type: 'asset'; readonly catalogId: string; readonly objectId: string }

export type GrantAction = 'list' | 'read' | 'create' | 'update' | 'delete' | 'write' | 'all'

export interface Grant {
  readonly id: string
  readonly userId: string
  readonly scope: GrantScope
  readonly actions: readonly GrantAction[]
  readonly createdAt: string
}

/**
 * Tokens that no longer count: all of one session, whose `id` this is (the `jti` of the token that began it). Kept until
 * the session would have ended by itself.
 */
export interface RevokedToken {
  readonly id: string
  readonly expiresAt: string
}
