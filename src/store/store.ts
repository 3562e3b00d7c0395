import type { Catalog, Grant, RevokedToken, Tenant, TenantId, User, Warehouse } from '#domain/records'
import type {
  AuditRecord,
  Bound,
  Branch,
  CatalogCommit,
  CatalogTag,
  Entry,
  IdempotencyRecord,
  Key,
  LogEntry,
  PurgeRequest,
} from '#versions/model'

/**
 * The catalog database. It is entered through the tenant: `tenant(id)` returns everything for that tenant, and none of
 * its methods takes a tenant, so it can be neither forgotten nor taken from a body. Every implementation runs
 * `test/contract/`; `memory` is the model the others are compared with.
 */
export interface Store {
  tenant(id: TenantId): TenantStore
  /**
   * Creates a tenant with its first records in one step. False, and nothing changed, if the tenant exists.
   * @throws CatalogError `already-exists`, and nothing changed, if the warehouse is, holds or lies in another tenant's
   */
  bootstrap(first: Bootstrap): Promise<boolean>
  /** Answers a cheap query and knows the schema it expects. The sentence says what is wrong and what to do. */
  readiness(): Promise<Readiness>
}

export type Readiness = { readonly ready: true } | { readonly ready: false; readonly reason: string }

export interface Bootstrap {
  readonly tenant: Tenant
  readonly warehouse: Warehouse
  readonly catalog: Catalog
  readonly branch: Branch
  readonly user: User
}

export interface TenantStore {
  /** Everything one request needs, in one round trip and from one state of the database. */
  read(query: ReadQuery): Promise<ReadResult>

  /**
   * The one write to what catalogs contain: all of it or nothing. It never throws for a lost race. Of several reasons not
   * to commit it answers the first, in the order of {@link CommitOutcome}.
   * @throws CatalogError `too-large`, `bad-request` for what no store could keep (`versions/check-commit.ts`);
   *   `unavailable` if the database takes no writes (its disk is full, it is a replica): nothing was changed
   */
  commit(commit: CatalogCommit): Promise<CommitOutcome>

  /**
   * "Did my commit land?", asked so that the answer stays true: unless the id is already committed it is made void, and a
   * void id never lands afterwards, also when the delayed commit arrives later.
   * @throws when the store cannot be asked: the outcome is unknown and nothing may be deleted.
   */
  settle(commitId: string): Promise<Settled>

  readonly idempotency: IdempotencyStore
  readonly branches: BranchStore
  readonly history: HistoryStore
  readonly purges: PurgeStore
  readonly metrics: MetricsStore
  /**
   * Tenants never share storage: `create` and `update` refuse, before anything else, a warehouse whose bucket and prefix
   * are, hold or lie in those of another tenant's. Warehouses of one tenant may overlap.
   * @throws CatalogError `already-exists`, which doesn't name the other; `bad-request` for a prefix that is no folder
   */
  readonly warehouses: EntityStore<Warehouse>
  readonly catalogs: EntityStore<Catalog>
  readonly users: EntityStore<User>
  readonly grants: EntityStore<Grant>
  readonly revokedTokens: EntityStore<RevokedToken>
}

/** Where to read: a catalog by name at a branch or tag by name, or a branch by id (for whoever has resolved it before). */
export type ReadAt =
  | { readonly catalog: string; readonly ref: string }
  | { readonly branchId: string; readonly seq?: number }

export interface ReadQuery {
  readonly caller?: { readonly userId: string; readonly tokenId: string }
  readonly at?: ReadAt
  /** Looked up at `at`; answers come in the same order. */
  readonly keys?: readonly Key[]
  readonly page?: PageQuery
  readonly idempotencyKey?: string
}

/** A page of one namespace, by name. `after` is the last name of the page before: keyset, never an offset. */
export interface PageQuery {
  readonly class: Key['class']
  readonly namespace: string
  readonly kind: Entry['kind']
  readonly after?: string | undefined
  readonly limit: number
}

export interface ReadResult {
  /** Present if `caller` was asked for. `user` is null if there is none. Grants are the user's, all of them. */
  readonly caller?: { readonly user: User | null; readonly grants: readonly Grant[]; readonly revoked: boolean }
  /** Present if `at` was asked for: null if there is no such catalog, branch or tag. */
  readonly place?: Place | null
  /** One per key of the query; null where the key is absent. Empty if the place is null. */
  readonly entries: readonly (Entry | null)[]
  /** `next` is there if more may follow; a page may be short and still have a `next`. */
  readonly page?: { readonly entries: readonly Entry[]; readonly next?: string }
  /** Present if `idempotencyKey` was asked for: what it stands for, or null, in the same state as everything else. */
  readonly idempotency?: IdempotencyRecord | null
}

/** `seq` is the bound the read used: OPEN_SEQ at a branch's head, a tag's position at a tag (then read-only). */
export interface Place {
  readonly catalog: Catalog
  readonly warehouse: Warehouse
  readonly branch: Branch
  readonly seq: number
}

export type CommitOutcome =
  | { readonly outcome: 'committed'; readonly seq: number }
  /** A member's id was committed or made void before: `settle` says which. */
  | { readonly outcome: 'decided'; readonly id: string }
  /** A member's idempotency key stands for an answer already: of a commit that landed, or of `idempotency.finish`. */
  | { readonly outcome: 'replayed'; readonly idempotencyKey: string }
  /** The branch is closed or gone. */
  | { readonly outcome: 'branch-closed' }
  | { readonly outcome: 'head-moved' }
  /** The first change (by index) whose expectation failed. */
  | { readonly outcome: 'conflict'; readonly change: number }
  | { readonly outcome: 'check-failed'; readonly check: number }
  /** A change would put a table where another one is still shown, or a purge is pending. */
  | { readonly outcome: 'overlap'; readonly change: number }
  /** Definitely not done (lock timeout, overload); trying again is safe. */
  | { readonly outcome: 'busy'; readonly cause?: unknown }
  /** The answer was lost. `settle` decides. */
  | { readonly outcome: 'unknown'; readonly cause: unknown }

