import { DatabaseSync } from 'node:sqlite'
import type { SqlDatabase, SqlFailure, SqlResult, Statement } from '#store/sql/database'
import { SQLITE } from '#store/sql/dialect'

/** A SQLite file, such as the one in which the local runtime keeps a D1 database, as long as that is not running. */
export interface SqliteFile extends SqlDatabase {
  /** Several statements at once, without parameters. */
  exec(sql: string): void
  close(): void
}

export function sqliteFile(path: string): SqliteFile {
  const file = new DatabaseSync(path)
  const total = file.prepare('SELECT total_changes() AS changes')
  const changes = (): number => (total.get() as { changes: number }).changes
  const run = <Row>({ sql, params }: Statement): SqlResult<Row> => {
    const used = new Set(sql.match(/\?\d+/g))
    const named = params.map((value, i) => [`?${i + 1}`, value] as const).filter(([name]) => used.has(name))
    const before = changes()
    const rows = file.prepare(sql).all(Object.fromEntries(named)) as Row[]
    return { rows, changes: changes() - before }
  }
  const batch = async <Row>(statements: readonly Statement[]): Promise<SqlResult<Row>[]> => {
    file.exec('BEGIN IMMEDIATE')
    try {
      const results = statements.map((one) => run<Row>(one))
      file.exec('COMMIT')
      return results
    } catch (error) {
      if (file.isTransaction) file.exec('ROLLBACK')
      throw error
    }
  }
  return {
    dialect: SQLITE,
    read: batch,
    write: batch,
    failureOf,
    exec: (sql) => file.exec(sql),
    close: () => file.close(),
  }
}

function failureOf(error: unknown): SqlFailure {
  const text = error instanceof Error ? error.message : String(error)
  const [, table] = /UNIQUE constraint failed: (\w+)\./.exec(text) ?? []
  if (table !== undefined) return { kind: 'taken', table }
  if (text.includes('guard:')) return { kind: 'guard', message: text }
  if (/database is locked/.test(text)) return { kind: 'again' }
  if (/disk is full|disk I\/O/.test(text)) return { kind: 'unavailable', reason: 'The disk of the database is full' }
  return { kind: 'refused' }
}
