import type { NeonQueryFunction } from '@neondatabase/serverless'
import type { SqlDatabase, SqlResult, Statement } from '#store/sql/database'
import { POSTGRES } from '#store/sql/dialect'
import { failureOf, NotConnected } from './failures.ts'
import { LOCK_TIMEOUT } from './transactions.ts'
import { postgresStatement, valueOf } from './values.ts'

type Query = NeonQueryFunction<false, true>

/** JSON stays text, and numbers are numbers. */
const types = { getTypeParser: (type: number) => (text: string | null) => valueOf(type, text) }

/**
 * A Neon database over HTTP: each call is one request, and one transaction that nobody talks to in between.
 * @param endpoint where to send them; null: where Neon has it for the host of the connection string
 */
export function neonDatabase(connectionString: string, endpoint: string | null): SqlDatabase {
  let opened: Promise<Query> | undefined
  const query = (): Promise<Query> => (opened ??= open(connectionString, endpoint))
  const run = async <Row>(
    isolationLevel: 'ReadCommitted' | 'RepeatableRead',
    statements: readonly Statement[],
  ): Promise<readonly SqlResult<Row>[]> => {
    const sql = await query()
    const queries = statements.map((statement) => {
      const { text, values } = postgresStatement(statement)
      return sql.query(text, values, { types })
    })
    const readOnly = isolationLevel === 'RepeatableRead'
    const results = await sql.transaction(queries, { isolationLevel, readOnly, fullResults: true })
    return results.map(({ rows, rowCount, command }) => ({
      rows: rows as Row[],
      changes: command === 'SELECT' ? 0 : (rowCount ?? 0),
    }))
  }
  return {
    dialect: POSTGRES,
    read: (statements) => run('RepeatableRead', statements),
    write: async <Row>(statements: readonly Statement[]) => {
      const [, ...results] = await run<Row>('ReadCommitted', [LOCK_TIMEOUT, ...statements])
      return results
    },
    failureOf,
  }
}

async function open(connectionString: string, endpoint: string | null): Promise<Query> {
  const { neon, neonConfig } = await import('@neondatabase/serverless')
  if (endpoint !== null) neonConfig.fetchEndpoint = endpoint
  try {
    return neon(connectionString, { fullResults: true })
  } catch {
    // The driver's own error repeats the connection string.
    throw new NotConnected('Invalid URL')
  }
}
