import { RECORD_KINDS, type RecordKind, type RecordKinds } from '#store/kinds'
import { recordsPage } from '#store/pages'
import type { EntityStore } from '#store/store'
import { change, failed, selectJson, type SqlDatabase, type Statement } from './database.ts'
import { int } from './dialect.ts'
import { refuseTakenStorage, storageGuard, storageLock } from './storage.ts'

const SELECT = 'SELECT r.doc AS json FROM record r WHERE r.tenant_id = ?1 AND r.kind = ?2'
const BY_ID = `${SELECT} AND r.id = ?3`
const BY_NAME = `${SELECT} AND r.name = ?3`
/** `?3` the id after which to go on, `?4` rows. */
const LIST = `${SELECT} AND r.id > ?3 ORDER BY r.id LIMIT ${int('?4')}`
const INSERT = 'INSERT INTO record (tenant_id, kind, id, name, owner, doc) VALUES (?1, ?2, ?3, ?4, ?5, ?6)'
const UPDATE = 'UPDATE record SET name = ?4, owner = ?5, doc = ?6 WHERE tenant_id = ?1 AND kind = ?2 AND id = ?3'
const DELETE = 'DELETE FROM record WHERE tenant_id = ?1 AND kind = ?2 AND id = ?3'

/** Records of one kind, ordered by id. */
export function entityStore<K extends RecordKind>(
  db: SqlDatabase,
  tenantId: string,
  kind: K,
): EntityStore<RecordKinds[K]> {
  const one = async (sql: string, found: string): Promise<RecordKinds[K] | null> => {
    const [record] = await selectJson<RecordKinds[K]>(db, sql, tenantId, kind, found)
    return record ?? null
  }
  /** Runs the statement that writes the record, and says whether it did; no other tenant may have the record's storage. */
  const guarded = async (value: RecordKinds[K], write: Statement): Promise<boolean> => {
    const folder = RECORD_KINDS[kind].folder(value)
    const guards = folder === null ? [] : [...storageLock(db.dialect), storageGuard(db.dialect, tenantId, folder)]
    try {
      const results = await db.write([...guards, write])
      return (results.at(-1)?.changes ?? 0) > 0
    } catch (error) {
      if (folder !== null) refuseTakenStorage(db, error, folder)
      return db.failureOf(error).kind === 'taken' ? false : failed(db, error)
    }
  }
  return {
    get: (id) => one(BY_ID, id),
    byName: (name) => one(BY_NAME, name),
    list: async ({ after = '', limit }) =>
      recordsPage(await selectJson<RecordKinds[K]>(db, LIST, tenantId, kind, after, limit + 1), limit),
    create: async (value) => {
      const { sql, params } = insertRecord(tenantId, kind, value)
      return guarded(value, { sql: `${sql} ON CONFLICT DO NOTHING`, params })
    },
    update: async (value) => guarded(value, { sql: UPDATE, params: rowOf(tenantId, kind, value) }),
    delete: async (id) => (await change(db, DELETE, tenantId, kind, id)) > 0,
  }
}

/** Breaks the batch it is in if the record, or its name, is there. */
export function insertRecord<K extends RecordKind>(tenantId: string, kind: K, value: RecordKinds[K]): Statement {
  return { sql: INSERT, params: rowOf(tenantId, kind, value) }
}

/** The row of a record: what is indexed, and the record itself. */
function rowOf<K extends RecordKind>(tenantId: string, kind: K, value: RecordKinds[K]): (string | null)[] {
  const { name, owner } = RECORD_KINDS[kind]
  return [tenantId, kind, value.id, name(value), owner(value), JSON.stringify(value)]
}
