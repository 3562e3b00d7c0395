import { sqlName, TABLES } from './columns.ts'
import { int, type Dialect } from './dialect.ts'
import { oncePer } from './once-per.ts'
import { BOUND, decidingRow, HEAD_BY_ID, isVisible, keyIn, lineageAt, LISTED, nextName, OPEN } from './lineage.ts'
import { bounds, isShown, overlapping } from './shown.ts'

const AUDITED = Object.keys(TABLES.audit).filter((name) => name !== 'tenantId' && name !== 'id')

/**
 * The statements of a commit, in their order. `?1` is the tenant, `?2` the branch where a statement needs one; lists come
 * as one JSON parameter each, whatever their length. A guard breaks the batch with `guard:` and a `CommitOutcome`.
 */
export const commitSql = oncePer((dialect: Dialect) => ({
  /** `?2`: the ids. Breaks on one that was used before. */
  insertIds: `INSERT INTO commit_id (tenant_id, id, outcome)
    SELECT ?1, m.value, 'committed' FROM ${dialect.eachText('?2', 'm')}`,

  /** `?2`: the audit records, without their numbers. */
  insertAudit: `INSERT INTO audit (tenant_id, id, ${AUDITED.map(sqlName).join(', ')})
    SELECT ?1, ${dialect.auditNumber('m.key')}, ${AUDITED.map((name) => `m.value->>'${name}'`).join(', ')}
    FROM ${dialect.each('?2', 'm')}`,

  /** Alone in its statement: whatever comes after sees everything that was committed before. */
  moveHead: `UPDATE ref SET head_seq = head_seq + 1
    WHERE tenant_id = ?1 AND id = ?2 AND kind = 'branch' AND state = 'open'`,

  /** `?3`: the position the branch must have had, or null. */
  guardHead: `INSERT INTO guard (message)
    SELECT 'guard:{"outcome":"branch-closed"}'
    WHERE NOT EXISTS (SELECT 1 FROM ref b WHERE b.tenant_id = ?1 AND b.id = ?2 AND b.kind = 'branch' AND b.state = 'open')
    UNION ALL
    SELECT 'guard:{"outcome":"head-moved"}' WHERE ?3 IS NOT NULL AND ${HEAD} <> ${int('?3')} + 1`,

  guardExpect: guardExpect(dialect),
  guardChecks: guardChecks(dialect),
  lockFolders: lockFolders(dialect),
  guardFolders: guardFolders(dialect),

  /**
   * `?3`: keys. Closes rows and tombstones alike. They are sought key by key: joined directly, the databases go through
   * every current row of the branch.
   */
  closeRows: `UPDATE entry SET to_seq = ${HEAD} WHERE ${dialect.rowIn(
    (rowId) => `SELECT (SELECT c.${rowId} FROM entry c
      WHERE c.tenant_id = ?1 AND c.branch_id = ?2 AND c.class = ${LISTED.of}
        AND c.namespace = ${LISTED.namespace} AND c.name = ${LISTED.name} AND c.to_seq = ${OPEN})
    FROM ${dialect.each('?3', 'k')}`,
  )}`,

  insertRows: insertRows(dialect),

  /** `?2`: as `?4` of `guardFolders`. */
  insertFolders: `INSERT INTO folder (tenant_id, location, object_id)
    SELECT ?1, l.value->>0, t.value->>1 FROM ${dialect.each('?2', 't')}, ${dialect.each('t.value->2', 'l')} WHERE true
    ON CONFLICT DO NOTHING`,

  /** `?3`: time, `?4`: ids, `?5`: log records, `?6`: changes. */
  insertLog: `INSERT INTO log (tenant_id, branch_id, seq, at, ids, records, changes)
    VALUES (?1, ?2, ${HEAD}, ?3, ?4, ?5, ?6)`,

  /** `?2`: the purge requests as they are, `?3`: time. */
  insertPurges: `INSERT INTO purge (tenant_id, id, object_id, warehouse_id, metadata_location, locations, state, created_at)
    SELECT ?1, p.value->>'id', p.value->>'objectId', p.value->>'warehouseId', p.value->>'metadataLocation',
      CAST(p.value->'locations' AS TEXT), 'pending', ?3
    FROM ${dialect.each('?2', 'p')}`,

  insertPurgeFolders: `INSERT INTO purge_folder (tenant_id, location, purge_id, object_id)
    SELECT ?1, l.value, p.value->>'id', p.value->>'objectId'
    FROM ${dialect.each('?2', 'p')}, ${dialect.eachText("p.value->'locations'", 'l')} WHERE true ON CONFLICT DO NOTHING`,

  /** `?3`: the ids. Answers the commit's position. */
  setSeq: `UPDATE commit_id SET seq = ${HEAD}
    WHERE tenant_id = ?1 AND ${dialect.isIn('id', '?3')} RETURNING seq`,

  /** The fence: after it, the id is decided for good. */
  insertVoid: `INSERT INTO commit_id (tenant_id, id, outcome) VALUES (?1, ?2, 'void') ON CONFLICT DO NOTHING`,

  selectDecided: `SELECT d.outcome, d.seq FROM commit_id d WHERE d.tenant_id = ?1 AND d.id = ?2`,

  /** `?2`: the ids. The first member whose id is taken. */
  selectTakenId: firstTaken(dialect, 'm.key AS "index"', 'commit_id d WHERE d.tenant_id = ?1 AND d.id = m.value'),

  /** `?2`: idempotency keys, or null, by member. The first that stands for an answer. */
  selectTakenKey: firstTaken(dialect, 'm.value AS "key"', 'idempotency d WHERE d.tenant_id = ?1 AND d.key = m.value'),
}))

