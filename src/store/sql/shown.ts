import { folderRange, foldersAbove } from '#versions/folders'
import type { Dialect } from './dialect.ts'
import { BOUND, OPEN } from './lineage.ts'

/**
 * Pieces of SQL that say what of a tenant can still be seen. `?1` is the tenant. Whoever uses them has a row `f` of the
 * table `folder`, and the common table of {@link bounds}, which is made only once a folder is asked about.
 */

/** Every position that a reader can still name: heads of open branches, tags, and what either rests on. */
export function bounds(dialect: Dialect): string {
  const ancestors = dialect.each('h.ancestors', 'a')
  return `bounds (branch_id, seq) AS MATERIALIZED (
    SELECT h.id, ${OPEN} - 1 FROM ref h WHERE h.tenant_id = ?1 AND h.kind = 'branch' AND h.state = 'open'
    UNION SELECT ${BOUND} FROM ref h, ${ancestors}
      WHERE h.tenant_id = ?1 AND h.kind = 'branch' AND h.state = 'open'
    UNION SELECT t.branch_id, t.seq FROM ref t WHERE t.tenant_id = ?1 AND t.kind = 'tag'
    UNION SELECT ${BOUND} FROM ref t, ref h, ${ancestors}
      WHERE t.tenant_id = ?1 AND t.kind = 'tag' AND h.tenant_id = ?1 AND h.id = t.branch_id)`
}

/**
 * Whether a row with the folder `f` is shown at one of the bounds. It goes from bound to bound: at the head of a branch
 * that has dropped the object there is no row to read, however long its history.
 */
export function isShown(dialect: Dialect): string {
  const isShownAt = dialect.any(`SELECT 1 FROM entry e CROSS JOIN ${dialect.eachText('e.locations', 'el')}
    WHERE e.tenant_id = ?1 AND e.object_id = f.object_id AND e.branch_id = b.branch_id AND e.to_seq > b.seq
      AND e.from_seq <= b.seq AND e.tombstone = 0 AND el.value = f.location`)
  return dialect.any(`SELECT 1 FROM bounds b WHERE ${isShownAt}`)
}

/** A folder as `l.value` of {@link overlapping}: itself, the end of its range, and those it lies in. */
export function spanOf(location: string): [from: string, to: string, above: readonly string[]] {
  const { from, to } = folderRange(location)
  return [from, to, foldersAbove(location)]
}

/** Whether the table of folders has one that is, holds or lies in `l.value`, and for whose row `f` the condition holds. */
export function overlapping(dialect: Dialect, table: 'folder' | 'purge_folder', condition: string): string {
  const find = (where: string): string =>
    dialect.any(`SELECT 1 FROM ${table} f WHERE f.tenant_id = ?1 AND ${where} AND ${condition}`)
  return `(${find('f.location >= l.value->>0 AND f.location < l.value->>1')} OR ${find(dialect.isIn('f.location', 'l.value->2'))})`
}
