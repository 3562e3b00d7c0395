import { IDEMPOTENCY_KEPT_SECONDS, IDEMPOTENCY_SWEPT_PER_RECORD } from '#src/limits'

/** What whoever adds `added` records at `at` sweeps away: at most `rows` of those from before `before`, oldest first. */
export function sweepAt(at: string, added: number): { before: string; rows: number } {
  const before = new Date(Date.parse(at) - IDEMPOTENCY_KEPT_SECONDS * 1000).toISOString()
  return { before, rows: added * IDEMPOTENCY_SWEPT_PER_RECORD }
}
