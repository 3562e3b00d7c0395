import type { ErrorKind } from '#domain/errors'

/**
 * The catalog as a versioned map: what is stored, and the one operation that changes it. Plain data, no behaviour;
 * `lineage.ts` says how a key is read, the stores make `commit` atomic.
 */

/** `to_seq` of a row that is still current; also the bound of a read at the head. 2^53 - 1. */
export const OPEN_SEQ = Number.MAX_SAFE_INTEGER

/** A branch up to and including a position of its log. */
export interface Bound {
  readonly branchId: string
  readonly seq: number
}

/** Where a read looks, nearest first: `[(branch, OPEN_SEQ or a bound), (parent, fork seq), …]`. */
export type Lineage = readonly Bound[]

/**
 * `lineage` is what the branch reads below itself: its ancestors, nearest first, each up to the fork. It is fixed when
 * the branch is made and never changes. `headSeq` is the last log position; 0 before the first commit of the branch.
 */
export interface Branch {
  readonly id: string
  readonly catalogId: string
  readonly name: string
  readonly state: 'open' | 'closed'
  readonly headSeq: number
  readonly ancestors: Lineage
}

/** A name for a position of a branch. Reading a tag is reading its branch with another bound. */
export interface CatalogTag {
  readonly id: string
  readonly catalogId: string
  readonly name: string
  readonly at: Bound
}

/** `namespace` is the stored path (`namespacePath`); a child namespace is a row whose namespace is its parent. */
export interface Key {
  readonly class: 'namespace' | 'asset'
  readonly namespace: string
  readonly name: string
}

export type AssetKind = 'namespace' | 'table' | 'view'

/** What listings and searches show of a table without reading its metadata. Ids are decimal text: they have 63 bits. */
export interface EntrySummary {
  readonly tableUuid?: string
  readonly formatVersion?: number
  readonly currentSnapshotId?: string
  readonly currentSchemaId?: number
  /**
   * SHA-256 of the metadata file's text, base64url. Whoever may write the table's files could also overwrite its metadata;
   * a file that no longer is what was committed is refused.
   */
  readonly metadataSha256?: string
}

/** The value of the map. `objectId` is stable across renames, branches and merges. */
export interface EntryValue {
  readonly objectId: string
  readonly kind: AssetKind
  /** The table's or view's metadata file; null for a namespace. */
  readonly metadataLocation: string | null
  /**
   * The folders a table's files live in, in canonical form ending in `/` (`domain/location.ts`): its location first, then
   * `write.data.path` and the like where they lie elsewhere. Empty for a namespace. None of them may be, hold or lie in a
   * folder of a pending purge, or of what is shown of another object: at the head of any open branch of the tenant, at a
   * tag, or on what either rests on up to its fork. The commit that would make it so is refused as `overlap`. What only a
   * closed branch has is in nobody's way. A purge of the object itself stands in the way only where the commit brings the
   * object back: a branch that still shows it goes on, and the purge waits. Indexed one by one.
   */
  readonly locations: readonly string[]
  /** A namespace's properties; empty for tables, whose properties are in their metadata. */
  readonly properties: Readonly<Record<string, string>>
  readonly summary: EntrySummary
}

/** A row: a value, valid on its branch for `fromSeq <= seq < toSeq`. `rev` is the id of the commit that wrote it. */
export interface Entry extends EntryValue, Key {
  readonly branchId: string
  readonly rev: string
  readonly fromSeq: number
  readonly toSeq: number
}

/** Moves one key. `expect` is the `rev` the key must have, resolved through the lineage, or null for "absent". */
export interface Change {
  readonly key: Key
  readonly expect: string | null
  /** Null closes the key: a drop. */
  readonly next: EntryValue | null
  /**
   * Folders of `next` that are refused (as `overlap`) also if *any* row of another object ever used them: what a dropped
   * table left behind is not to be had by whoever names its old location. Absent: former rows don't matter.
   */
  readonly unusedBefore?: readonly string[]
}

