import type { HistoryStore } from '#store/store'
import { lockVersions, write, type SqlDatabase } from './database.ts'
import { int, type Dialect } from './dialect.ts'
import { oncePer } from './once-per.ts'
import { bounds } from './shown.ts'

/** Whether the row `e` is shown, or comes before a position that may still show what names its file in a log. */
const IS_KEPT = `EXISTS (SELECT 1 FROM bounds b WHERE b.branch_id = e.branch_id AND b.seq >= e.from_seq
  AND (NOT (b.branch_id = ?3 AND b.seq >= ${int('?4')}) OR e.to_seq > b.seq))`

/**
 * `?2` object, `?3` and `?4` branch and position of the commit that has forgotten the files, `?5` their names. One
 * statement, and so one step: a branch or tag is made before it, and keeps the file, or after it, and finds the mark.
 */
const trimSql = oncePer(
  (dialect: Dialect) => `WITH ${bounds(dialect)},
    free (location) AS MATERIALIZED (
      SELECT DISTINCT l.value FROM ${dialect.eachText('?5', 'l')} WHERE
        ${dialect.any(`SELECT 1 FROM entry o WHERE o.tenant_id = ?1 AND o.metadata_location = l.value AND o.object_id = ?2`)}
        AND NOT ${dialect.any(`SELECT 1 FROM entry e
          WHERE e.tenant_id = ?1 AND e.metadata_location = l.value AND ${IS_KEPT}`)}
    )
  UPDATE entry SET trimmed = 1
  WHERE tenant_id = ?1 AND metadata_location ${dialect.among('SELECT f.location FROM free f')}
  RETURNING metadata_location AS location`,
)

export async function trim(
  db: SqlDatabase,
  tenantId: string,
  { objectId, metadataLocations, forgottenAt }: Parameters<HistoryStore['trim']>[0],
): Promise<readonly string[]> {
  const params = [tenantId, objectId, forgottenAt.branchId, forgottenAt.seq, JSON.stringify(metadataLocations)]
  const results = await write<{ location: string }>(db, [
    ...lockVersions(db.dialect, tenantId, 'exclusive'),
    { sql: trimSql(db.dialect), params },
  ])
  return [...new Set(results.at(-1)?.rows.map(({ location }) => location))].toSorted()
}
