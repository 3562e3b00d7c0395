import type { ValidatedLocation } from '#domain/location'

/** What a credential may do below its prefixes. A reader's can neither write nor delete. */
export type StorageAccess = 'read' | 'read-write'

/** `expiresAtMs` is Unix time in milliseconds. */
export interface StorageCredential {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
  readonly expiresAtMs: number
}

/** Makes short-lived credentials that open the given folders and nothing else. */
export interface Signer {
  sign(input: {
    readonly folders: readonly [ValidatedLocation, ...ValidatedLocation[]]
    readonly access: StorageAccess
    readonly nowMs: number
    readonly ttlSeconds: number
  }): Promise<StorageCredential>
}