function firstTaken(dialect: Dialect, named: string, taken: string): string {
  return `SELECT ${named} FROM ${dialect.eachText('?2', 'm')}
    WHERE ${dialect.any(`SELECT 1 FROM ${taken}`)} ORDER BY m.key LIMIT 1`
}

const HEAD = '(SELECT h.head_seq FROM ref h WHERE h.tenant_id = ?1 AND h.id = ?2)'

/** `?3`: `[[class, namespace, name, expected rev or null], …]`. */
function guardExpect(dialect: Dialect): string {
  const e = decidingRow(dialect, LISTED, 'e')
  return `WITH ${lineageAt(dialect, HEAD_BY_ID)}
    INSERT INTO guard (message)
    SELECT 'guard:{"outcome":"conflict","change":' || k.key || '}' FROM ${dialect.each('?3', 'k')}
    WHERE (SELECT CASE WHEN e.tombstone = 0 THEN e.rev END FROM ${e.from} WHERE ${e.is})
      IS DISTINCT FROM k.value->>3
    ORDER BY k.key LIMIT 1`
}

const CHECKED = keyIn("c.value->'exists'")
const WALKED = { of: 'w.of', namespace: 'w.namespace', name: 'w.name' }

/**
 * `?3`: the checks as they are. An "empty" namespace is walked from name to name, over both classes and all branches of
 * the lineage, up to the first name that is visible.
 */
function guardChecks(dialect: Dialect): string {
  return `WITH RECURSIVE ${lineageAt(dialect, HEAD_BY_ID)},
      start (number, of, namespace) AS (
        SELECT c.key, o.value, c.value->>'empty'
        FROM ${dialect.each('?3', 'c')}, ${dialect.eachText(`'["namespace","asset"]'`, 'o')}
        WHERE c.value->>'empty' IS NOT NULL
      ),
      walk (number, of, namespace, name) AS (
        SELECT s.number, s.of, s.namespace, ${nextName({ of: 's.of', namespace: 's.namespace', name: "''" })} FROM start s
        UNION ALL
        SELECT w.number, w.of, w.namespace, ${nextName(WALKED)} FROM walk w
        WHERE w.name IS NOT NULL AND NOT ${isVisible(dialect, WALKED)}
      )
    INSERT INTO guard (message)
    SELECT 'guard:{"outcome":"check-failed","check":' || failed.number || '}' FROM (
      SELECT c.key AS number FROM ${dialect.each('?3', 'c')}
      WHERE c.value->'exists' IS NOT NULL AND NOT ${isVisible(dialect, CHECKED, `c.value->>'objectId'`)}
      UNION ALL
      SELECT w.number FROM walk w WHERE w.name IS NOT NULL AND ${isVisible(dialect, WALKED)}
      UNION ALL
      SELECT c.key FROM ${dialect.each('?3', 'c')} WHERE ${isTrimmed("c.value->>'untrimmed'")} = 1
    ) failed ORDER BY failed.number LIMIT 1`
}

/** As a value, which is looked up file by file: joined, whole tables would be read. */
function isTrimmed(metadataLocation: string): string {
  return `(SELECT max(e.trimmed) FROM entry e WHERE e.tenant_id = ?1 AND e.metadata_location = ${metadataLocation})`
}

