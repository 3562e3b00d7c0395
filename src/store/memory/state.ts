import type { RecordKind, RecordKinds } from '#store/kinds'
import type { AuditEntry, MetricsReport, PurgeJob } from '#store/store'
import { keyText } from '#versions/check-commit'
import type { Row } from '#versions/lineage'
import type { Branch, CatalogTag, IdempotencyRecord, Key, LogEntry } from '#versions/model'

/**
 * Everything of one tenant. Values are never changed, only replaced, so whatever has been read stays as it was; and
 * every operation runs without an `await` between its first look and its last change, so it is atomic.
 */
export type TenantState = ReturnType<typeof emptyState>

export function emptyState() {
  const records: { readonly [K in RecordKind]: Map<string, RecordKinds[K]> } = {
    tenant: new Map(),
    warehouse: new Map(),
    catalog: new Map(),
    user: new Map(),
    grant: new Map(),
    'revoked-token': new Map(),
  }
  return {
    records,
    branches: new Map<string, Branch>(),
    tags: new Map<string, CatalogTag>(),
    /** By branch, then by `keyText`: all rows, former ones too. */
    rows: new Map<string, Map<string, readonly Row[]>>(),
    /** By branch, oldest first: position `seq` is at `seq - 1`. */
    log: new Map<string, readonly LogEntry[]>(),
    /** Committed ids have their position, void ones null. */
    commitIds: new Map<string, number | null>(),
    /** By key. */
    idempotency: new Map<string, IdempotencyRecord>(),
    /** Oldest first. */
    audit: [] as AuditEntry[],
    purges: new Map<string, { readonly job: PurgeJob; readonly done: boolean }>(),
    /** Oldest first. */
    metrics: [] as MetricsReport[],
  }
}

/** The rows of one key, as `resolveRow` asks for them. */
export function rowsOfKey(state: TenantState, key: Key): (branchId: string) => readonly Row[] {
  return (branchId) => state.rows.get(branchId)?.get(keyText(key)) ?? []
}

/** Every row of the tenant, on all branches, current and former. */
export function* allRows(state: TenantState): Generator<Row> {
  for (const rows of state.rows.values()) for (const ofKey of rows.values()) yield* ofKey
}

/** The open branch or the tag of that name. */
export function refByName(state: TenantState, catalogId: string, name: string): Branch | CatalogTag | null {
  const isIt = (ref: Branch | CatalogTag): boolean => ref.catalogId === catalogId && ref.name === name
  const branch = [...state.branches.values()].find((candidate) => candidate.state === 'open' && isIt(candidate))
  return branch ?? [...state.tags.values()].find(isIt) ?? null
}
