import type { NotNull } from 'drizzle-orm'
import {
  integer,
  sqliteTable,
  text,
  type SQLiteIntegerBuilderInitial,
  type SQLiteTextBuilderInitial,
} from 'drizzle-orm/sqlite-core'
import { sqlName, TABLES, type Columns } from './columns.ts'

type Plain<C extends Columns[string]> = C['type'] extends 'integer'
  ? SQLiteIntegerBuilderInitial<''>
  : SQLiteTextBuilderInitial<'', [string, ...string[]], undefined>

type Builder<C extends Columns[string]> = C['nullable'] extends true ? Plain<C> : NotNull<Plain<C>>

/** The column table in drizzle's SQLite dialect. JSON is text there, and stays text: rows look the same in raw SQL. */
function sqliteColumns<C extends Columns>(columns: C): { [K in keyof C]: Builder<C[K]> } {
  const built = Object.entries(columns).map(([name, { type, nullable }]) => {
    const column = type === 'integer' ? integer(sqlName(name)) : text(sqlName(name))
    return [name, nullable ? column : column.notNull()]
  })
  return Object.fromEntries(built) as { [K in keyof C]: Builder<C[K]> }
}

export const record = sqliteTable('record', sqliteColumns(TABLES.record))
export const ref = sqliteTable('ref', sqliteColumns(TABLES.ref))
export const log = sqliteTable('log', sqliteColumns(TABLES.log))
export const audit = sqliteTable('audit', sqliteColumns(TABLES.audit))
export const purge = sqliteTable('purge', sqliteColumns(TABLES.purge))

/** Never holds anything: inserting into it breaks the batch, with the message. */
export const guard = sqliteTable('guard', { message: text().notNull() })
