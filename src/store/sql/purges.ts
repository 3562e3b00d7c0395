import type { PurgeJob, PurgeStore } from '#store/store'
import { jsonOf } from './columns.ts'
import { change, select, selectJson, write, type SqlDatabase } from './database.ts'
import { int, type Dialect } from './dialect.ts'
import { oncePer } from './once-per.ts'
import { bounds, isShown, overlapping, spanOf } from './shown.ts'

const purgeSql = oncePer((dialect: Dialect) => ({
  /** `?2` rows, `?3` the job after which to go on, empty at the start. */
  pending: `SELECT ${jsonOf(dialect, 'purge', 'purge', ['tenantId', 'state'])} AS json FROM purge
    WHERE tenant_id = ?1 AND state = 'pending' AND (created_at, id) >
      (coalesce((SELECT q.created_at FROM purge q WHERE q.tenant_id = ?1 AND q.id = ?3), ''), ?3)
    ORDER BY created_at, id LIMIT ${int('?2')}`,

  save: `UPDATE purge SET cursor = ?3 WHERE tenant_id = ?1 AND id = ?2 AND state = 'pending'`,

  /** The folders of a purge go when it is done; the purge itself stays, so that its id still says where a listing was. */
  deleteFolders: `DELETE FROM purge_folder WHERE tenant_id = ?1 AND purge_id = ?2
    AND ${dialect.isIn('location', '(SELECT p.locations FROM purge p WHERE p.tenant_id = ?1 AND p.id = ?2)')}`,

  setDone: `UPDATE purge SET state = 'done' WHERE tenant_id = ?1 AND id = ?2`,

  /** `?2`: the folders, each as {@link spanOf}. */
  stillNamed: `WITH ${bounds(dialect)}
    SELECT EXISTS (SELECT 1 FROM ${dialect.each('?2', 'l')}
      WHERE ${overlapping(dialect, 'folder', isShown(dialect))}) AS named`,
}))

export function purgeStore(db: SqlDatabase, tenantId: string): PurgeStore {
  const sql = purgeSql(db.dialect)
  return {
    pending: async ({ limit, after = '' }) => selectJson<PurgeJob>(db, sql.pending, tenantId, limit, after),
    save: async (id, cursor) => void (await change(db, sql.save, tenantId, id, cursor)),
    done: async (id) => {
      const params = [tenantId, id]
      await write(db, [
        { sql: sql.deleteFolders, params },
        { sql: sql.setDone, params },
      ])
    },
    stillNamed: async (locations) => {
      const folders = JSON.stringify(locations.map(spanOf))
      const [row] = await select<{ named: number }>(db, sql.stillNamed, tenantId, folders)
      return row?.named === 1
    },
  }
}
