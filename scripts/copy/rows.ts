import { hash } from 'node:crypto'
import type { Warehouse } from '#domain/records'
import { RECORD_KINDS } from '#store/kinds'
import { TABLES, type Columns } from '#store/sql/columns'
import type { SqlValue } from '#store/sql/database'

/** The logical tables of a catalog, whatever database it is in: those of the SQL stores. */
export type Table = keyof typeof TABLES

/** A row as `TABLES` has it. JSON columns are canonical text: no spaces, names in order. */
export type Row = Readonly<Record<string, SqlValue>>

/** What a tenant is found by, and with it everything that is copied: last, and only once all else is right. */
export const RECORDS: readonly Table[] = ['record']

/** Everything else; an entry's commit comes after the entry. */
export const CONTENTS: readonly Table[] = [
  'ref',
  'folder',
  'entry',
  'log',
  'commitId',
  'idempotency',
  'audit',
  'purge',
  'purgeFolder',
  'metricsReport',
]

/** What tells the rows of a tenant's table apart, in the order in which they are read. */
export const KEYS: { readonly [T in Table]: readonly (keyof (typeof TABLES)[T] & string)[] } = {
  record: ['kind', 'id'],
  ref: ['id'],
  folder: ['location', 'objectId'],
  entry: ['branchId', 'class', 'namespace', 'name', 'fromSeq'],
  log: ['branchId', 'seq'],
  commitId: ['id'],
  idempotency: ['key'],
  audit: ['id'],
  purge: ['id'],
  purgeFolder: ['location', 'purgeId'],
  metricsReport: ['objectId', 'id'],
}

/** Rows of one table of one tenant; `position` is where the next ones begin, in the words of the source. */
export interface Batch {
  readonly tenant: string
  readonly table: Table
  readonly rows: readonly Row[]
  readonly position: string
}

/** Rows of a batch, and UTF-16 code units of what they hold: both are far below what any database takes at once. */
export const BATCH_ROWS_MAX = 1000
export const BATCH_CHARS_MAX = 1_000_000

export function columnsOf(table: Table): Columns {
  return TABLES[table]
}

/** A row with its JSON columns in canonical form. */
export function canonical(table: Table, row: Row): Row {
  const columns = Object.entries(columnsOf(table))
  return Object.fromEntries(
    columns.map(([name, { type }]) => [name, type === 'json' ? canonicalJson(String(row[name])) : (row[name] ?? null)]),
  )
}

/** JSON text without spaces, and with the names of each object in order: stores keep neither. */
function canonicalJson(text: string): string {
  return JSON.stringify(JSON.parse(text), (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  )
}

/** A row as one line: its table and its values, in the order of the columns. */
export function lineOf(table: Table, row: Row): string {
  return JSON.stringify([table, ...Object.keys(columnsOf(table)).map((name) => row[name] ?? null)])
}

/** The inverse of {@link lineOf}. */
export function rowOf([table, ...values]: readonly [Table, ...SqlValue[]]): Row {
  return Object.fromEntries(Object.keys(columnsOf(table)).map((name, i) => [name, values[i] ?? null]))
}

/** The folder of a warehouse's record; null for any other record. */
export function folderOf({ kind, doc }: Row): string | null {
  return kind === 'warehouse' ? RECORD_KINDS.warehouse.folder(JSON.parse(String(doc)) as Warehouse) : null
}

/** How many rows there are of each table, and the sum of their hashes: the order in which they came doesn't count. */
export class Digest {
  readonly #of = new Map<Table, { rows: number; sum: bigint }>()

  constructor(saved: SavedDigest = {}) {
    for (const [table, { rows, sum }] of Object.entries(saved))
      this.#of.set(table as Table, { rows, sum: BigInt(`0x${sum}`) })
  }

  add({ table, rows }: Pick<Batch, 'table' | 'rows'>): void {
    if (rows.length === 0) return
    const of = this.#of.get(table) ?? { rows: 0, sum: 0n }
    for (const row of rows) of.sum = BigInt.asUintN(256, of.sum + BigInt(`0x${hash('sha256', lineOf(table, row))}`))
    of.rows += rows.length
    this.#of.set(table, of)
  }

  get rows(): number {
    return [...this.#of.values()].reduce((sum, { rows }) => sum + rows, 0)
  }

  saved(): SavedDigest {
    const byName = [...this.#of].toSorted(([a], [b]) => (a < b ? -1 : 1))
    return Object.fromEntries(byName.map(([table, { rows, sum }]) => [table, { rows, sum: sum.toString(16) }]))
  }

  /** SHA-256 over all of it. */
  checksum(): string {
    return hash('sha256', JSON.stringify(this.saved()))
  }
}

export type SavedDigest = Readonly<Record<string, { readonly rows: number; readonly sum: string }>>
