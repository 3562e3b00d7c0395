import type { Duplex } from 'node:stream'
import type { Pool, PoolClient, PoolConfig } from 'pg'
import type { SqlDatabase, Statement } from '#store/sql/database'
import { POSTGRES_CONNECT_MS_MAX, POSTGRES_CONNECTIONS_MAX, POSTGRES_IDLE_MS_MAX } from '#src/limits'
import { NotConnected, sqlState } from './failures.ts'
import { TIMED, transaction } from './pipeline.ts'
import { BEGIN, postgresDatabase } from './transactions.ts'

/** A database behind a connection string: a server of one's own, or what a Hyperdrive binding gives. */
export interface TcpDatabase extends SqlDatabase {
  /** Closes the connections that are open; later calls open others. */
  close(): Promise<void>
}

/** Nothing is loaded, and nobody is called, before the first query. */
export function tcpDatabase(connectionString: string): TcpDatabase {
  let opened: Promise<Pool> | undefined
  const database = postgresDatabase(async <Row>(begin: keyof typeof BEGIN, statements: readonly Statement[]) => {
    opened ??= openPool(verifying(connectionString))
    const client = await connect(await opened)
    try {
      const results = await transaction<Row>(client, BEGIN[begin], statements)
      client.release()
      return results
    } catch (error) {
      // After an error of the server the transaction is open, and failed; after any other the connection is of no use.
      if (sqlState(error) === undefined) client.release(true)
      else client.query({ text: 'ROLLBACK', ...TIMED }, (failed) => client.release(failed))
      throw error
    }
  })
  return {
    ...database,
    close: async () => {
      const pool = await opened
      opened = undefined
      await pool?.end()
    },
  }
}

/** What the driver takes. Of these, `prefer`, `require` and `verify-ca` are `verify-full` to it, but it warns of them. */
const SSL_MODES = ['disable', 'no-verify', 'prefer', 'require', 'verify-ca', 'verify-full']

/** The connection string that says what it means to the driver. @throws NotConnected for a mode that it does not know */
function verifying(connectionString: string): string {
  const [address = '', ...rest] = connectionString.split('?')
  const parameters = rest.join('?')
  const modes = new URLSearchParams(parameters).getAll('sslmode')
  if (modes.some((mode) => !SSL_MODES.includes(mode)))
    throw new NotConnected('No connection to the database', { cause: new Error('Unknown sslmode') })
  if (modes.length === 0 || /(^|&)uselibpqcompat=true(&|$)/.test(parameters)) return connectionString
  return `${address}?${parameters.replace(/(^|&)sslmode=(prefer|require|verify-ca)(?=&|$)/g, '$1sslmode=verify-full')}`
}

async function openPool(connectionString: string): Promise<Pool> {
  const { Pool: PgPool } = await import('pg')
  const stream = await workerSockets()
  const pool = new PgPool({
    connectionString,
    ...(stream ? { stream } : {}),
    max: POSTGRES_CONNECTIONS_MAX,
    connectionTimeoutMillis: POSTGRES_CONNECT_MS_MAX,
    idleTimeoutMillis: POSTGRES_IDLE_MS_MAX,
    allowExitOnIdle: true,
  })
  // Whoever uses a connection is told by his query that it was lost. That nobody uses is no loss.
  pool.on('connect', (client) => client.on('error', () => {}))
  pool.on('error', () => {})
  return pool
}

/** How the driver makes connections in a Worker; elsewhere it has Node's own. */
async function workerSockets(): Promise<PoolConfig['stream']> {
  if (navigator.userAgent !== 'Cloudflare-Workers') return undefined
  const { CloudflareSocket } = (await import('pg-cloudflare')) as unknown as {
    CloudflareSocket: new (isSecure: boolean) => Duplex
  }
  return ({ ssl }: { ssl?: unknown } = {}) => new CloudflareSocket(Boolean(ssl))
}

/** Long enough for another request to give its connection back. */
const WAIT_MS = 50

/** A connection, waited for while the server says that it has none to spare. */
async function connect(pool: Pool): Promise<PoolClient> {
  const untilMs = Date.now() + POSTGRES_CONNECT_MS_MAX
  for (let waitMs = WAIT_MS; ; waitMs *= 2) {
    try {
      return await pool.connect()
    } catch (cause) {
      const isFull = sqlState(cause) === '53300' && Date.now() + waitMs < untilMs
      if (!isFull) throw new NotConnected('No connection to the database', { cause })
    }
    await new Promise((resolve) => setTimeout(resolve, waitMs))
  }
}
