import type { CatalogCommit, LogEntry } from '#versions/model'
import type { AuditEntry } from './store.ts'

/** The `rev` of the rows that a commit writes. */
export function revOf({ members }: CatalogCommit): string {
  return members[0]?.id ?? ''
}

/** A commit that lands at `seq`, as history keeps it. */
export function logEntryOf({ branchId, at, members, changes }: CatalogCommit, seq: number): LogEntry {
  return { branchId, seq, at, ids: members.map(({ id }) => id), records: members.map(({ log }) => log), changes }
}

/** The audit records of a commit, in order; the store numbers them. */
export function auditOf({ at, members }: CatalogCommit): Omit<AuditEntry, 'id'>[] {
  return members.map(({ id, idempotency, audit }) => ({
    ...audit,
    at,
    commitId: id,
    idempotencyKey: idempotency?.key ?? null,
  }))
}
