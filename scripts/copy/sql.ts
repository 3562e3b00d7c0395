import { COPYING_SCHEMA } from '#store/copying'
import { selectList, sqlName } from '#store/sql/columns'
import { failed, select, type SqlDatabase, type SqlResult, type SqlValue, type Statement } from '#store/sql/database'
import { int, type Dialect } from '#store/sql/dialect'
import { sqlState, UNDEFINED_TABLE } from '#store/sql/postgres/failures'
import { refuseTakenStorage, storageGuard, storageLock } from '#store/sql/storage'
import {
  BATCH_CHARS_MAX,
  BATCH_ROWS_MAX,
  canonical,
  columnsOf,
  CONTENTS,
  folderOf,
  KEYS,
  RECORDS,
  type Row,
  type Table,
} from './rows.ts'
import { Refusal } from '../start/refusal.ts'
import { reader, takenUp, type Progress, type Source, type Target } from './store.ts'

/**
 * An SQL database. `versions` is the table of its schema's versions, `rowsMax` how many rows are read at a time, and
 * `charsMax` how much, in UTF-16 code units, and how much of a parameter's JSON is written.
 */
export function sqlTarget(
  db: SqlDatabase,
  name: string,
  versions: string,
  close: () => Promise<void>,
  rowsMax = BATCH_ROWS_MAX,
  charsMax = BATCH_CHARS_MAX,
): Target {
  const { dialect } = db
  const write = async (statements: readonly Statement[]): Promise<void> =>
    void (await db.write(statements).catch((error: unknown) => failed(db, error)))
  /** Writes only as long as the copy is the owner's, as the first statement finds out; answers what the others did. */
  const asOwner = async (
    holding: Statement,
    ...statements: readonly Statement[]
  ): Promise<readonly SqlResult<unknown>[]> => {
    const [held, ...results] = await db.write([holding, ...statements]).catch((error: unknown) => {
      throw isGone(error) ? takenUp(name) : error
    })
    if (held?.changes === 0) throw takenUp(name)
    return results
  }
  const told = (error: unknown): never => {
    if (error instanceof Refusal) throw error
    return failed(db, error)
  }
  const keep = async (progress: Progress, ...statements: readonly Statement[]): Promise<void> => {
    const doc = JSON.stringify(progress)
    const saving = statement('UPDATE store_copy SET doc = ?1 WHERE owner = ?2', doc, progress.owner)
    await asOwner(saving, ...statements).catch(told)
  }
  const copying = async (): Promise<Progress | null> => {
    const [known] = await select(db, KNOWN[dialect.engine])
    if (known === undefined) return null
    const [row] = await select<{ doc: string; owner: string }>(db, 'SELECT c.doc, c.owner FROM store_copy c')
    return row ? { ...(JSON.parse(row.doc) as Progress), owner: row.owner } : null
  }
  return {
    ...sqlSource(db, name, close, rowsMax, charsMax),
    progress: copying,
    begin: async (progress, isClosed) =>
      write([
        statement('CREATE TABLE store_copy (doc TEXT NOT NULL, owner TEXT NOT NULL)'),
        statement('INSERT INTO store_copy (doc, owner) VALUES (?1, ?2)', JSON.stringify(progress), progress.owner),
        ...(isClosed ? [statement(`INSERT INTO ${versions} (version) VALUES (${COPYING_SCHEMA})`)] : []),
      ]),
    takeUp: async (owner) => void (await asOwner(statement('UPDATE store_copy SET owner = ?1', owner)).catch(told)),
    save: async (progress) => keep(progress),
    write: async ({ table, rows }, progress) => {
      await keep(progress, ...inserting(dialect, table, rows, progress.owner, charsMax))
    },
    finish: async () => (dialect.engine === 'postgres' ? write(MOVE_AUDIT_NUMBERS) : undefined),
    publish: async (tenant, records, owner) => {
      const [there] = await select(db, 'SELECT 1 AS one FROM record r WHERE r.tenant_id = ?1 LIMIT 1', tenant)
      // They came in one transaction, before the process died.
      if (there) return
      const folders = records.flatMap((row) => folderOf(row) ?? [])
      const guards = folders.map((folder) => storageGuard(dialect, tenant, folder))
      try {
        const inserts = inserting(dialect, 'record', records, owner, charsMax)
        await asOwner(mine(owner), ...storageLock(dialect), ...guards, ...inserts)
      } catch (error) {
        for (const folder of folders) refuseTakenStorage(db, error, folder)
        told(error)
      }
    },
    discard: async (tenants, owner) => {
      const removed = async (table: Table, tenant: string): Promise<number> => {
        const [gone] = await asOwner(mine(owner), statement(discardSql(table), tenant, owner)).catch(told)
        return gone?.changes ?? 0
      }
      for (const tenant of tenants)
        for (const table of [...RECORDS, ...CONTENTS]) while ((await removed(table, tenant)) > 0);
    },
    end: async (owner) => {
      if ((await copying())?.owner !== owner) throw takenUp(name)
      const ending = write([
        // Breaks the transaction if another run has taken the copy up: a document is never null.
        statement('UPDATE store_copy SET doc = CASE owner WHEN ?1 THEN doc END', owner),
        statement('DROP TABLE store_copy'),
        statement(`DELETE FROM ${versions} WHERE version = ${COPYING_SCHEMA}`),
      ])
      await ending.catch(async (error: unknown) => {
        const left = await copying()
        // It has ended, and only the answer was lost.
        if (left === null) return
        throw left.owner === owner ? error : takenUp(name)
      })
    },
    warehouses: async () => {
      const found = await select<{ tenant: string; kind: string; doc: string }>(db, WAREHOUSES)
      return found.flatMap((row) => ({ tenant: row.tenant, folder: folderOf(row) ?? '' }))
    },
  }
}

