import type { PurgeJob, PurgeStore } from '#store/store'
import { folderRange, foldersAbove } from '#versions/folders'
import { jsonOf } from './columns.ts'
import { change, select, selectJson, write, type SqlDatabase } from './database.ts'
import { int, perDialect } from './dialect.ts'
import { bounds, isShown } from './shown.ts'

const purgeSql = perDialect((dialect) => {
  const pending = `SELECT ${jsonOf(dialect, 'purge', 'purge', ['tenantId', 'state'])} AS json FROM purge
    WHERE tenant_id = ?1 AND state = 'pending'`
  const isNamed = (where: string): string =>
    dialect.any(`SELECT 1 FROM folder f WHERE f.tenant_id = ?1 AND ${where} AND ${isShown(dialect)}`)
  const oldestFirst = `ORDER BY created_at, id LIMIT ${int('?2')}`
  return {
    /** `?2` rows. */
    oldest: `${pending} ${oldestFirst}`,

    /** `?2` rows, `?3` the job after which to go on. */
    next: `${pending}
      AND (created_at, id) > (SELECT q.created_at, q.id FROM purge q WHERE q.tenant_id = ?1 AND q.id = ?3) ${oldestFirst}`,

    save: `UPDATE purge SET cursor = ?3 WHERE tenant_id = ?1 AND id = ?2 AND state = 'pending'`,

    /** The folders of a purge go when it is done; the purge itself stays, so that its id still says where a listing was. */
    deleteFolders: `DELETE FROM purge_folder WHERE tenant_id = ?1 AND purge_id = ?2
      AND ${dialect.isIn('location', '(SELECT p.locations FROM purge p WHERE p.tenant_id = ?1 AND p.id = ?2)')}`,

    setDone: `UPDATE purge SET state = 'done' WHERE tenant_id = ?1 AND id = ?2`,

    /** `?2`: `[[folder, end of its range, [folders above]], …]`. */
    stillNamed: `WITH ${bounds(dialect)}
      SELECT CASE WHEN EXISTS (SELECT 1 FROM ${dialect.each('?2', 'l')} WHERE
        ${isNamed('f.location >= l.value->>0 AND f.location < l.value->>1')}
        OR ${isNamed(dialect.isIn('f.location', 'l.value->2'))}
      ) THEN 1 ELSE 0 END AS named`,
  }
})

export function purgeStore(db: SqlDatabase, tenantId: string): PurgeStore {
  const sql = purgeSql(db.dialect)
  return {
    pending: async ({ limit, after }) =>
      after === undefined
        ? selectJson<PurgeJob>(db, sql.oldest, tenantId, limit)
        : selectJson<PurgeJob>(db, sql.next, tenantId, limit, after),
    save: async (id, cursor) => void (await change(db, sql.save, tenantId, id, cursor)),
    done: async (id) => {
      const params = [tenantId, id]
      await write(db, [
        { sql: sql.deleteFolders, params },
        { sql: sql.setDone, params },
      ])
    },
    stillNamed: async (locations) => {
      const folders = locations.map((location) => {
        const { from, to } = folderRange(location)
        return [from, to, foldersAbove(location)]
      })
      const [row] = await select<{ named: number }>(db, sql.stillNamed, tenantId, JSON.stringify(folders))
      return row?.named === 1
    },
  }
}
