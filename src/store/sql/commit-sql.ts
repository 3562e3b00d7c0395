import {
  ANCESTORS_BY_ID,
  decidingRow,
  HEAD_BY_ID,
  isVisible,
  isVisibleAs,
  lineageAt,
  nextName,
  OPEN,
} from './lineage.ts'
import { BOUNDS, IS_SHOWN } from './shown.ts'

/**
 * The statements of a commit, in their order. `?1` is the tenant, `?2` the branch where a statement needs one; lists come
 * as one JSON parameter each, whatever their length.
 */

const HEAD = '(SELECT h.head_seq FROM ref h WHERE h.tenant_id = ?1 AND h.id = ?2)'

/** `?2`: the ids. Breaks on one that was used before. */
export const INSERT_IDS = `INSERT INTO commit_id (tenant_id, id, outcome)
  SELECT ?1, m.value, 'committed' FROM json_each(?2) m`

/** `?2`: `[[id, idempotency key, audit record], …]`, `?3`: time. Records are numbered within the tenant. */
export const INSERT_AUDIT = `INSERT INTO audit (tenant_id, id, at, commit_id, idempotency_key, principal_id, principal_name,
    client, request_id, address, action, target, target_id, message, result)
  SELECT ?1, (SELECT coalesce(max(a.id), 0) FROM audit a WHERE a.tenant_id = ?1) + 1 + m.key, ?3, m.value->>0, m.value->>1,
    m.value->>'$[2].principalId', m.value->>'$[2].principalName', m.value->>'$[2].client', m.value->>'$[2].requestId',
    m.value->>'$[2].address', m.value->>'$[2].action', m.value->>'$[2].target', m.value->>'$[2].targetId',
    m.value->>'$[2].message', m.value->>'$[2].result'
  FROM json_each(?2) m`

/** Alone in its statement: whatever comes after sees everything that was committed before. */
export const MOVE_HEAD = `UPDATE ref SET head_seq = head_seq + 1
  WHERE tenant_id = ?1 AND id = ?2 AND kind = 'branch' AND state = 'open'`

/** `?3`: the position the branch must have had, or null. */
export const GUARD_HEAD = `INSERT INTO guard (message)
  SELECT 'guard:branch-closed'
  WHERE NOT EXISTS (SELECT 1 FROM ref b WHERE b.tenant_id = ?1 AND b.id = ?2 AND b.kind = 'branch' AND b.state = 'open')
  UNION ALL
  SELECT 'guard:head-moved' WHERE ?3 IS NOT NULL AND ${HEAD} <> ?3 + 1`

const LISTED = { of: 'k.value->>0', namespace: 'k.value->>1', name: 'k.value->>2' }

/** `?3`: `[[class, namespace, name, expected rev or null], …]`. */
export const GUARD_EXPECT = `WITH ${lineageAt(HEAD_BY_ID)}
  INSERT INTO guard (message)
  SELECT 'guard:conflict:' || k.key FROM json_each(?3) k
  WHERE (SELECT CASE WHEN e.tombstone = 0 THEN e.rev END FROM entry e WHERE e.rowid = ${decidingRow(LISTED)}) IS NOT k.value->>3
  ORDER BY k.key LIMIT 1`

const CHECKED = {
  of: `c.value->>'$.exists.class'`,
  namespace: `c.value->>'$.exists.namespace'`,
  name: `c.value->>'$.exists.name'`,
}
const WALKED = { of: 'w.of', namespace: 'w.namespace', name: 'w.name' }

/**
 * `?3`: the checks as they are. An "empty" namespace is walked from name to name, over both classes and all branches of
 * the lineage, up to the first name that is visible.
 */
export const GUARD_CHECKS = `WITH RECURSIVE ${lineageAt(HEAD_BY_ID)},
    start (number, of, namespace) AS (
      SELECT c.key, o.value, c.value->>'empty' FROM json_each(?3) c, json_each('["namespace","asset"]') o
      WHERE c.value->>'empty' IS NOT NULL
    ),
    walk (number, of, namespace, name) AS (
      SELECT s.number, s.of, s.namespace, ${nextName({ of: 's.of', namespace: 's.namespace', name: "''" })} FROM start s
      UNION ALL
      SELECT w.number, w.of, w.namespace, ${nextName(WALKED)} FROM walk w WHERE w.name IS NOT NULL AND NOT ${isVisible(WALKED)}
    )
  INSERT INTO guard (message)
  SELECT 'guard:check-failed:' || failed.number FROM (
    SELECT c.key AS number FROM json_each(?3) c WHERE c.value->'exists' IS NOT NULL AND NOT ${isVisibleAs(CHECKED, `c.value->>'objectId'`)}
    UNION ALL
    SELECT w.number FROM walk w WHERE w.name IS NOT NULL AND ${isVisible(WALKED)}
    UNION ALL
    SELECT c.key FROM json_each(?3) c CROSS JOIN entry e
      ON e.tenant_id = ?1 AND e.metadata_location = c.value->>'untrimmed' AND e.trimmed = 1
  ) failed ORDER BY failed.number LIMIT 1`

/** Whether this commit moves a row that its branch shows of the object: then its own purge elsewhere has not begun. */
const IS_KEPT = `EXISTS (
  SELECT 1 FROM json_each(?3) k CROSS JOIN entry e ON e.rowid = ${decidingRow(LISTED)}
  WHERE e.tombstone = 0 AND e.object_id = t.value->>1)`

function overlapping(table: string, condition: string): string {
  return `EXISTS (SELECT 1 FROM ${table} f WHERE f.tenant_id = ?1 AND f.location >= l.value->>0 AND f.location < l.value->>1 AND ${condition})
    OR EXISTS (SELECT 1 FROM ${table} f WHERE f.tenant_id = ?1 AND f.location IN (SELECT above.value FROM json_each(l.value->2) above) AND ${condition})`
}

