import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare'
import { buildWorker, catalogWorker, logIn, workerSettings, type BuiltWorker, type Way } from './built-worker.ts'

export interface Reply {
  readonly status: number
  readonly text: string
  /** Of the header `Retry-After`. */
  readonly retryAfter: string | null
}

/** The built Worker under miniflare: whatever a deployment does, but for the network. */
export interface ServedWorker {
  /** Has it make its first records, which takes a database that is well. */
  logIn(): Promise<void>
  send(method: string, path: string, body?: object): Promise<Reply>
  /** What it logged. */
  readonly lines: string[]
  stop(): Promise<void>
}

/** Builds the Worker once for several that are served; `more` are arguments of wrangler's. */
export async function built(...more: readonly string[]): Promise<BuiltWorker> {
  const folder = mkdtempSync(join(tmpdir(), 'catalog-built-'))
  try {
    return await buildWorker(folder, ...more)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export async function serve(script: BuiltWorker, way: Way): Promise<ServedWorker> {
  const lines: string[] = []
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      log: new Log(LogLevel.NONE),
      cf: false,
      telemetry: { enabled: false },
      handleStructuredLogs: ({ message }) => void lines.push(message),
      workers: [catalogWorker(script, way, workerSettings('warn'))],
    }),
  )
  const origin = await miniflare.unsafeGetDirectURL('catalog')
  let token = ''
  return {
    lines,
    logIn: async () => {
      token = await logIn(origin)
    },
    send: async (method, path, body) => {
      const answer = await fetch(new URL(path, origin), {
        method,
        headers: { authorization: `Bearer ${token}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      return { status: answer.status, text: await answer.text(), retryAfter: answer.headers.get('retry-after') }
    },
    stop: () => miniflare.dispose(),
  }
}
