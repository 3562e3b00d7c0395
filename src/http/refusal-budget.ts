import { recent } from '#domain/recent'
import { IDEMPOTENCY_KEPT_SECONDS, IDEMPOTENCY_REFUSALS_PER_USER, REFUSED_USERS_REMEMBERED_MAX } from '#src/limits'

/** Counts the refusals that users have had recorded; one per isolate. */
export interface RefusalBudget {
  /** Whether one more may be recorded for the user. */
  spend(userId: string, now: Date): boolean
}

/**
 * Lets each user have so many refusals recorded within the time that records are kept. A refusal is all that somebody
 * without rights can leave in the store, at one row for each key he makes up.
 */
export function refusalBudget(): RefusalBudget {
  const spent = recent<{ readonly sinceMs: number; readonly count: number }>(REFUSED_USERS_REMEMBERED_MAX)
  return {
    spend(userId, now) {
      const known = spent.get(userId)
      const isCurrent = known !== undefined && now.getTime() - known.sinceMs < IDEMPOTENCY_KEPT_SECONDS * 1000
      const { sinceMs, count } = isCurrent ? known : { sinceMs: now.getTime(), count: 0 }
      if (count >= IDEMPOTENCY_REFUSALS_PER_USER) return false
      spent.set(userId, { sinceMs, count: count + 1 })
      return true
    },
  }
}
