import type { Principal } from '#authz/evaluate'
import type { R2Storage } from '#domain/records'
import type { ObjectStore } from '#objects/objects'
import type { RequestSigner, Signer, Tickets } from '#signers/signer'
import type { Place, TenantStore } from '#store/store'
import type { AuditRecord, CatalogCommit, LogKind, Member } from '#versions/model'
import type { MetadataCache } from './metadata-files.ts'

/** What the catalog's services need from outside. Time and ids come from here, so that tests decide them. */
export interface CatalogDeps {
  readonly tenant: TenantStore
  readonly objects: ObjectStore
  readonly metadataCache: MetadataCache
  readonly now: () => Date
  readonly newId: () => string
}

/** How engines reach a warehouse's storage: null where this deployment can't sign for it. */
export interface Vending {
  readonly signer: Signer
  /** Signs single requests for clients that get no credential. */
  readonly requests: RequestSigner
  /** Name what was staged for a client and is stored nowhere. */
  readonly tickets: Tickets
  /** URL of the S3 endpoint, with scheme. */
  readonly endpoint: string
  readonly region: string
}

/** The authenticated caller of one request, with what audit wants to know of it. */
export interface Caller extends Principal {
  readonly tenantId: string
  readonly userId: string
  readonly username: string
  readonly client: string | null
  readonly requestId: string
  readonly address: string | null
}

/** Where a request acts: the catalog at a branch (or, read-only, at a tag), resolved by the request's one read. */
export type { Place }

export function storageOf(place: Place): R2Storage {
  return place.warehouse.storage
}

/** The identity part of an audit record: everything about the caller, nothing about what he did. */
export type Actor = Pick<AuditRecord, 'principalId' | 'principalName' | 'client' | 'requestId' | 'address'>

export function actorOf(caller: Caller): Actor {
  return {
    principalId: caller.userId,
    principalName: caller.username,
    client: caller.client,
    requestId: caller.requestId,
    address: caller.address,
  }
}

/** One caller's part of a commit, under a new id. `target` is the dotted name as the caller said it. */
export function memberOf(
  deps: Pick<CatalogDeps, 'newId'>,
  actor: Actor,
  step: { kind: LogKind; action: string; target: string; targetId: string | null; message: string },
): Member {
  return {
    id: deps.newId(),
    idempotencyKey: null,
    log: { kind: step.kind, author: actor.principalName, message: step.message },
    audit: {
      ...actor,
      action: step.action,
      target: step.target,
      targetId: step.targetId,
      message: step.message,
      result: 'success',
    },
  }
}

/** A commit of one caller's one step at the head of the request's branch. */
export function commitOf(
  deps: Pick<CatalogDeps, 'newId' | 'now'>,
  caller: Caller,
  place: Place,
  step: Parameters<typeof memberOf>[2],
  {
    changes,
    checks = [],
    purges = [],
  }: Pick<CatalogCommit, 'changes'> & Partial<Pick<CatalogCommit, 'checks' | 'purges'>>,
): CatalogCommit {
  const member = memberOf(deps, actorOf(caller), step)
  return { branchId: place.branch.id, at: deps.now().toISOString(), members: [member], changes, checks, purges }
}