/**
 * `?3`: keys as in {@link GUARD_EXPECT}; `?4`: `[[index of the change, object id, [[folder, end of its range, [folders
 * above], must be unused before], …], clashes within the commit], …]`.
 */
export const GUARD_FOLDERS = `WITH ${lineageAt(HEAD_BY_ID)}, ${BOUNDS}
  INSERT INTO guard (message)
  SELECT 'guard:overlap:' || (t.value->>0) FROM json_each(?4) t
  WHERE t.value->>3 OR EXISTS (
    SELECT 1 FROM json_each(t.value->2) l
    WHERE ${overlapping('folder', `f.object_id <> t.value->>1 AND (l.value->>3 OR ${IS_SHOWN})`)}
      OR ${overlapping('purge_folder', `(f.object_id <> t.value->>1 OR NOT ${IS_KEPT})`)})
  ORDER BY t.key LIMIT 1`

/**
 * `?3`: keys. Closes rows and tombstones alike. They are sought key by key: joined directly, SQLite goes through every
 * current row of the branch.
 */
export const CLOSE_ROWS = `UPDATE entry SET to_seq = ${HEAD} WHERE rowid IN (
  SELECT c.rowid FROM json_each(?3) k CROSS JOIN entry c
    ON c.tenant_id = ?1 AND c.branch_id = ?2 AND c.class = ${LISTED.of}
      AND c.namespace = ${LISTED.namespace} AND c.name = ${LISTED.name} AND c.to_seq = ${OPEN})`

const CHANGED = {
  of: `k.value->>'$.key.class'`,
  namespace: `k.value->>'$.key.namespace'`,
  name: `k.value->>'$.key.name'`,
}

/**
 * `?3`: the changes as they are, `?4`: rev. A dropped key becomes a tombstone if an ancestor still shows it, carrying the
 * object it hides; otherwise having closed its row was enough.
 */
export const INSERT_ROWS = `WITH ${ANCESTORS_BY_ID}
  INSERT INTO entry (tenant_id, branch_id, class, namespace, name, from_seq, to_seq, rev, object_id, kind, tombstone,
    metadata_location, locations, properties, summary)
  SELECT ?1, ?2, ${CHANGED.of}, ${CHANGED.namespace}, ${CHANGED.name}, ${HEAD}, ${OPEN}, ?4,
    coalesce(k.value->>'$.next.objectId', hidden.object_id), coalesce(k.value->>'$.next.kind', hidden.kind),
    hidden.object_id IS NOT NULL, k.value->>'$.next.metadataLocation', coalesce(k.value->'$.next.locations', '[]'),
    coalesce(k.value->'$.next.properties', '{}'), coalesce(k.value->'$.next.summary', '{}')
  FROM json_each(?3) k
    LEFT JOIN entry hidden ON k.value->>'next' IS NULL AND hidden.rowid = ${decidingRow(CHANGED)} AND hidden.tombstone = 0
  WHERE k.value->>'next' IS NOT NULL OR hidden.object_id IS NOT NULL`

/** `?2`: as `?4` of {@link GUARD_FOLDERS}. */
export const INSERT_FOLDERS = `INSERT INTO folder (tenant_id, location, object_id)
  SELECT ?1, l.value->>0, t.value->>1 FROM json_each(?2) t, json_each(t.value->2) l WHERE true ON CONFLICT DO NOTHING`

/** `?3`: time, `?4`: ids, `?5`: log records, `?6`: changes. */
export const INSERT_LOG = `INSERT INTO log (tenant_id, branch_id, seq, at, ids, records, changes)
  VALUES (?1, ?2, ${HEAD}, ?3, ?4, ?5, ?6)`

/** `?2`: the purge requests as they are, `?3`: time. */
export const INSERT_PURGES = `INSERT INTO purge (tenant_id, id, object_id, warehouse_id, metadata_location, locations, state, created_at)
  SELECT ?1, p.value->>'id', p.value->>'objectId', p.value->>'warehouseId', p.value->>'metadataLocation',
    p.value->'locations', 'pending', ?3
  FROM json_each(?2) p`

export const INSERT_PURGE_FOLDERS = `INSERT INTO purge_folder (tenant_id, location, purge_id, object_id)
  SELECT ?1, l.value, p.value->>'id', p.value->>'objectId'
  FROM json_each(?2) p, json_each(p.value->'locations') l WHERE true ON CONFLICT DO NOTHING`

/** `?3`: the ids. Answers the commit's position. */
export const SET_SEQ = `UPDATE commit_id SET seq = ${HEAD}
  WHERE tenant_id = ?1 AND id IN (SELECT i.value FROM json_each(?3) i) RETURNING seq`

/** The fence: after it, the id is decided for good. */
export const INSERT_VOID = `INSERT INTO commit_id (tenant_id, id, outcome) VALUES (?1, ?2, 'void') ON CONFLICT DO NOTHING`

export const SELECT_DECIDED = `SELECT d.outcome, d.seq FROM commit_id d WHERE d.tenant_id = ?1 AND d.id = ?2`

/** `?2`: the ids. The first member whose id is taken. */
export const SELECT_TAKEN_ID = `SELECT m.key AS "index" FROM json_each(?2) m
  CROSS JOIN commit_id d ON d.tenant_id = ?1 AND d.id = m.value ORDER BY m.key LIMIT 1`

/** `?2`: idempotency keys, or null, by member. The first that stands for an answer. */
export const SELECT_TAKEN_KEY = `SELECT m.value AS "key" FROM json_each(?2) m
  CROSS JOIN idempotency d ON d.tenant_id = ?1 AND d.key = m.value ORDER BY m.key LIMIT 1`
