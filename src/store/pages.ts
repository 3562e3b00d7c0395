import type { LogEntry } from '#versions/model'

/** A page of records, of which one more than `limit` was looked for. */
export function recordsPage<T extends { readonly id: string }>(
  found: readonly T[],
  limit: number,
): { records: readonly T[]; next?: string } {
  const records = found.slice(0, limit)
  const last = records.at(-1)
  return found.length > limit && last ? { records, next: last.id } : { records }
}

/** A page of log entries, of which one more than `limit` was looked for. */
export function logPage(
  found: readonly LogEntry[],
  limit: number,
): { entries: readonly LogEntry[]; next?: { branchId: string; seq: number } } {
  const entries = found.slice(0, limit)
  const last = entries.at(-1)
  return found.length > limit && last ? { entries, next: { branchId: last.branchId, seq: last.seq } } : { entries }
}