const KNOWN = {
  sqlite: `SELECT 1 AS one FROM sqlite_master WHERE name = 'store_copy'`,
  postgres: `SELECT 1 AS one WHERE to_regclass('store_copy') IS NOT NULL`,
}

/** Whether the copy was removed, or has ended: PostgreSQL says so in the language of its server. */
function isGone(error: unknown): boolean {
  const text = String(error)
  return sqlState(error) === UNDEFINED_TABLE ? text.includes('store_copy') : /no such table: \S*store_copy\b/.test(text)
}

const WAREHOUSES = `SELECT r.tenant_id AS tenant, r.kind, r.doc FROM record r WHERE r.kind = 'warehouse'`

/** Changes nothing if the copy is another owner's; otherwise nobody takes it up before the transaction has ended. */
function mine(owner: string): Statement {
  return statement('UPDATE store_copy SET owner = owner WHERE owner = ?1', owner)
}

/** Rows of one statement that removes them: D1 ends one that takes too long. */
const DISCARD_ROWS_MAX = 10_000

function discardSql(table: Table): string {
  const [name, keys] = [sqlName(table), KEYS[table].map((column) => sqlName(column)).join(', ')]
  return `DELETE FROM ${name} WHERE tenant_id = ?1 AND EXISTS (SELECT 1 FROM store_copy c WHERE c.owner = ?2)
    AND (${keys}) IN (SELECT ${keys} FROM ${name} WHERE tenant_id = ?1 LIMIT ${DISCARD_ROWS_MAX})`
}

/** Nobody takes a number in between. */
const MOVE_AUDIT_NUMBERS = [
  statement('LOCK TABLE audit IN EXCLUSIVE MODE'),
  statement(`SELECT setval('audit_id', m.id) FROM (SELECT max(a.id) AS id FROM audit a) m, audit_id s
    WHERE m.id >= s.last_value`),
]

function statement(sql: string, ...params: readonly SqlValue[]): Statement {
  return { sql, params }
}

/**
 * Rows travel together in one parameter, as many as fit; one that alone does not, in a parameter for each value. They come
 * only as long as the copy is the owner's.
 */
