import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare'
import { unstable_splitSqlQuery } from 'wrangler'
import { d1Store } from '#store/sql/d1'
import type { Store } from '#store/store'

export const ACCOUNT = '0123456789abcdef0123456789abcdef'
export const TOKEN = 'not-to-be-seen-anywhere'

/** Instead of the answer, or of the request: what the relay says. */
export interface Fault {
  readonly status: number
  readonly message?: string
  readonly retryAfter?: string
  /** The request is carried out, and its answer lost. */
  readonly isDone?: boolean
  /** The whole answer, with status 200 or another one. */
  readonly body?: unknown
}

/** Cloudflare's D1 API on loopback: workerd's D1 behind the API of wrangler's local explorer, which has no accounts. */
export interface DeployedDatabases {
  readonly env: { readonly CLOUDFLARE_API_TOKEN: string; readonly CLOUDFLARE_API_BASE_URL: string }
  /** Requests so far; a fault is asked for before each. */
  requests: { readonly sql: string; readonly params: readonly string[] }[][]
  fault: (statements: readonly { readonly sql: string }[]) => Fault | null
  /** An empty database of the newest schema, or of that after so many migrations. */
  make(migrations?: number): Promise<DeployedDatabase>
  stop(): Promise<void>
}

export interface DeployedDatabase {
  readonly url: string
  /** As the Worker sees it, through its binding. */
  readonly store: Store
  readonly binding: D1Database
}

const DATABASES_MAX = 30

export async function deployedDatabases(): Promise<DeployedDatabases> {
  const folder = mkdtempSync(join(tmpdir(), 'pangolin-deployed-'))
  const ids = Array.from({ length: DATABASES_MAX }, () => crypto.randomUUID())
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      log: new Log(LogLevel.ERROR),
      cf: false,
      telemetry: { enabled: false },
      unsafeLocalExplorer: true,
      resourcePersistencePath: folder,
      compatibilityDate: '2026-08-01',
      modules: true,
      script: 'export default {}',
      d1Databases: Object.fromEntries(ids.map((id) => [id, id])),
    }),
  )
  const explorer = new URL('/cdn-cgi/local/explorer/api/', await miniflare.ready)
  const server = createServer((request, response) => void relay(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  let made = 0
  const databases: DeployedDatabases = {
    env: {
      CLOUDFLARE_API_TOKEN: TOKEN,
      CLOUDFLARE_API_BASE_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/client/v4`,
    },
    requests: [],
    fault: () => null,
    make: async (migrations = Infinity) => {
      const id = ids[made++] ?? ''
      const binding = (await miniflare.getD1Database(id)) as unknown as D1Database
      for (const name of readdirSync('migrations').toSorted().slice(0, migrations)) {
        const statements = unstable_splitSqlQuery(readFileSync(join('migrations', name), 'utf8'))
        await binding.batch(statements.map((statement) => binding.prepare(statement)))
      }
      return { url: `d1://${ACCOUNT}/${id}`, store: d1Store(binding), binding }
    },
    stop: async () => {
      server.close()
      server.closeAllConnections()
      await miniflare.dispose()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  const path = new RegExp(`^/client/v4/accounts/${ACCOUNT}/(d1/database/([^/]+)/raw)$`)

  async function relay(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request)
    const { batch } = JSON.parse(body) as { batch: { sql: string; params: string[] }[] }
    databases.requests.push(batch)
    const [, route = '', id = ''] = path.exec(request.url ?? '') ?? []
    const fault = refusal(request, id) ?? databases.fault(batch)
    if (!fault || fault.isDone) {
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(new URL(route, explorer), { method: request.method ?? '', headers, body })
      if (!fault) {
        response.writeHead(answer.status, headers).end(await answer.text())
        return
      }
    }
    const errors = [{ code: 1000 + fault.status, message: fault.message ?? 'fault' }]
    const headers = {
      'content-type': 'application/json',
      ...(fault.retryAfter !== undefined ? { 'retry-after': fault.retryAfter } : {}),
    }
    response
      .writeHead(fault.status, headers)
      .end(JSON.stringify(fault.body ?? { success: false, errors, messages: [], result: null }))
  }

  /** Statuses and messages as Cloudflare has them. */
  function refusal(request: IncomingMessage, id: string): Fault | null {
    if (request.headers.authorization !== `Bearer ${TOKEN}`)
      return { status: 401, message: `Authentication error for ${request.headers.authorization}` }
    return ids.includes(id as (typeof ids)[number])
      ? null
      : { status: 404, message: `The database ${id} could not be found` }
  }
  return databases
}
