import { and, asc, eq, gt } from 'drizzle-orm'
import type { DrizzleD1Database } from 'drizzle-orm/d1'
import type { RunnableQuery } from 'drizzle-orm/runnable-query'
import { RECORD_KINDS, type RecordKind, type RecordKinds } from '#store/kinds'
import type { EntityStore } from '#store/store'
import { failure, isUniqueViolation } from './failures.ts'
import { record } from './sqlite.ts'
import { refuseTakenStorage, storageGuard } from './storage.ts'

type RecordRow = typeof record.$inferInsert
type Write = PromiseLike<D1Result> & RunnableQuery<D1Result, 'sqlite'>

/** Records of one kind, ordered by id. */
export function entityStore<K extends RecordKind>(
  db: DrizzleD1Database,
  tenantId: string,
  kind: K,
): EntityStore<RecordKinds[K]> {
  const ofKind = and(eq(record.tenantId, tenantId), eq(record.kind, kind))
  const parsed = ({ doc }: { doc: string }): RecordKinds[K] => JSON.parse(doc) as RecordKinds[K]
  /** Runs the statement that writes the record, and says whether it did; no other tenant may have the record's storage. */
  const guarded = async (value: RecordKinds[K], write: Write): Promise<boolean> => {
    const folder = RECORD_KINDS[kind].folder(value)
    try {
      if (folder === null) return (await write).meta.changes > 0
      const [, { meta }] = await db.batch([storageGuard(db, tenantId, folder), write])
      return meta.changes > 0
    } catch (error) {
      if (folder !== null) refuseTakenStorage(error, folder)
      return isUniqueViolation(error) ? false : failure(error)
    }
  }
  const select = () => db.select({ id: record.id, doc: record.doc }).from(record)
  return {
    get: async (id) => {
      const [row] = await select()
        .where(and(ofKind, eq(record.id, id)))
        .catch(failure)
      return row ? parsed(row) : null
    },
    byName: async (name) => {
      const [row] = await select()
        .where(and(ofKind, eq(record.name, name)))
        .catch(failure)
      return row ? parsed(row) : null
    },
    list: async ({ after = '', limit }) => {
      const rows = await select()
        .where(and(ofKind, gt(record.id, after)))
        .orderBy(asc(record.id))
        .limit(limit + 1)
        .catch(failure)
      const records = rows.slice(0, limit).map((row) => parsed(row))
      const last = records.at(-1)
      return rows.length > limit && last ? { records, next: last.id } : { records }
    },
    create: async (value) => {
      const insert = db
        .insert(record)
        .values(recordRow(tenantId, kind, value))
        .onConflictDoNothing()
      return guarded(value, insert)
    },
    update: async (value) => {
      const { name, owner, doc } = recordRow(tenantId, kind, value)
      const isIt = and(ofKind, eq(record.id, value.id))
      return guarded(value, db.update(record).set({ name, owner, doc }).where(isIt))
    },
    delete: async (id) => {
      const { meta } = await db
        .delete(record)
        .where(and(ofKind, eq(record.id, id)))
        .catch(failure)
      return meta.changes > 0
    },
  }
}

/** The row of a record: what is indexed, and the record itself. */
export function recordRow<K extends RecordKind>(tenantId: string, kind: K, value: RecordKinds[K]): RecordRow {
  const { name, owner } = RECORD_KINDS[kind]
  return { tenantId, kind, id: value.id, name: name(value), owner: owner(value), doc: JSON.stringify(value) }
}
