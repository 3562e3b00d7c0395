import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare'
import { DEFAULT_TENANT_ID } from '#src/bootstrap'
import type { Cost } from '#src/meter'
import type { Store } from '#store/store'
import { buildWorker, catalogWorker, logIn, workerSettings, type Way } from '#test/support/built-worker'
import type { Lake } from './lake.ts'
import type { Answer, Sent } from './worker.ts'

/** What went over the wire between a Worker and its store, named as the Worker's own log line names it. */
export type Seen = Pick<Cost, 'storeRoundTrips' | 'storeStatements' | 'rowsRead' | 'rowsWritten'>

/** A way to a database that somebody counts along. */
export interface CountedWay extends Way {
  stop(): Promise<void>
}

/** A real server, and the counted way that a Worker is given to it. */
export interface Backend<S extends Seen = Seen> extends CountedWay {
  /** The server, past the one who counts. */
  readonly store: Store
  /** Arguments of the build. */
  readonly build?: readonly string[]
  /** What has passed since the last time it was asked. */
  take(): Promise<S>
}

export interface Measured<S extends Seen> {
  readonly answer: Answer
  readonly seen: S
  readonly logged: Cost
}

/** The built Worker under miniflare, on a server of its own. */
export interface Outside<S extends Seen = Seen> extends Lake {
  readonly backend: Backend<S>
  has(key: string): Promise<boolean>
  /** One request at a time; what it made happen until `after` has ended is counted. */
  measured(sent: Sent, after?: () => Promise<unknown>): Promise<Measured<S>>
  /** From here on the Worker is another isolate, which knows nothing. */
  restart(): Promise<void>
  stop(): Promise<void>
}

const LOGGED_MS_MAX = 10_000

/** Builds and starts the Worker. Whoever opened it stops it; the backend with it. */
export async function openOutside<S extends Seen>(backend: Backend<S>): Promise<Outside<S>> {
  const folder = mkdtempSync(join(tmpdir(), 'catalog-cost-'))
  const script = await buildWorker(folder, ...(backend.build ?? []))
  const waiting = new Map<string, (line: Cost) => void>()
  // The requests that are to be signed name it.
  const settings = { ...workerSettings('info'), S3_ENDPOINT: 'http://catalog.test/s3' }
  const optionsOf = (run: number) =>
    convertV4MiniflareOptions({
      log: new Log(LogLevel.ERROR),
      cf: false,
      telemetry: { enabled: false },
      resourcePersistencePath: join(folder, 'data'),
      handleStructuredLogs: ({ message }) => {
        const line = message.startsWith('{') ? (JSON.parse(message) as Cost & { requestId?: string }) : null
        if (line) waiting.get(line.requestId ?? '')?.(line)
      },
      workers: [catalogWorker(script, backend, { ...settings, RUN: String(run) })],
    })
  let runs = 0
  const miniflare = new Miniflare(optionsOf(runs))
  let origin = await miniflare.unsafeGetDirectURL('catalog')
  const token = await logIn(origin)
  const bucket = await miniflare.getR2Bucket('LAKE', 'catalog')

  async function serve([method, path, body, headers]: Sent, requestId: string): Promise<Answer> {
    const response = await fetch(new URL(path, origin), {
      method,
      headers: { ...headers, authorization: `Bearer ${token}`, 'x-request-id': requestId },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: response.status, text: await response.text(), retryAfter: response.headers.get('retry-after') }
  }

  return {
    backend,
    tenant: backend.store.tenant(DEFAULT_TENANT_ID),
    call: (sent) => serve(sent, crypto.randomUUID()),
    put: (key, text) => bucket.put(key, text),
    has: async (key) => (await bucket.head(key)) !== null,
    async measured(sent, after = async () => undefined) {
      const requestId = crypto.randomUUID()
      const { promise: line, resolve, reject } = Promise.withResolvers<Cost>()
      const timer = setTimeout(() => reject(new Error('the Worker has logged nothing')), LOGGED_MS_MAX)
      waiting.set(requestId, resolve)
      await backend.take()
      const answer = await serve(sent, requestId)
      await after()
      const logged = await line
      clearTimeout(timer)
      waiting.delete(requestId)
      return { answer, seen: await backend.take(), logged }
    },
    async restart() {
      runs += 1
      await miniflare.setOptions(optionsOf(runs))
      origin = await miniflare.unsafeGetDirectURL('catalog')
    },
    async stop() {
      await miniflare.dispose()
      await backend.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
