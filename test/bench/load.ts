/**
 * The load generator, a process of its own: it takes one job at a time from its parent and answers what happened. Each
 * connection sends its next request when the last answer is complete, over a bare socket: node's own HTTP client would
 * cost more than the servers it measures.
 */
import { connect, type Socket } from 'node:net'
import { answerReader } from './answers.ts'

/** `{n}` in path and body is replaced by a number that is never used twice; requests are taken in turn. */
export interface LoadRequest {
  readonly method: string
  readonly path: string
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  /** What it should be answered with; 200 unless it says so. */
  readonly status?: number
}

export interface LoadJob {
  readonly host: string
  readonly port: number
  readonly token: string
  readonly requests: readonly LoadRequest[]
  readonly connections: number
  /** The job ends after this time, or once `most` requests were answered. */
  readonly milliseconds: number
  readonly most?: number
  /** The first number that `{n}` stands for. */
  readonly first: number
}

/** `latencies` are milliseconds, one per request; `unexpected` counts statuses other than the request's. */
export interface LoadResult {
  readonly latencies: Float64Array
  readonly milliseconds: number
  readonly unexpected: Readonly<Record<string, number>>
}

process.on('message', (job: LoadJob) => {
  run(job).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : 'the load generator failed' }),
  )
})

async function run(job: LoadJob): Promise<LoadResult> {
  const latencies: number[] = []
  const unexpected: Record<string, number> = {}
  const most = job.most ?? Number.POSITIVE_INFINITY
  let sent = 0
  const sockets = await Promise.all(Array.from({ length: job.connections }, () => open(job)))
  const startedAt = performance.now()
  const endAt = startedAt + job.milliseconds
  await Promise.all(
    sockets.map(async (socket) => {
      const ask = asker(socket)
      while (sent < most && performance.now() < endAt) {
        const number = sent++
        const request = requestOf(job, number)
        const text = textOf(job, number, request)
        const sentAt = performance.now()
        const status = await ask(text)
        latencies.push(performance.now() - sentAt)
        if (status !== (request.status ?? 200)) unexpected[status] = (unexpected[status] ?? 0) + 1
      }
    }),
  )
  const milliseconds = performance.now() - startedAt
  for (const socket of sockets) socket.destroy()
  return { latencies: Float64Array.from(latencies), milliseconds, unexpected }
}

function requestOf({ requests }: LoadJob, number: number): LoadRequest {
  const request = requests[number % requests.length]
  if (!request) throw new Error('a job without requests')
  return request
}

function textOf(job: LoadJob, number: number, request: LoadRequest): string {
  const numbered = (text: string): string => text.replaceAll('{n}', String(job.first + number))
  const body = numbered(request.body ?? '')
  const headers = { 'X-Iceberg-Access-Delegation': 'vended-credentials', ...request.headers }
  return [
    `${request.method} ${numbered(request.path)} HTTP/1.1`,
    `Host: ${job.host}:${job.port}`,
    `Authorization: Bearer ${job.token}`,
    'User-Agent: bench',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(body === '' ? [] : ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`]),
    '',
    body,
  ].join('\r\n')
}

async function open({ host, port }: LoadJob): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const socket = connect({ host, port, noDelay: true }, () => resolve(socket))
  socket.once('error', reject)
  return promise
}

/** Sends one request at a time and resolves with the status once its answer is complete. */
function asker(socket: Socket): (request: string) => Promise<number> {
  let waiting: { resolve: (status: number) => void; reject: (cause: Error) => void } | null = null
  const read = answerReader((status) => waiting?.resolve(status))
  socket.on('data', (bytes) => read(bytes))
  socket.on('error', (cause) => waiting?.reject(cause))
  socket.on('close', () => waiting?.reject(new Error('the server closed the connection')))
  return async (request) => {
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    waiting = { resolve, reject }
    socket.write(request)
    return promise
  }
}