function inserting(dialect: Dialect, table: Table, rows: readonly Row[], owner: string, charsMax: number): Statement[] {
  const columns = Object.entries(columnsOf(table))
  const insert = (values: readonly string[], from: string, params: readonly SqlValue[]): Statement =>
    statement(
      `INSERT INTO ${sqlName(table)} (${columns.map(([name]) => sqlName(name)).join(', ')})
        SELECT ${columns.map(([, { type }], i) => (type === 'integer' ? int(values[i] ?? '') : values[i])).join(', ')} ${from}
        WHERE EXISTS (SELECT 1 FROM store_copy c WHERE c.owner = ?1)`,
      owner,
      ...params,
    )
  const together = columns.map((_, i) => `r.value->>${i}`)
  const lines = rows.map((row) => JSON.stringify(columns.map(([name]) => row[name] ?? null)))
  return groupsOf(lines, charsMax).map((group) => {
    const [line = ''] = group
    if (line.length < charsMax) return insert(together, `FROM ${dialect.each('?2', 'r')}`, [`[${group.join(',')}]`])
    const given: SqlValue[] = []
    const values = JSON.parse(line) as SqlValue[]
    return insert(
      values.map((value) => (value === null ? 'NULL' : `?${given.push(value) + 1}`)),
      '',
      given,
    )
  })
}

/** Texts in runs of less than `charsMax` UTF-16 code units; one that is as long as that is alone. */
function groupsOf(texts: readonly string[], charsMax: number): string[][] {
  const groups: string[][] = []
  let chars = 0
  for (const text of texts) {
    chars += text.length
    const group = groups.at(-1)
    if (group && chars < charsMax) group.push(text)
    else {
      groups.push([text])
      chars = text.length
    }
  }
  return groups
}

function sqlSource(
  db: SqlDatabase,
  name: string,
  close: () => Promise<void>,
  rowsMax: number,
  charsMax: number,
): Source {
  return {
    name,
    close,
    tenants: async () => {
      const tenants: string[] = []
      for (;;) {
        const [row] = await select<{ next: string | null }>(db, NEXT_TENANT, tenants.at(-1) ?? '')
        if (!row?.next) return tenants
        tenants.push(row.next)
      }
    },
    read: reader(async function* pages(tenant, table, after) {
      for (let key = after; ;) {
        const rows = await select<Row>(db, pageSql(table, key !== null, rowsMax, charsMax), tenant, ...valuesOf(key))
        const last = rows.at(-1)
        if (!last) return
        key = JSON.stringify(KEYS[table].map((column) => last[column]))
        yield { rows: rows.map((row) => canonical(table, row)), key }
      }
    }),
  }
}

function valuesOf(key: string | null): SqlValue[] {
  return key === null ? [] : (JSON.parse(key) as SqlValue[])
}

/** Every table but that of records may have tenants who have nothing else yet. A UNION may have five members on D1. */
const NEXT_TENANT = `WITH t (tenant_id) AS (VALUES ${[...RECORDS, ...CONTENTS]
  .map((table) => `((SELECT min(tenant_id) FROM ${sqlName(table)} WHERE tenant_id > ?1))`)
  .join(', ')}) SELECT min(t.tenant_id) AS next FROM t`

/** `?2` and so on: the key behind which to go on. The database counts characters before it sends any. */
function pageSql(table: Table, goesOn: boolean, rowsMax: number, charsMax: number): string {
  const columns = columnsOf(table)
  const keys = KEYS[table].map((name) => sqlName(name)).join(', ')
  const from = KEYS[table].map((name, i) => (columns[name]?.type === 'integer' ? int(`?${i + 2}`) : `?${i + 2}`))
  const texts = Object.entries(columns).filter(([, { type }]) => type !== 'integer')
  const size = texts.map(([name]) => `coalesce(length(x.${sqlName(name)}), 0)`).join(' + ')
  return `SELECT ${selectList(table, 's').replace('s.number AS', `${RANK} AS`)} FROM (
      SELECT x.*, sum(${size}) OVER (ORDER BY ${keys} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS ahead FROM (
        SELECT t.* FROM ${sqlName(table)} t WHERE t.tenant_id = ?1 ${goesOn ? `AND (${keys}) > (${from.join(', ')})` : ''}
        ORDER BY ${keys} LIMIT ${rowsMax}) x) s
    WHERE coalesce(s.ahead, 0) < ${charsMax} ORDER BY ${keys}`
}

/** The number of a metrics report, counted from 1: how many of its table were there before it is no part of a catalog. */
const RANK = `(SELECT count(*) FROM metrics_report c
  WHERE c.tenant_id = s.tenant_id AND c.object_id = s.object_id AND c.id <= s.id)`
