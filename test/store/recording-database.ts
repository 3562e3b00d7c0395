export interface Recorded {
  readonly sql: string
  readonly params: readonly unknown[]
}

/** A D1 that tells of every statement that is bound, and otherwise does what the real one does. */
export function recordingDatabase(real: D1Database, record: (statement: Recorded) => void): D1Database {
  return new Proxy(real, {
    get(target, property) {
      if (property === 'prepare') return (sql: string) => recordingStatement(target.prepare(sql), sql, record)
      const value: unknown = Reflect.get(target, property)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

function recordingStatement(
  statement: D1PreparedStatement,
  sql: string,
  record: (statement: Recorded) => void,
): D1PreparedStatement {
  const bind = statement.bind.bind(statement)
  statement.bind = (...params: unknown[]) => {
    record({ sql, params })
    return bind(...params)
  }
  return statement
}