/**
 * Parameters as {@link guardFolders}, which comes after it. Commits to other branches of the tenant are waited for if they
 * and this one bring folders that their keys don't show already: neither would see the other's.
 */
function lockFolders(dialect: Dialect): string | null {
  if (dialect.lock === null) return null
  const e = decidingRow(dialect, LISTED, 'e')
  const isShownAlready = `EXISTS (SELECT 1 FROM ${dialect.each('?3', 'k')} CROSS JOIN ${e.from}
    WHERE k.key = ${int('t.value->>0')} AND ${e.is} AND e.tombstone = 0 AND e.object_id = t.value->>1
      AND l.value->>0 IN (SELECT el.value FROM ${dialect.eachText('e.locations', 'el')}))`
  return `WITH ${lineageAt(dialect, HEAD_BY_ID)}
    SELECT ${dialect.lock(`'folders ' || ?1`, 'exclusive')} FROM (
      SELECT 1 FROM ${dialect.each('?4', 't')}, ${dialect.each('t.value->2', 'l')} WHERE NOT ${isShownAlready} LIMIT 1
    ) brought`
}

/**
 * `?3`: keys as in {@link guardExpect}; `?4`: `[[index of the change, object id, [[…as {@link spanOf}, must be unused
 * before], …], clashes within the commit], …]`.
 */
function guardFolders(dialect: Dialect): string {
  // Whether this commit moves a row that its branch shows of the object: then its own purge elsewhere has not begun.
  const e = decidingRow(dialect, LISTED, 'e')
  const isKept = `EXISTS (
    SELECT 1 FROM ${dialect.each('?3', 'k')} CROSS JOIN ${e.from} WHERE ${e.is} AND e.tombstone = 0 AND e.object_id = t.value->>1)`
  const isUsed = `f.object_id <> t.value->>1 AND (${int('l.value->>3')} = 1 OR ${isShown(dialect)})`
  return `WITH ${lineageAt(dialect, HEAD_BY_ID)}, ${bounds(dialect)}
    INSERT INTO guard (message)
    SELECT 'guard:{"outcome":"overlap","change":' || (t.value->>0) || '}' FROM ${dialect.each('?4', 't')}
    WHERE ${int('t.value->>3')} = 1 OR EXISTS (
      SELECT 1 FROM ${dialect.each('t.value->2', 'l')}
      WHERE ${overlapping(dialect, 'folder', isUsed)}
        OR ${overlapping(dialect, 'purge_folder', `(f.object_id <> t.value->>1 OR NOT ${isKept})`)})
    ORDER BY t.key LIMIT 1`
}

const CHANGED = keyIn("k.value->'key'")

/**
 * `?3`: the changes as they are, `?4`: rev. A dropped key becomes a tombstone if an ancestor still shows it, carrying the
 * object it hides; otherwise having closed its row was enough.
 */
function insertRows(dialect: Dialect): string {
  const part = (name: string, otherwise: string): string =>
    `coalesce(CAST(k.value->'next'->'${name}' AS TEXT), '${otherwise}')`
  const hidden = decidingRow(dialect, CHANGED, 'hidden')
  // What the branch rests on, without itself.
  return `WITH lineage (depth, branch_id, seq) AS MATERIALIZED (
      SELECT a.key, ${BOUND} FROM ref b, ${dialect.each('b.ancestors', 'a')} WHERE b.tenant_id = ?1 AND b.id = ?2)
    INSERT INTO entry (tenant_id, branch_id, class, namespace, name, from_seq, to_seq, rev, object_id, kind, tombstone,
      metadata_location, locations, properties, summary, trimmed)
    SELECT ?1, ?2, ${CHANGED.of}, ${CHANGED.namespace}, ${CHANGED.name}, ${HEAD}, ${OPEN}, ?4,
      coalesce(k.value->'next'->>'objectId', hidden.object_id), coalesce(k.value->'next'->>'kind', hidden.kind),
      CASE WHEN hidden.object_id IS NULL THEN 0 ELSE 1 END, k.value->'next'->>'metadataLocation',
      ${part('locations', '[]')}, ${part('properties', '{}')}, ${part('summary', '{}')}, 0
    FROM ${dialect.each('?3', 'k')}
      LEFT JOIN ${hidden.from} ON k.value->>'next' IS NULL AND ${hidden.is} AND hidden.tombstone = 0
    WHERE k.value->>'next' IS NOT NULL OR hidden.object_id IS NOT NULL`
}
