import { sweepAt } from '#store/idempotency'
import type { IdempotencyStore } from '#store/store'
import type { IdempotencyRecord } from '#versions/model'
import { jsonOf } from './columns.ts'
import { failure } from './failures.ts'

/** `?2`: `[{ key, fingerprint, answer }, …]`, `?3`: time. Breaks on a key that stands for an answer already. */
const INSERT = `INSERT INTO idempotency (tenant_id, key, fingerprint, answer, at)
  SELECT ?1, r.value->>'key', r.value->>'fingerprint', r.value->'answer', ?3 FROM json_each(?2) r WHERE true`

const INSERT_IF_FREE = `${INSERT} ON CONFLICT DO NOTHING RETURNING key`

/** `?2`: time before which records have expired, `?3`: rows. */
const SWEEP = `DELETE FROM idempotency WHERE tenant_id = ?1 AND key IN (
  SELECT e.key FROM idempotency e WHERE e.tenant_id = ?1 AND e.at < ?2 ORDER BY e.at, e.key LIMIT ?3)`

const SELECT = `SELECT ${recordJson('i')} AS json FROM idempotency i WHERE i.tenant_id = ?1 AND i.key = ?2`

/** An {@link IdempotencyRecord} as SQL makes one of a row. */
export function recordJson(alias: string): string {
  return jsonOf('idempotency', alias, ['key', 'fingerprint', 'answer', 'at'])
}

export function recordOf(json: string): IdempotencyRecord {
  return JSON.parse(json) as IdempotencyRecord
}

/** The statements by which a commit records its members' answers; none if no member has a key. */
export function recording(
  db: D1Database,
  tenantId: string,
  at: string,
  records: readonly Omit<IdempotencyRecord, 'at'>[],
): D1PreparedStatement[] {
  if (records.length === 0) return []
  return [db.prepare(INSERT).bind(tenantId, JSON.stringify(records), at), sweep(db, tenantId, at, records.length)]
}

export function idempotencyStore(db: D1Database, tenantId: string): IdempotencyStore {
  return {
    finish: async ({ at, ...finished }) => {
      const [added, found] = await db
        .batch<{ json: string }>([
          db.prepare(INSERT_IF_FREE).bind(tenantId, JSON.stringify([finished]), at),
          db.prepare(SELECT).bind(tenantId, finished.key),
          sweep(db, tenantId, at, 1),
        ])
        .catch(failure)
      const stands = found?.results[0]
      if (!stands) throw new Error('an answer was recorded and is not there')
      return added?.results.length === 1 ? null : recordOf(stands.json)
    },
  }
}

function sweep(db: D1Database, tenantId: string, at: string, added: number): D1PreparedStatement {
  const { before, rows } = sweepAt(at, added)
  return db.prepare(SWEEP).bind(tenantId, before, rows)
}