/**
 * What must hold without being changed: a key that exists (as the object `objectId`, if that is given), a namespace (its
 * stored path) without any content, or a metadata file that was not given up (`HistoryStore.trim`). It is looked at before
 * the commit's own changes. Whatever points at a metadata file that it did not write, and that is not what the key shows
 * already, checks `untrimmed`.
 */
export type Check =
  | { readonly exists: Key; readonly objectId?: string }
  | { readonly empty: string }
  | { readonly untrimmed: string }

export type LogKind = 'create' | 'update' | 'replace' | 'register' | 'rename' | 'drop' | 'purge' | 'merge' | 'revert'

/** What history shows of one caller's part in a commit. */
interface LogRecord {
  readonly kind: LogKind
  readonly author: string
  readonly message: string
}

/** Who did what, from where, with which result. Kept for every member of a commit. */
export interface AuditRecord {
  readonly principalId: string
  readonly principalName: string
  readonly client: string | null
  readonly requestId: string
  readonly address: string | null
  readonly action: string
  /** Dotted name as the caller said it, and the object's id. */
  readonly target: string
  readonly targetId: string | null
  readonly message: string
  readonly result: 'success' | 'failure'
}

/**
 * The name a client gave one request, so that it is done once however often it is sent. `key` is bound to the caller;
 * `fingerprint` says what the request was: the same key under another one is a mistake of the client's.
 */
export interface IdempotencyKey {
  readonly key: string
  readonly fingerprint: string
}

/**
 * What a request was answered, for good. Metadata is not kept: its file says it. `error` is only ever the answer of a
 * request that changed nothing.
 */
export type FinalAnswer =
  | { readonly kind: 'none' }
  | { readonly kind: 'json'; readonly text: string }
  | MetadataAnswer
  | { readonly kind: 'error'; readonly error: ErrorKind; readonly message: string }

/** A table's or view's metadata as the request left it, with the hash its row had (see {@link EntrySummary}). */
export interface MetadataAnswer {
  readonly kind: 'table' | 'view'
  readonly objectId: string
  readonly metadataLocation: string
  readonly metadataSha256: string | null
}

/** A request that is over, and its answer. `at` is when that was, ISO 8601 UTC. */
export interface IdempotencyRecord extends IdempotencyKey {
  readonly answer: FinalAnswer
  readonly at: string
}

/**
 * One caller's part of a commit. `id` (a UUID) is what the outcome is looked up by; it is used once. So is the key of
 * `idempotency`, which is recorded with the answer in the very commit that makes the answer true.
 */
export interface Member {
  readonly id: string
  readonly idempotency: Omit<IdempotencyRecord, 'at'> | null
  readonly log: LogRecord
  readonly audit: AuditRecord
}

/** Files to delete once nothing names them any more; recorded in the commit that dropped the table. */
export interface PurgeRequest {
  readonly id: string
  readonly objectId: string
  readonly warehouseId: string
  readonly metadataLocation: string
  /** Canonical locations, each ending in `/`, outside which nothing is deleted. */
  readonly locations: readonly string[]
}

/** One atomic step of a branch: all of it, or none. `at` is the commit's time, ISO 8601 UTC. */
export interface CatalogCommit {
  readonly branchId: string
  readonly at: string
  readonly members: readonly Member[]
  readonly changes: readonly Change[]
  readonly checks: readonly Check[]
  readonly purges: readonly PurgeRequest[]
  /** Nothing else happened on the branch since this position. */
  readonly expectHead?: number
}

/** A commit as history keeps it. `ids[0]` is the `rev` of the rows it wrote. */
export interface LogEntry {
  readonly branchId: string
  readonly seq: number
  readonly at: string
  readonly ids: readonly string[]
  readonly records: readonly LogRecord[]
  readonly changes: readonly Change[]
}
