import { CatalogError } from '#domain/errors'
import type { Dialect, LockMode } from './dialect.ts'

export interface Statement {
  readonly sql: string
  readonly params: readonly SqlValue[]
}
export type SqlValue = string | number | null

/** `changes` counts the rows a statement wrote. Numbers come as numbers, JSON and all else as text. */
export interface SqlResult<Row> {
  readonly rows: readonly Row[]
  readonly changes: number
}

/** One way to reach a database: both calls are one round trip. */
export interface SqlDatabase {
  readonly dialect: Dialect
  /** All of the statements see one state of the database. */
  read<Row = unknown>(statements: readonly Statement[]): Promise<readonly SqlResult<Row>[]>
  /** One transaction, all of it or nothing. Each statement sees what was committed before that statement began. */
  write<Row = unknown>(statements: readonly Statement[]): Promise<readonly SqlResult<Row>[]>
  /** What an error of `read` or `write` means. */
  failureOf(error: unknown): SqlFailure
}

export type SqlFailure =
  /** A statement inserted the message into `guard`. Nothing was changed. */
  | { readonly kind: 'guard'; readonly message: string }
  /** A key of the table was taken. Nothing was changed. */
  | { readonly kind: 'taken'; readonly table: string }
  /** Nothing was changed, and the next attempt may succeed. */
  | { readonly kind: 'again' }
  /** Nothing was changed, and nothing will be until somebody sees to the database. The sentence says what is wrong. */
  | { readonly kind: 'unavailable'; readonly reason: string }
  /** Text that the database cannot keep, or look for. Nothing was changed. */
  | { readonly kind: 'no-text' }
  /** The statement itself is wrong. Nothing was changed. */
  | { readonly kind: 'refused' }
  /** The answer was lost: it may have happened or not. */
  | { readonly kind: 'unknown' }

/**
 * Ends a request whose query failed. @throws CatalogError always, but for a defect of ours, which is thrown as it is:
 * `unavailable` where trying later may help, `bad-request` for what is no text
 */
export function failed(db: SqlDatabase, error: unknown): never {
  const failure = db.failureOf(error)
  if (failure.kind === 'unavailable') throw new CatalogError('unavailable', failure.reason, error)
  if (failure.kind === 'no-text')
    throw new CatalogError('bad-request', 'Text may hold neither U+0000 nor half of a surrogate pair', error)
  if (failure.kind === 'again' || failure.kind === 'unknown')
    throw new CatalogError('unavailable', 'The catalog database did not answer; try again', error)
  throw error
}

/** The rows of one statement. @throws as {@link failed} */
export async function select<Row>(db: SqlDatabase, sql: string, ...params: SqlValue[]): Promise<readonly Row[]> {
  const [result] = await db.read<Row>([{ sql, params }]).catch((error: unknown) => failed(db, error))
  return result?.rows ?? []
}

/** A row that is one value, named `json`. */
export interface JsonRow {
  readonly json: string
}

/** As {@link select}, of rows that are one value each, named `json`. */
export async function selectJson<T>(db: SqlDatabase, sql: string, ...params: SqlValue[]): Promise<T[]> {
  return (await select<JsonRow>(db, sql, ...params)).map(({ json }) => JSON.parse(json) as T)
}

/** The results of one transaction. @throws as {@link failed} */
export async function write<Row>(
  db: SqlDatabase,
  statements: readonly Statement[],
): Promise<readonly SqlResult<Row>[]> {
  return db.write<Row>(statements).catch((error: unknown) => failed(db, error))
}

/** How many rows one statement wrote. @throws as {@link failed} */
export async function change(db: SqlDatabase, sql: string, ...params: SqlValue[]): Promise<number> {
  const [result] = await write(db, [{ sql, params }])
  return result?.changes ?? 0
}

/** What comes first in a batch that must not run beside others of one purpose; nothing where that never happens. */
export function lockFor({ lock }: Dialect, purpose: string, mode: LockMode = 'exclusive'): Statement[] {
  return lock === null ? [] : [{ sql: `SELECT ${lock('?1', mode)}`, params: [purpose] }]
}

/**
 * Keeps files from being given up, by whoever has the exclusive lock, while somebody with a shared one makes what shows
 * them: neither would see the other's rows.
 */
export function lockVersions(dialect: Dialect, tenantId: string, mode: LockMode): Statement[] {
  return lockFor(dialect, `versions ${tenantId}`, mode)
}
