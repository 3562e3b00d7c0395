import { sweepAt } from '#store/idempotency'
import type { IdempotencyStore } from '#store/store'
import type { IdempotencyRecord } from '#versions/model'
import { compareNames } from '#versions/page'
import type { TenantState } from './state.ts'

export function idempotencyStore(state: TenantState): IdempotencyStore {
  return {
    finish: async ({ at, ...finished }) => {
      const stands = state.idempotency.get(finished.key) ?? null
      if (stands) sweep(state, at, 1)
      else record(state, at, [finished])
      return stands
    },
  }
}

/** Adds records whose keys are free, and sweeps. */
export function record(state: TenantState, at: string, added: readonly Omit<IdempotencyRecord, 'at'>[]): void {
  if (added.length === 0) return
  sweep(state, at, added.length)
  for (const { key, fingerprint, answer } of added) state.idempotency.set(key, { key, fingerprint, answer, at })
}

function sweep(state: TenantState, at: string, added: number): void {
  const { before, rows } = sweepAt(at, added)
  const expired = [...state.idempotency.values()]
    .filter((old) => compareNames(old.at, before) < 0)
    .toSorted((a, b) => compareNames(a.at, b.at) || compareNames(a.key, b.key))
  for (const { key } of expired.slice(0, rows)) state.idempotency.delete(key)
}
