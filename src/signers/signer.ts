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

/** One request to object storage, to be sent as it is: `url` in the form that is signed, `headers` all that are signed. */
export interface RequestToSign {
  readonly method: string
  readonly url: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly nowMs: number
}

/** Signs single requests with the warehouse's own key, which never leaves it. Returns the headers to add. */
export interface RequestSigner {
  sign(request: RequestToSign): Promise<Readonly<Record<string, string>>>
}

/** Statements that a client hands back later; nobody else can make or change one. */
export interface Tickets {
  issue(claims: Readonly<Record<string, unknown>>, nowMs: number, ttlSeconds: number): Promise<string>
  /** What an unexpired ticket says; null for anything else. */
  open(ticket: string, nowMs: number): Promise<Readonly<Record<string, unknown>> | null>
}
