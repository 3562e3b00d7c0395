import { sql, type SQL } from 'drizzle-orm'
import type { DrizzleD1Database } from 'drizzle-orm/d1'
import { storageTaken } from '#store/storage'
import { folderRange, foldersAbove } from '#versions/folders'
import { errorText } from './failures.ts'
import { guard } from './sqlite.ts'

/** The folder of a warehouse `o`, as the index `record_storage` has it. */
const FOLDER = sql.raw(`('s3://' || (o.doc->>'$.storage.bucket') || '/' || (o.doc->>'$.storage.prefix'))`)

/** Breaks the batch it is in if another tenant has a warehouse that is the folder, holds it or lies in it. */
export function storageGuard(db: DrizzleD1Database, tenantId: string, folder: string) {
  const { from, to } = folderRange(folder)
  const above = JSON.stringify(foldersAbove(folder))
  const isTaken = (where: SQL): SQL =>
    sql`EXISTS (SELECT 1 FROM record o WHERE o.kind = 'warehouse' AND ${where} AND o.tenant_id <> ${tenantId})`
  return db.insert(guard).select(sql`SELECT 'guard:storage-taken'
    WHERE ${isTaken(sql`${FOLDER} >= ${from} AND ${FOLDER} < ${to}`)}
      OR ${isTaken(sql`${FOLDER} IN (SELECT above.value FROM json_each(${above}) above)`)}`)
}

/** Ends the request if it was {@link storageGuard} that broke its batch. @throws CatalogError `already-exists` */
export function refuseTakenStorage(error: unknown, folder: string): void {
  if (errorText(error).includes('guard:storage-taken')) throw storageTaken(folder)
}
