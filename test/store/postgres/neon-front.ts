import { createServer, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Request as WorkerRequest } from 'miniflare'
import pg from 'pg'
import type { Plan } from './fault-proxy.ts'

/** A query as Neon's driver sends it, and how its transaction is to begin. */
interface Batch {
  readonly queries: readonly { readonly query: string; readonly params: readonly (string | null)[] }[]
}

export interface NeonFront {
  readonly url: string
  stop(): Promise<void>
}

/** What of a server's error goes back to the driver. */
const ERROR_FIELDS = ['message', 'severity', 'code', 'detail', 'schema', 'table', 'column', 'constraint'] as const

/** Text as the server sent it: the driver makes values of it. */
const RAW = { getTypeParser: () => (text: unknown) => text }

/** Speaks Neon's HTTP protocol in front of PostgreSQL, at a free port if none is given: one request, one transaction. */
export async function startNeonFront({ port = 0, plan }: { port?: number; plan?: Plan } = {}): Promise<NeonFront> {
  const pools = new Map<string, pg.Pool>()
  const poolOf = (connectionString: string): pg.Pool => {
    const known = pools.get(connectionString)
    if (known) return known
    const pool = new pg.Pool({ connectionString, max: 20, types: RAW })
    pool.on('error', () => {})
    pool.on('connect', (client) => client.on('error', () => {}))
    pools.set(connectionString, pool)
    return pool
  }
  const server = createServer((request, response) => {
    const fault = plan?.fault ?? faultOf(request)
    if (fault === 'cut-before' || fault === 'drop') request.socket.destroy()
    else
      void answerTo(request, poolOf).then(({ status, body }) => {
        if (fault === 'cut-after') request.socket.destroy()
        else response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      })
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/sql`,
    stop: async () => {
      server.closeAllConnections()
      server.close()
      for (const pool of pools.values()) await pool.end()
    },
  }
}

/** What a Worker is given to take the database at `url` for one of Neon's, and how its requests reach it by a front. */
export function throughNeon(url: string, front: NeonFront) {
  const neon = new URL(url)
  neon.host = 'ep-tests.eu-central-1.aws.neon.tech'
  neon.port = ''
  return {
    bindings: { DATABASE_URL: neon.href },
    outboundService: async (request: WorkerRequest): Promise<Response> => {
      const headers = { ...Object.fromEntries(request.headers), 'neon-connection-string': url }
      return fetch(front.url, { method: 'POST', headers, body: await request.text() })
    },
  }
}

/** `cut-before` ends the connection before the request is looked at, `cut-after` in the place of the answer. */
function faultOf({ headers }: IncomingMessage): string | null {
  return new URL(String(headers['neon-connection-string'])).searchParams.get('application_name')
}

async function answerTo(
  request: IncomingMessage,
  poolOf: (connectionString: string) => pg.Pool,
): Promise<{ status: number; body: unknown }> {
  try {
    const chunks = await request.toArray()
    const batch = JSON.parse(Buffer.concat(chunks as Buffer[]).toString('utf8')) as Batch
    const client = await poolOf(String(request.headers['neon-connection-string'])).connect()
    let isBroken = false
    try {
      return { status: 200, body: { results: await transaction(client, beginOf(request), batch) } }
    } catch (error) {
      isBroken = await client.query('ROLLBACK').then(
        () => false,
        () => true,
      )
      throw error
    } finally {
      client.release(isBroken)
    }
  } catch (error) {
    const fields = error as Record<string, unknown>
    return { status: 400, body: Object.fromEntries(ERROR_FIELDS.map((name) => [name, fields[name]])) }
  }
}

function beginOf({ headers }: IncomingMessage): string {
  const level = String(headers['neon-batch-isolation-level'] ?? 'ReadCommitted').replace(/(?!^)[A-Z]/g, ' $&')
  return `BEGIN ISOLATION LEVEL ${level} READ ${headers['neon-batch-read-only'] === 'true' ? 'ONLY' : 'WRITE'}`
}

async function transaction(client: pg.PoolClient, begin: string, { queries }: Batch): Promise<unknown[]> {
  const results: unknown[] = []
  await client.query(begin)
  for (const { query, params } of queries) {
    const { command, rowCount, fields, rows } = await client.query({
      text: query,
      values: [...params],
      rowMode: 'array',
    })
    results.push({ command, rowCount, rowAsArray: true, fields, rows })
  }
  await client.query('COMMIT')
  return results
}
