/**
 * The schema version of a database that is being copied into: newer than any, so that every version of the catalog finds
 * the database not ready, and none makes its first records there. It goes when the copy is whole.
 */
export const COPYING_SCHEMA = Number.MAX_SAFE_INTEGER

export const COPYING =
  'A copy into the database has not ended; run it again (npm run store:copy or npm run restore), or give it up with --discard'
