import type pg from 'pg'
import { migrate } from '#store/sql/postgres/migrate'
import { postgresStore } from '#store/sql/postgres/postgres'
import { messages } from '#test/store/postgres/fault-proxy'
import { startNeonFront, throughNeon } from '#test/store/postgres/neon-front'
import { ownServer } from '#test/store/postgres/own-server'
import { passOn, startRelay } from '#test/support/relay'
import { postgresMigrations } from '../../scripts/postgres/migrations.ts'
import type { Backend, CountedWay, Seen } from './outside.ts'

/** What the one on the way saw, and what the server has in its own statistics (`pg_stat_statements`). */
export interface PostgresSeen extends Seen {
  /** Connections that were made, each with round trips of its own to log in. */
  readonly connections: number
  /** Rows that statements answered or wrote, by the server's own words at the end of each. */
  readonly rows: number
  readonly server: { readonly transactions: number; readonly statements: number; readonly rows: number }
}

export type PostgresTransport = 'tcp' | 'hyperdrive' | 'neon'

type Counter = { -readonly [K in Exclude<keyof PostgresSeen, 'server'>]: number }

/** What frames a transaction, which every transport adds to the statements of the store. */
const FRAME = /^(BEGIN|COMMIT|ROLLBACK|SET)/

const STATISTICS = `SELECT
    coalesce(sum(calls) FILTER (WHERE query LIKE 'BEGIN%'), 0)::int AS transactions,
    coalesce(sum(calls) FILTER (WHERE query !~ '^(BEGIN|COMMIT|ROLLBACK|SET)'), 0)::int AS statements,
    coalesce(sum(rows) FILTER (WHERE query !~ '^(BEGIN|COMMIT|ROLLBACK|SET)'), 0)::int AS rows
  FROM pg_stat_statements JOIN pg_database ON pg_database.oid = dbid WHERE datname = $1`

/** A PostgreSQL of its own with our schema, reached by a Worker over one of the transports. */
export async function postgresBackend(transport: PostgresTransport): Promise<Backend<PostgresSeen>> {
  const server = await ownServer({ shared_preload_libraries: 'pg_stat_statements' })
  const { db, url } = await server.emptyDatabase()
  await migrate(db, postgresMigrations())
  const statistics = await server.clientOf(server.url)
  await statistics.query('CREATE EXTENSION pg_stat_statements')
  let count = newCounter()
  const on = (): Counter => count
  const way = transport === 'neon' ? await neonWay(url, on) : await tcpWay(transport, url, on)
  return {
    store: postgresStore(db),
    worker: { ...way.worker, bindings: { STORE: 'postgres', ...way.worker.bindings } },
    take: async () => {
      const seen = { ...count, server: await takeStatistics(statistics, url) }
      count = newCounter()
      return seen
    },
    stop: async () => {
      await way.stop()
      await server.stop()
    },
  }
}

function newCounter(): Counter {
  return { storeRoundTrips: 0, storeStatements: 0, rowsRead: 0, rowsWritten: 0, connections: 0, rows: 0 }
}

async function takeStatistics(client: pg.Client, url: string): Promise<PostgresSeen['server']> {
  const { rows } = await client.query<PostgresSeen['server']>(STATISTICS, [new URL(url).pathname.slice(1)])
  await client.query('SELECT pg_stat_statements_reset()')
  return rows[0] ?? { transactions: 0, statements: 0, rows: 0 }
}

/** A relay that passes everything on and counts what the server says. */
async function tcpWay(transport: 'tcp' | 'hyperdrive', url: string, count: () => Counter): Promise<CountedWay> {
  const own = new URL(url)
  const relay = await startRelay(Number(own.port), {
    connected: (client, server) => passOn(client, server.on('data', counting(count))),
  })
  own.port = String(relay.port)
  return {
    worker: transport === 'tcp' ? { bindings: { DATABASE_URL: own.href } } : { hyperdrives: { HYPERDRIVE: own.href } },
    stop: () => relay.stop(),
  }
}

/** Messages of the server by their first letter; each `ReadyForQuery` ends one round trip, the first of them logging in. */
function counting(count: () => Counter): (chunk: Buffer) => void {
  let isReady = false
  return messages(false, (message) => {
    const type = String.fromCharCode(message[0] ?? 0)
    if (type === 'Z' && !isReady) {
      isReady = true
      count().connections += 1
    } else if (type === 'Z') count().storeRoundTrips += 1
    else if (type === 'D') count().rowsRead += 1
    else if (type === 'C') countCommand(count(), message.toString('latin1', 5, message.length - 1))
  })
}

/** `INSERT 0 3`, `UPDATE 1`, `SELECT 7`: what a statement did, and to how many rows. */
function countCommand(counter: Counter, tag: string): void {
  if (FRAME.test(tag)) return
  const rows = Number(tag.split(' ').at(-1))
  counter.storeStatements += 1
  counter.rows += rows
  if (!tag.startsWith('SELECT')) counter.rowsWritten += rows
}

/** A host of Neon's as the Worker sees it; its requests are counted and passed on to a front of the real server. */
async function neonWay(url: string, count: () => Counter): Promise<CountedWay> {
  const front = await startNeonFront()
  const { bindings, outboundService } = throughNeon(url, front)
  return {
    worker: {
      bindings,
      outboundService: async (request) => {
        const answer = await outboundService(request)
        const text = await answer.text()
        const { results = [] } = JSON.parse(text) as { results?: NeonResult[] }
        count().storeRoundTrips += 1
        for (const { command, rowCount, rows } of results) {
          countCommand(count(), `${command} ${rowCount ?? 0}`)
          count().rowsRead += rows.length
        }
        return new Response(text, { status: answer.status, headers: { 'content-type': 'application/json' } })
      },
    },
    stop: () => front.stop(),
  }
}

interface NeonResult {
  readonly command: string
  readonly rowCount: number | null
  readonly rows: readonly unknown[]
}
