import { jsonOf } from './columns.ts'
import type { Dialect } from './dialect.ts'

/** What the ports speak of, as SQL makes it of a row: JSON text, which is all there is to reading it. */

/** An `Entry`. */
export function entryJson(dialect: Dialect, alias: string): string {
  return jsonOf(dialect, 'entry', alias, ['tenantId', 'tombstone', 'trimmed'])
}

/** A `Branch`. */
export function branchJson(dialect: Dialect, alias: string): string {
  return jsonOf(dialect, 'ref', alias, ['tenantId', 'kind', 'branchId', 'seq', 'createdAt'])
}

/** A `CatalogTag`. */
export function tagJson(dialect: Dialect, alias: string): string {
  const at = dialect.object({ branchId: `${alias}.branch_id`, seq: `${alias}.seq` })
  return dialect.object({ id: `${alias}.id`, catalogId: `${alias}.catalog_id`, name: `${alias}.name`, at })
}

/** An `IdempotencyRecord`. */
export function answerJson(dialect: Dialect, alias: string): string {
  return jsonOf(dialect, 'idempotency', alias, ['tenantId'])
}
