import { sql } from 'drizzle-orm'
import { check, customType, index, pgSequence, pgTable, primaryKey, uniqueIndex } from 'drizzle-orm/pg-core'
import { sqlName, TABLES, type Column, type Columns } from '#store/sql/columns'
import { POSTGRES } from '#store/sql/dialect'
import { OPEN_SEQ } from '#versions/model'

/**
 * The Postgres schema, of which `npm run db:generate` makes the migrations in `drizzle/`. Columns come from the column
 * table, so that rows look as they do in D1: JSON is text, and whatever is compared is compared by bytes.
 */

const SQL_TYPES = { text: 'text COLLATE "C"', json: 'text COLLATE "C"', integer: 'bigint' } as const

const column = customType<{ data: unknown; config: Column; configRequired: true }>({
  dataType: ({ type }) => SQL_TYPES[type],
})

function columnsOf<C extends Columns>(columns: C): { [K in keyof C]: ReturnType<typeof column> } {
  const built = Object.entries(columns).map(([name, definition]) => {
    const made = column(sqlName(name), definition)
    return [name, definition.nullable ? made : made.notNull()]
  })
  return Object.fromEntries(built) as { [K in keyof C]: ReturnType<typeof column> }
}

const isOpen = sql.raw(`to_seq = ${OPEN_SEQ}`)

export const record = pgTable('record', columnsOf(TABLES.record), (t) => [
  primaryKey({ columns: [t.tenantId, t.kind, t.id] }),
  uniqueIndex('record_name').on(t.tenantId, t.kind, t.name),
  index('record_owner').on(t.tenantId, t.kind, t.owner, t.id).where(sql.raw('owner IS NOT NULL')),
  // The folder of every tenant's warehouses: none may overlap with another tenant's.
  index('record_storage')
    .on(sql.raw(POSTGRES.warehouseFolder('record')), t.tenantId)
    .where(sql.raw("kind = 'warehouse'")),
])

/** Branches and tags. A branch points at itself with an open bound. Names are unique among what is open. */
export const ref = pgTable('ref', columnsOf(TABLES.ref), (t) => [
  primaryKey({ columns: [t.tenantId, t.id] }),
  uniqueIndex('ref_name').on(t.tenantId, t.catalogId, t.name).where(sql.raw("state = 'open'")),
  check('ref_kind', sql`kind IN ('branch', 'tag')`),
  check('ref_state', sql`state IN ('open', 'closed')`),
])

export const entry = pgTable('entry', columnsOf(TABLES.entry), (t) => [
  primaryKey({ columns: [t.tenantId, t.branchId, t.class, t.namespace, t.name, t.fromSeq] }),
  uniqueIndex('entry_current').on(t.tenantId, t.branchId, t.class, t.namespace, t.name).where(isOpen),
  index('entry_listing')
    .on(t.tenantId, t.branchId, t.class, t.namespace, t.kind, t.name)
    .where(sql`${isOpen} AND tombstone = 0`),
  index('entry_object').on(t.tenantId, t.objectId, t.branchId, t.toSeq),
  index('entry_metadata').on(t.tenantId, t.metadataLocation).where(sql.raw('metadata_location IS NOT NULL')),
  index('entry_trimmed').on(t.tenantId, t.branchId, t.toSeq).where(sql.raw('trimmed = 1')),
  check('entry_class', sql`class IN ('namespace', 'asset')`),
])

/** Every folder that a row of an object ever had. */
export const folder = pgTable('folder', columnsOf(TABLES.folder), (t) => [
  primaryKey({ columns: [t.tenantId, t.location, t.objectId] }),
])

export const log = pgTable('log', columnsOf(TABLES.log), (t) => [
  primaryKey({ columns: [t.tenantId, t.branchId, t.seq] }),
])

/** What became of every commit id: a void one was asked about before it landed, and never will. */
export const commitId = pgTable('commit_id', columnsOf(TABLES.commitId), (t) => [
  primaryKey({ columns: [t.tenantId, t.id] }),
  check('commit_id_outcome', sql`outcome IN ('committed', 'void')`),
])

/** What requests with an idempotency key were answered, kept for a while. A key belongs to one caller of one tenant. */
export const idempotency = pgTable('idempotency', columnsOf(TABLES.idempotency), (t) => [
  primaryKey({ columns: [t.tenantId, t.key] }),
  index('idempotency_at').on(t.tenantId, t.at, t.key),
])

export const audit = pgTable('audit', columnsOf(TABLES.audit), (t) => [primaryKey({ columns: [t.tenantId, t.id] })])

/** Numbers audit records, of all tenants. */
export const auditId = pgSequence('audit_id')

export const purge = pgTable('purge', columnsOf(TABLES.purge), (t) => [
  primaryKey({ columns: [t.tenantId, t.id] }),
  index('purge_pending').on(t.tenantId, t.createdAt, t.id).where(sql.raw("state = 'pending'")),
  check('purge_state', sql`state IN ('pending', 'done')`),
])

/** The folders of pending purges: closed to new tables. */
export const purgeFolder = pgTable('purge_folder', columnsOf(TABLES.purgeFolder), (t) => [
  primaryKey({ columns: [t.tenantId, t.location, t.purgeId] }),
])

/** What engines report of their scans and commits: the last ones of each table, numbered within tenant and table. */
export const metricsReport = pgTable('metrics_report', columnsOf(TABLES.metricsReport), (t) => [
  primaryKey({ columns: [t.tenantId, t.id] }),
  uniqueIndex('metrics_report_number').on(t.tenantId, t.objectId, t.number),
])

const words = { message: { type: 'text', nullable: false } } as const

/** Never holds anything: its trigger, which is in the migrations, raises what is inserted, and undoes the transaction. */
export const guard = pgTable('guard', columnsOf(words))
