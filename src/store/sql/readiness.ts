import { COPYING, COPYING_SCHEMA } from '#store/copying'

export type Readiness = { readonly ready: true } | { readonly ready: false; readonly reason: string }

/** Whether a schema is the one this version needs; `migrate` says how to get there. */
export function readinessOf(found: number, needed: number, migrate: string): Readiness {
  if (found === needed) return { ready: true }
  if (found === COPYING_SCHEMA) return { ready: false, reason: COPYING }
  const reason =
    found > needed
      ? `The database was written by a newer version: it has schema ${found}, this version knows ${needed}; deploy the newer one`
      : `The database has schema ${found}, this version needs ${needed}; ${migrate}`
  return { ready: false, reason }
}
