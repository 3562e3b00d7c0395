import type { PoolClient, Query, QueryResult } from 'pg'
import type { SqlResult, Statement } from '#store/sql/database'
import { STORE_CALL_MS_MAX } from '#src/limits'
import { NotSent } from './failures.ts'
import { postgresStatement, resultsOf, TYPES } from './values.ts'

/** What of `pg`'s messages is used; its types leave them out. */
interface Wire {
  readonly stream: { cork?(): void; uncork?(): void }
  parse(message: { name: string; text: string; types: readonly number[] }): void
  bind(message: { portal: string; statement: string; values: readonly (string | null)[] }): void
  describe(message: { type: 'P'; name: string }): void
  execute(message: { portal: string; rows: number }): void
  sync(): void
}

/** A query on a connection that hangs is given up with it, or it would be one less for whoever comes next. */
export const TIMED = { query_timeout: STORE_CALL_MS_MAX }

/** What `pg`'s types leave out of its queries: that a statement has ended, with its command. */
interface Completing {
  handleCommandComplete(message: { readonly text: string }, connection: unknown): void
}

/**
 * A transaction sent in one go and answered in one go, as one query of `pg`'s with many results.
 * @param begin how the transaction begins
 * @throws the server's own error, if it came before the commit; otherwise what was sent may have been done, unless it is
 *   {@link NotSent}
 */
export async function transaction<Row>(
  client: PoolClient,
  begin: string,
  statements: readonly Statement[],
): Promise<readonly SqlResult<Row>[]> {
  const pg = await import('pg')
  const all = [{ sql: begin, params: [] }, ...statements, { sql: 'COMMIT', params: [] }]
  const results = await new Promise<readonly QueryResult[]>((resolve, reject) => {
    let [isSent, isCommitted] = [false, false]
    const query: Query & Partial<Completing> = new pg.Query({ text: begin, types: TYPES }, (error, found) => {
      if (!error) resolve(found as unknown as readonly QueryResult[])
      // A server can still say that the transaction was cancelled: its own words would mean that nothing was done.
      else if (isCommitted) reject(new Error('The connection failed after the commit'))
      else reject(isSent ? error : new NotSent('The connection was lost', { cause: error }))
    })
    query.submit = (connection) => {
      isSent = true
      send(connection as unknown as Wire, all)
    }
    const { handleCommandComplete } = query
    query.handleCommandComplete = (message, connection) => {
      isCommitted ||= message.text === 'COMMIT'
      handleCommandComplete?.call(query, message, connection)
    }
    client.query(Object.assign(query, TIMED))
  })
  if (results.at(-1)?.command !== 'COMMIT') throw new Error('The transaction ended without a commit')
  return resultsOf(results.slice(1, -1))
}

/**
 * The protocol's pipeline, with one Sync at its end. The server skips whatever follows a statement that failed, so
 * nothing runs outside the transaction.
 */
function send(wire: Wire, statements: readonly Statement[]): void {
  wire.stream.cork?.()
  for (const statement of statements) {
    const { text, values } = postgresStatement(statement)
    wire.parse({ name: '', text, types: [] })
    wire.bind({ portal: '', statement: '', values })
    wire.describe({ type: 'P', name: '' })
    wire.execute({ portal: '', rows: 0 })
  }
  wire.sync()
  wire.stream.uncork?.()
}