export type Settled = { readonly landed: true; readonly seq: number } | { readonly landed: false }

/**
 * Answers by idempotency key, each kept for `IDEMPOTENCY_KEPT_SECONDS` at least. Whoever brings one, a commit too, deletes
 * a few that are older.
 */
export interface IdempotencyStore {
  /**
   * Records an answer that no commit carries, unless the key stands for one already, which is returned. Afterwards no
   * commit with this key lands, also when one that was delayed arrives later.
   * @throws when the store cannot be asked: then a commit with this key may still land
   */
  finish(record: IdempotencyRecord): Promise<IdempotencyRecord | null>
}

/**
 * Branch and tag names are unique within their catalog, and share one space of names. No past position gets one that
 * shows what can't be read any more: a table whose files were purged, or are about to be, or whose metadata was trimmed.
 */
export interface BranchStore {
  get(catalogId: string, name: string): Promise<Branch | CatalogTag | null>
  /**
   * Creates a branch at the head, or at `seq`, of another; null if the name is taken, the source is not open or the
   * position is not there, or shows what is gone. @throws CatalogError `unprocessable` if it would rest on too many others
   */
  fork(input: NewRef): Promise<Branch | null>
  /** Names a position; null if the name is taken, there is no such open branch or position, or it shows what is gone. */
  tag(input: NewRef): Promise<CatalogTag | null>
  /**
   * No commit lands on a closed branch, and its name is free again. Its rows stay readable to branches and tags that rest
   * on it, and by its id. False if there is no such open branch.
   */
  close(branchId: string): Promise<boolean>
}

/** A branch or tag to be: where it is to stand (at the head, unless told), and the time. */
export interface NewRef {
  readonly id: string
  readonly name: string
  readonly from: { readonly branchId: string; readonly seq?: number }
  readonly at: string
}

export interface HistoryStore {
  /** Newest first, through the lineage. `before` is the last entry of the page before. */
  log(query: {
    branchId: string
    before?: { branchId: string; seq: number }
    limit: number
  }): Promise<{ entries: readonly LogEntry[]; next?: { branchId: string; seq: number } }>
  /** Newest first. `before` is the `id` of the last record of the page before. */
  audit(query: { before?: string; limit: number }): Promise<{ records: readonly AuditEntry[]; next?: string }>
  /**
   * Gives up old metadata files of an object for good, in one step with commits, branches and tags: answers those of
   * `metadataLocations` that may be deleted, whenever. From then on nothing can show them: see {@link BranchStore} and
   * the check `untrimmed` of a commit. `forgottenAt` is the commit whose metadata no longer names them. A file stays
   * - unless a row of the object names it: what the catalog never pointed at is not its own to delete;
   * - if any row that names it, of whichever object, is shown at a position that readers can still name;
   * - if such a position lies on the row's branch anywhere after the row and before `forgottenAt`: what is shown there
   *   may still name the file in its own metadata log.
   */
  trim(input: {
    objectId: string
    metadataLocations: readonly string[]
    forgottenAt: Bound
  }): Promise<readonly string[]>
}

/** An audit record as history keeps it: `id` is a number of the store's own, `commitId` the id of the member it was part of. */
export interface AuditEntry extends AuditRecord {
  readonly id: string
  readonly at: string
  readonly commitId: string
  readonly idempotencyKey: string | null
}

/** What an engine reported about a table, in its own words: `report` is JSON text, kept as it came (ids have 63 bits). */
export interface MetricsReport {
  readonly objectId: string
  readonly at: string
  readonly principalId: string
  readonly principalName: string
  readonly client: string | null
  readonly report: string
}

/** The last reports of each table, by the table's object id. Older ones make room for new ones. */
export interface MetricsStore {
  /**
   * Keeps a report as its table's newest, and forgets the oldest of what is beyond the limits: of the table at once, of
   * the tenant soon (`REPORTS_BEYOND_LIMIT_MAX`).
   */
  add(report: MetricsReport, keep: { perTable: number; perTenant: number }): Promise<void>
  /** Newest first. */
  newest(query: { objectId: string; limit: number }): Promise<readonly MetricsReport[]>
}

/** `cursor` is the job's own progress, opaque to the store. */
export interface PurgeJob extends PurgeRequest {
  readonly cursor: string | null
  readonly createdAt: string
}

export interface PurgeStore {
  /** Oldest first, behind the job `after`: from the start if there is no such job. */
  pending(query: { limit: number; after?: string }): Promise<readonly PurgeJob[]>
  save(id: string, cursor: string): Promise<void>
  done(id: string): Promise<void>
  /**
   * Whether any branch's head, any ancestor of a branch up to its fork, or any tag still shows a table with a folder that
   * is, holds or lies in one of these.
   */
  stillNamed(locations: readonly string[]): Promise<boolean>
}

/**
 * Plain records: found by id, or by a name that is unique within the tenant and kind (a record may have none). Listed by
 * id; `after` is the `next` of the page before.
 */
export interface EntityStore<T extends { readonly id: string }> {
  get(id: string): Promise<T | null>
  byName(name: string): Promise<T | null>
  list(query: { after?: string; limit: number }): Promise<{ records: readonly T[]; next?: string }>
  /** False, and nothing changed, if the id or the name is taken. */
  create(record: T): Promise<boolean>
  /** False if there is no such record, or its new name is taken. */
  update(record: T): Promise<boolean>
  delete(id: string): Promise<boolean>
}
