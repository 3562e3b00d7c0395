import type { Principal } from '#authz/evaluate'
import type { R2Storage } from '#domain/records'
import type { ObjectStore } from '#objects/objects'
import type { RequestSigner, Signer, Tickets } from '#signers/signer'
import type { Place, TenantStore } from '#store/store'
import type { AuditRecord, CatalogCommit, FinalAnswer, IdempotencyKey, LogKind, Member } from '#versions/model'
import { checkAnswer } from './idempotency.ts'
import type { MetadataCache } from './metadata-files.ts'

/** What the catalog's services need from outside. Time and ids come from here, so that tests decide them. */
export interface CatalogDeps {
  readonly tenant: TenantStore
  readonly objects: ObjectStore
  readonly metadataCache: MetadataCache
  readonly now: () => Date
  readonly newId: () => string
  /** Runs on after the answer. Nothing may depend on it: it may fail, which is logged, or never end. */
  readonly later: (work: Promise<void>) => void
  /** Waits for a random time of at most `msMax`. */
  readonly pause: (msMax: number) => Promise<void>
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
  /** Of the request, if it has one. */
  readonly idempotency: IdempotencyKey | null
}

/** Where a request acts: the catalog at a branch (or, read-only, at a tag), resolved by the request's one read. */
export type { Place }

export function storageOf(place: Place): R2Storage {
  return place.warehouse.storage
}

/** The identity part of an audit record: everything about the caller, nothing about what he did. And his request's key. */
export interface Actor extends Pick<AuditRecord, 'principalId' | 'principalName' | 'client' | 'requestId' | 'address'> {
  readonly idempotency: IdempotencyKey | null
}

export function actorOf(caller: Caller): Actor {
  return {
    principalId: caller.userId,
    principalName: caller.username,
    client: caller.client,
    requestId: caller.requestId,
    address: caller.address,
    idempotency: caller.idempotency,
  }
}

/** What one caller does. `target` is the dotted name as he said it, `answer` what he is told once it is done. */
export interface Step {
  readonly kind: LogKind
  readonly action: string
  readonly target: string
  readonly targetId: string | null
  readonly message: string
  readonly answer: FinalAnswer
}

/** One caller's part of a commit, under a new id. @throws CatalogError `too-large` for an answer no key can be given to */
export function memberOf(deps: Pick<CatalogDeps, 'newId'>, { idempotency, ...identity }: Actor, step: Step): Member {
  return {
    id: deps.newId(),
    idempotency: idempotency && { ...idempotency, answer: checkAnswer(step.answer) },
    log: { kind: step.kind, author: identity.principalName, message: step.message },
    audit: {
      ...identity,
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
  step: Step,
  {
    changes,
    checks = [],
    purges = [],
  }: Pick<CatalogCommit, 'changes'> & Partial<Pick<CatalogCommit, 'checks' | 'purges'>>,
): CatalogCommit {
  const member = memberOf(deps, actorOf(caller), step)
  return { branchId: place.branch.id, at: deps.now().toISOString(), members: [member], changes, checks, purges }
}
