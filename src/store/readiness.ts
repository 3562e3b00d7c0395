import { COPYING, COPYING_SCHEMA } from './copying.ts'
import type { Readiness } from './store.ts'

/** Whether a schema is the one this version needs; `migrate` says how to get there. */
export function readinessOf(found: number, needed: number, migrate: string): Readiness {
  const reason = schemaProblem(found, needed, migrate)
  return reason === null ? { ready: true } : { ready: false, reason }
}

/** Why a schema is not the one this version needs; null if it is. */
export function schemaProblem(found: number, needed: number, migrate: string): string | null {
  if (found === needed) return null
  if (found === COPYING_SCHEMA) return COPYING
  return found > needed
    ? `The database was written by a newer version: it has schema ${found}, this version knows ${needed}; deploy the newer one`
    : `The database has schema ${found}, this version needs ${needed}; ${migrate}`
}
