import { and, asc, eq, sql } from 'drizzle-orm'
import type { DrizzleD1Database } from 'drizzle-orm/d1'
import type { PurgeStore } from '#store/store'
import { folderRange, foldersAbove } from '#versions/folders'
import { failure } from './failures.ts'
import { purgeJobOf } from './rows.ts'
import { BOUNDS, IS_SHOWN } from './shown.ts'
import { purge } from './sqlite.ts'

/** The folders of a purge go when it is done; the purge itself stays, so that its id still says where a listing was. */
const DELETE_FOLDERS = `DELETE FROM purge_folder WHERE tenant_id = ?1 AND purge_id = ?2 AND location IN (
  SELECT l.value FROM purge p, json_each(p.locations) l WHERE p.tenant_id = ?1 AND p.id = ?2)`

const SET_DONE = `UPDATE purge SET state = 'done' WHERE tenant_id = ?1 AND id = ?2`

/** `?2`: `[[folder, end of its range, [folders above]], …]`. */
const STILL_NAMED = `WITH ${BOUNDS}
  SELECT EXISTS (SELECT 1 FROM json_each(?2) l WHERE
    EXISTS (SELECT 1 FROM folder f WHERE f.tenant_id = ?1 AND f.location >= l.value->>0 AND f.location < l.value->>1 AND ${IS_SHOWN})
    OR EXISTS (SELECT 1 FROM folder f WHERE f.tenant_id = ?1
      AND f.location IN (SELECT above.value FROM json_each(l.value->2) above) AND ${IS_SHOWN})
  ) AS named`

export function purgeStore(db: D1Database, orm: DrizzleD1Database, tenantId: string): PurgeStore {
  const isIt = (id: string) => and(eq(purge.tenantId, tenantId), eq(purge.id, id))
  return {
    pending: async ({ limit, after }) => {
      const isAfter =
        after === undefined
          ? undefined
          : sql`(${purge.createdAt}, ${purge.id}) > (SELECT p.created_at, p.id FROM purge p WHERE p.tenant_id = ${tenantId} AND p.id = ${after})`
      const rows = await orm
        .select()
        .from(purge)
        .where(and(eq(purge.tenantId, tenantId), sql`${purge.state} = 'pending'`, isAfter))
        .orderBy(asc(purge.createdAt), asc(purge.id))
        .limit(limit)
        .catch(failure)
      return rows.map((row) => purgeJobOf(row))
    },
    save: async (id, cursor) => {
      await orm
        .update(purge)
        .set({ cursor })
        .where(and(isIt(id), eq(purge.state, 'pending')))
        .catch(failure)
    },
    done: async (id) => {
      await db
        .batch([db.prepare(DELETE_FOLDERS).bind(tenantId, id), db.prepare(SET_DONE).bind(tenantId, id)])
        .catch(failure)
    },
    stillNamed: async (locations) => {
      const folders = locations.map((location) => {
        const { from, to } = folderRange(location)
        return [from, to, foldersAbove(location)]
      })
      const row = await db
        .prepare(STILL_NAMED)
        .bind(tenantId, JSON.stringify(folders))
        .first<{ named: number }>()
        .catch(failure)
      return row?.named === 1
    },
  }
}
