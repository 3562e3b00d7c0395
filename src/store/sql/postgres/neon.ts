import type { NeonQueryFunction } from '@neondatabase/serverless'
import type { SqlDatabase } from '#store/sql/database'
import { NotConnected } from './failures.ts'
import { postgresDatabase } from './transactions.ts'
import { postgresStatement, resultsOf, TYPES } from './values.ts'

type Query = NeonQueryFunction<false, true>

/**
 * A Neon database over HTTP: each call is one request, and one transaction that nobody talks to in between.
 * @param endpoint where to send them; null: where Neon has it for the host of the connection string
 */
export function neonDatabase(connectionString: string, endpoint: string | null): SqlDatabase {
  let opened: Promise<Query> | undefined
  return postgresDatabase(async (begin, statements) => {
    const sql = await (opened ??= open(connectionString, endpoint))
    const queries = statements.map((statement) => {
      const { text, values } = postgresStatement(statement)
      return sql.query(text, values, { types: TYPES })
    })
    const readOnly = begin === 'read'
    const isolationLevel = readOnly ? 'RepeatableRead' : 'ReadCommitted'
    return resultsOf(await sql.transaction(queries, { isolationLevel, readOnly, fullResults: true }))
  })
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
