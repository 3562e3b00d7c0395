import type { Connection, Submittable } from 'pg'
import type { SqlResult, Statement } from '#store/sql/database'
import { NotSent } from './failures.ts'
import { postgresStatement, valueOf } from './values.ts'

/** What of `pg`'s messages is used; its types leave them out. */
interface Wire {
  readonly stream: { cork?(): void; uncork?(): void }
  parse(message: { name: string; text: string; types: readonly number[] }): void
  bind(message: { portal: string; statement: string; values: readonly (string | null)[] }): void
  describe(message: { type: 'P'; name: string }): void
  execute(message: { portal: string; rows: number }): void
  sync(): void
}

/**
 * A transaction sent in one go and answered in one go: the protocol's pipeline, with one Sync at its end. The server
 * skips whatever follows a statement that failed, so nothing runs outside the transaction.
 */
export class Pipeline<Row> implements Submittable {
  readonly done: Promise<readonly SqlResult<Row>[]>
  readonly #statements: readonly Statement[]
  readonly #outcome = Promise.withResolvers<readonly SqlResult<Row>[]>()
  readonly #results: SqlResult<Row>[] = []
  #fields: readonly { readonly name: string; readonly dataTypeID: number }[] = []
  #rows: Row[] = []
  #isSent = false
  #isCommitted = false

  /** @param begin how the transaction begins */
  constructor(begin: string, statements: readonly Statement[]) {
    this.#statements = [{ sql: begin, params: [] }, ...statements, { sql: 'COMMIT', params: [] }]
    this.done = this.#outcome.promise
  }

  submit(connection: Connection): void {
    const wire = connection as unknown as Wire
    this.#isSent = true
    wire.stream.cork?.()
    for (const statement of this.#statements) {
      const { text, values } = postgresStatement(statement)
      wire.parse({ name: '', text, types: [] })
      wire.bind({ portal: '', statement: '', values })
      wire.describe({ type: 'P', name: '' })
      wire.execute({ portal: '', rows: 0 })
    }
    wire.sync()
    wire.stream.uncork?.()
  }

  handleRowDescription({ fields }: { fields: readonly { name: string; dataTypeID: number }[] }): void {
    this.#fields = fields
  }

  handleDataRow({ fields }: { fields: readonly (string | null)[] }): void {
    const values = this.#fields.map(({ name, dataTypeID }, i) => [name, valueOf(dataTypeID, fields[i] ?? null)])
    this.#rows.push(Object.fromEntries(values) as Row)
  }

  handleCommandComplete({ text }: { text: string }): void {
    if (text === 'COMMIT') this.#isCommitted = true
    this.#results.push({ rows: this.#rows, changes: changesOf(text) })
    this.#fields = []
    this.#rows = []
  }

  handleReadyForQuery(): void {
    if (this.#isCommitted) this.#outcome.resolve(this.#results.slice(1, -1))
    else this.#outcome.reject(new Error('The transaction ended without a commit'))
  }

  /** The server's own error, or the connection's: then what was sent may have been done. */
  handleError(error: Error): void {
    if (this.#isCommitted) this.#outcome.resolve(this.#results.slice(1, -1))
    else this.#outcome.reject(this.#isSent ? error : new NotSent('The connection was lost', { cause: error }))
  }
}

/** `INSERT 0 3` says that three rows were written; what was read is counted, too, but written by nobody. */
function changesOf(command: string): number {
  return Number(/^(?:INSERT|UPDATE|DELETE) (?:\d+ )?(\d+)$/.exec(command)?.[1] ?? 0)
}
