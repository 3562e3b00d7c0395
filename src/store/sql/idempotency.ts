import { sweepAt } from '#store/idempotency'
import type { IdempotencyStore } from '#store/store'
import type { IdempotencyRecord } from '#versions/model'
import { write, type JsonRow, type SqlDatabase, type Statement } from './database.ts'
import { int, type Dialect } from './dialect.ts'
import { oncePer } from './once-per.ts'
import { answerJson } from './rows.ts'

const idempotencySql = oncePer((dialect: Dialect) => {
  const insert = `INSERT INTO idempotency (tenant_id, key, fingerprint, answer, at)
    SELECT ?1, r.value->>'key', r.value->>'fingerprint', CAST(r.value->'answer' AS TEXT), ?3
    FROM ${dialect.each('?2', 'r')} WHERE true`
  return {
    /** `?2`: `[{ key, fingerprint, answer }, …]`, `?3`: time. Breaks on a key that stands for an answer already. */
    insert,

    insertIfFree: `${insert} ON CONFLICT DO NOTHING RETURNING key`,

    /** `?2`: time before which records have expired, `?3`: rows. */
    sweep: `DELETE FROM idempotency WHERE tenant_id = ?1 AND key ${dialect.among(
      `SELECT e.key FROM idempotency e WHERE e.tenant_id = ?1 AND e.at < ?2
        ORDER BY e.at, e.key LIMIT ${int('?3')} ${dialect.skipLocked}`,
    )}`,

    select: `SELECT ${answerJson(dialect, 'i')} AS json FROM idempotency i WHERE i.tenant_id = ?1 AND i.key = ?2`,
  }
})

/** The statements by which a commit records its members' answers; none if no member has a key. */
export function recording(
  dialect: Dialect,
  tenantId: string,
  at: string,
  records: readonly Omit<IdempotencyRecord, 'at'>[],
): Statement[] {
  if (records.length === 0) return []
  const { insert } = idempotencySql(dialect)
  return [
    { sql: insert, params: [tenantId, JSON.stringify(records), at] },
    sweep(dialect, tenantId, at, records.length),
  ]
}

export function idempotencyStore(db: SqlDatabase, tenantId: string): IdempotencyStore {
  const sql = idempotencySql(db.dialect)
  const finish: IdempotencyStore['finish'] = async (record) => {
    const { at, ...finished } = record
    // The insert waits for whoever is about to record something under the key; what comes after sees what it was.
    const [added, found] = await write<JsonRow>(db, [
      { sql: sql.insertIfFree, params: [tenantId, JSON.stringify([finished]), at] },
      { sql: sql.select, params: [tenantId, finished.key] },
      sweep(db.dialect, tenantId, at, 1),
    ])
    const stands = found?.rows[0]
    // What was in the way has expired, and somebody swept it in between.
    if (!stands) return finish(record)
    return added?.rows.length === 1 ? null : (JSON.parse(stands.json) as IdempotencyRecord)
  }
  return { finish }
}

function sweep(dialect: Dialect, tenantId: string, at: string, added: number): Statement {
  const { before, rows } = sweepAt(at, added)
  return { sql: idempotencySql(dialect).sweep, params: [tenantId, before, rows] }
}
