import { storageTaken } from '#store/storage'
import { lockFor, type SqlDatabase, type Statement } from './database.ts'
import type { Dialect } from './dialect.ts'
import { oncePer } from './once-per.ts'
import { spanOf } from './shown.ts'

/** `?1` tenant, `?2` and `?3` the folder's range, `?4` the folders above it. */
const storageSql = oncePer((dialect: Dialect) => {
  const folder = dialect.warehouseFolder('o')
  const isTaken = (where: string): string =>
    `EXISTS (SELECT 1 FROM record o WHERE o.kind = 'warehouse' AND ${where} AND o.tenant_id <> ?1)`
  return `INSERT INTO guard (message) SELECT 'guard:storage-taken'
    WHERE ${isTaken(`${folder} >= ?2 AND ${folder} < ?3`)}
      OR ${isTaken(dialect.isIn(folder, '?4'))}`
})

/** What has to stand before every {@link storageGuard} of a batch: two tenants may ask for one folder at the same time. */
export function storageLock(dialect: Dialect): Statement[] {
  return lockFor(dialect, 'storage')
}

/** Breaks the batch it is in if another tenant has a warehouse that is the folder, holds it or lies in it. */
export function storageGuard(dialect: Dialect, tenantId: string, folder: string): Statement {
  const [from, to, above] = spanOf(folder)
  return { sql: storageSql(dialect), params: [tenantId, from, to, JSON.stringify(above)] }
}

/** Ends the request if it was {@link storageGuard} that broke its batch. @throws CatalogError `already-exists` */
export function refuseTakenStorage(db: SqlDatabase, error: unknown, folder: string): void {
  const failure = db.failureOf(error)
  if (failure.kind === 'guard' && failure.message.includes('guard:storage-taken')) throw storageTaken(folder)
}
