/**
 * The fragments in which the engines differ; all else in this folder is SQL that both understand. Parameters are `?1`,
 * `?2`, …, may be named in any order, and may arrive as text: where a number counts, {@link int} makes it one.
 */
export interface Dialect {
  readonly engine: 'sqlite' | 'postgres'
  /** Whether a row of the table without alias is one of those that `select` names by the column given to it. */
  rowIn(select: (rowId: string) => string): string
  /** Behind an expression: whether it is one of those that `select` gives, which runs once, whatever it locks. */
  among(select: string): string
  /** Behind a table in FROM: the index without which its rows are sought the long way. */
  indexedBy(index: string): string
  /** Behind a SELECT whose rows are about to be deleted: leaves out those that somebody else is about to. */
  readonly skipLocked: string
  /** The smaller of two numbers. */
  readonly least: string
  /** Elements of a JSON array, in order, as the table `alias` (key from 0, value as JSON): what FROM and JOIN take. */
  each(array: string, alias: string): string
  /** As {@link each}, of an array of texts; `value` is the text itself. */
  eachText(array: string, alias: string): string
  /** Whether a value is one of an array of texts, looked up by an index. */
  isIn(value: string, array: string): string
  /** Whether a query (`SELECT 1 FROM …`) finds anything, asked for one row after the other. */
  any(query: string): string
  /**
   * The rows of a table that `where` finds, at most `limit`, under the name `alias`: what FROM and JOIN take, and the
   * condition that goes with it. They are sought anew for each row in front of them.
   */
  seek(table: string, alias: string, where: (row: string) => string, limit: string): RowSql
  /** Text that holds JSON, or JSON itself, as a member of other JSON. */
  json(text: string): string
  /** JSON with these members, each an SQL expression. */
  object(members: Readonly<Record<string, string>>): string
  /** An aggregate: the array of all `item`, as text. */
  arrayOf(item: string, order: string): string
  arrayLength(array: string): string
  /** The number of the `index`th new audit record of a tenant (`?1`): later ones have higher numbers. */
  auditNumber(index: string): string
  /** The folder of a warehouse's record, as the index `record_storage` has it. */
  warehouseFolder(alias: string): string
  /**
   * Selected in a statement of its own, it waits for other batches with the same purpose, so that what comes after sees
   * what they have written; null where batches are never under way together.
   */
  readonly lock: ((purpose: string, mode: LockMode) => string) | null
}

/** An exclusive lock goes with no other one, shared ones go with each other. */
export type LockMode = 'exclusive' | 'shared'

/** Rows of a statement: what FROM and JOIN take, and the condition that goes with it. */
export interface RowSql {
  readonly from: string
  readonly is: string
}

export const SQLITE: Dialect = {
  engine: 'sqlite',
  rowIn: (select) => `rowid IN (${select('rowid')})`,
  among: (select) => `IN (${select})`,
  indexedBy: (index) => `INDEXED BY ${index}`,
  skipLocked: '',
  least: 'min',
  each: (array, alias) => `json_each(${array}) ${alias}`,
  eachText: (array, alias) => `json_each(${array}) ${alias}`,
  isIn: (value, array) => `${value} IN (SELECT one.value FROM json_each(${array}) one)`,
  any: (query) => `EXISTS (${query})`,
  seek: (table, alias, where) => ({ from: `${table} ${alias}`, is: where(alias) }),
  json: (text) => `json(${text})`,
  object: (members) => `json_object(${membersOf(members)})`,
  arrayOf: (item, order) => `json_group_array(json(${item}) ORDER BY ${order})`,
  arrayLength: (array) => `json_array_length(${array})`,
  auditNumber: (index) => `(SELECT coalesce(max(a.id), 0) FROM audit a WHERE a.tenant_id = ?1) + 1 + ${index}`,
  warehouseFolder: (alias) =>
    `('s3://' || (${alias}.doc->>'$.storage.bucket') || '/' || (${alias}.doc->>'$.storage.prefix'))`,
  lock: null,
}

/** Commits of two branches run side by side here, so audit records are numbered by a sequence: with gaps, never twice. */
export const POSTGRES: Dialect = {
  engine: 'postgres',
  rowIn: (select) => `ctid = ANY (ARRAY(${select('ctid')}))`,
  among: (select) => `= ANY (ARRAY(${select}))`,
  indexedBy: () => '',
  skipLocked: 'FOR UPDATE SKIP LOCKED',
  least: 'least',
  each: (array, alias) => elements('jsonb_array_elements', array, alias),
  eachText: (array, alias) => elements('jsonb_array_elements_text', array, alias),
  isIn: (value, array) => `${value} = ANY (ARRAY(SELECT jsonb_array_elements_text((${array})::jsonb)))`,
  // EXISTS may be turned round: into a look at all rows there are, of which one was asked about.
  any: (query) => `coalesce((${query} LIMIT 1) = 1, false)`,
  seek: (table, alias, where, limit) => ({
    from: `LATERAL (SELECT x.* FROM ${table} x WHERE ${where('x')} LIMIT ${limit}) ${alias}`,
    is: 'true',
  }),
  json: (text) => `(${text})::json`,
  object: (members) => `json_build_object(${membersOf(members)})`,
  arrayOf: (item, order) => `json_agg(${item} ORDER BY ${order})::text`,
  arrayLength: (array) => `jsonb_array_length((${array})::jsonb)`,
  auditNumber: () => `nextval('audit_id')`,
  warehouseFolder: (alias) => {
    const storage = `(${alias}.doc)::jsonb->'storage'`
    return `(('s3://' || (${storage}->>'bucket') || '/' || (${storage}->>'prefix')) COLLATE "C")`
  },
  lock: (purpose, mode) =>
    `pg_advisory_xact_lock${mode === 'shared' ? '_shared' : ''}(hashtext('pangolin'), hashtext(${purpose}))`,
}

function elements(unpack: string, array: string, alias: string): string {
  return `LATERAL (SELECT j.n - 1 AS key, j.item AS value FROM ${unpack}((${array})::jsonb) WITH ORDINALITY j (item, n)) ${alias}`
}

function membersOf(members: Readonly<Record<string, string>>): string {
  return Object.entries(members)
    .map(([name, value]) => `'${name}', ${value}`)
    .join(', ')
}

/** A number that came as text, or as JSON. */
export function int(expression: string): string {
  return `CAST(${expression} AS BIGINT)`
}
