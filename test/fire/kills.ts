import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, it } from 'vitest'
import type { Store } from '#store/store'
import { DEFAULT_TENANT_ID } from '#src/bootstrap'
import type { Answer } from '#test/support/catalog'
import { freePort } from '../../scripts/free-port.ts'
import { violations } from './checker.ts'
import type { History } from './history.ts'
import { create, NAMES, operate, read, toldBy, type Client, type Recorded } from './operations.ts'
import { randomFrom } from './random.ts'
import { dataOf, startServer, type Server } from './server.ts'

const KILLS = Number(process.env['FIRE_KILLS'] ?? 2)
const SEED = Number(process.env['FIRE_SEED'] ?? Math.floor(Math.random() * 1_000_000))
const CLIENTS = 6
/** Who makes the first tables and reads the last state, while nobody else does anything. */
const NOBODY = CLIENTS
const STEPS_MAX = 100_000
const ALIVE_MS = { least: 500, most: 3000 }

/** The database of the catalog that is killed. */
export interface KilledDatabase {
  /** Of `npm start`. */
  readonly options: readonly string[]
  /** Kills what does not die with the catalog, and has it there again. */
  kill(): Promise<void>
  /** What a catalog that runs keeps in it: by the data folder, and D1 as it was left. */
  open(data: string, left: D1Database): Promise<{ readonly store: Store; close(): Promise<void> }>
}

/** Tests that histories over HTTP are right through kills. */
export function rightThroughKills(database: string, open: () => Promise<KilledDatabase>): void {
  it(
    `histories over HTTP on ${database} are right through ${KILLS} kills (seed ${SEED})`,
    { timeout: 120_000 + KILLS * 30_000 },
    async () => {
      const killed = await open()
      const folder = await mkdtemp(path.join(tmpdir(), 'catalog-kill9-'))
      // Under root, PostgreSQL runs as somebody else, who has to pass.
      await chmod(folder, 0o711)
      const data = path.join(folder, 'data')
      const port = await freePort()
      let server = await startServer(data, port, killed.options)
      try {
        const requests: Recorded[] = []
        const log = { requests, files: new Set<string>(), clock: 0 }
        let up: Promise<unknown> = Promise.resolve()
        const over = new AbortController()
        const clientOf = (number: number, step: number): Client => httpClient(log, number, step, () => server)

        await sent(server, 'POST', '/v1/demo/namespaces', { namespace: ['ns'] })
        for (const [step, name] of NAMES.entries()) await create(clientOf(NOBODY, step), name)
        const clients = Array.from({ length: CLIENTS }, async (_, number) => {
          for (let step = 0; !over.signal.aborted; step += 1) {
            await up
            await operate(clientOf(number, step), log.files)
          }
        })
        const random = randomFrom(SEED)
        for (let kill = 0; kill < KILLS; kill += 1) {
          await pause(ALIVE_MS.least + random.below(ALIVE_MS.most - ALIVE_MS.least))
          const down = Promise.all([server.kill('SIGKILL'), killed.kill()])
          const started = down.then(() => startServer(data, port, killed.options))
          up = started
          server = await started
        }
        await pause(ALIVE_MS.least)
        over.abort()
        await Promise.all(clients)
        for (const name of NAMES) await read(clientOf(NOBODY, STEPS_MAX), name)

        await server.kill('SIGTERM')
        const left = await dataOf(data, path.join(folder, 'copy'))
        server = await startServer(data, port, killed.options)
        const kept = await killed.open(data, left.db)
        const ports = { real: kept.store, files: left.files }
        const history = { catalog: catalogAt(server), ports, requests, filesLost: 0 }
        const wrong = await violations(history)
        left.files.files.clear()
        const wrongWithoutFiles = await violations(history)
        await kept.close()
        await left.close()
        process.stdout.write(`${database}, seed ${SEED}, ${KILLS} kills: ${summaryOf(requests)}\n`)
        expect(wrong, `FIRE_SEED=${SEED} FIRE_KILLS=${KILLS}`).toEqual([])
        expect(wrongWithoutFiles).not.toEqual([])
        expect(requests.filter(({ kind, told }) => kind !== 'read' && told === 'done').length).toBeGreaterThan(KILLS)
      } finally {
        await server.kill('SIGKILL')
        await rm(folder, { recursive: true, force: true })
      }
    },
  )
}

/** One step of one client. Whatever gets no answer is unknown to him. */
function httpClient(
  log: { readonly requests: Recorded[]; readonly files: Set<string>; clock: number },
  client: number,
  step: number,
  server: () => Server,
): Client {
  return {
    random: randomFrom((SEED * (CLIENTS + 1) + client) * STEPS_MAX + step),
    async send({ kind, tables, marker }, method, where, body) {
      const id = kind === 'read' ? '' : `op-${client}-${step}`
      const begun = (log.clock += 1)
      const answer = await sent(server(), method, where, body?.(id), { 'x-client-version': id })
      const { status } = answer
      const told = status === 0 ? 'unknown' : toldBy(answer)
      const location: string | null = (status !== 0 && status < 300 && answer.json?.['metadata-location']) || null
      if (location !== null) log.files.add(location)
      const isMarked = body !== undefined && kind !== 'register' && kind !== 'rename'
      const ended = (log.clock += 1)
      const left = marker ?? (isMarked ? id : null)
      log.requests.push({ client, id, kind, tables, marker: left, begun, ended, status, told, location })
      return answer
    },
  }
}

/** The answer to a request; status 0 if none came. */
async function sent(
  { origin, token }: Pick<Server, 'origin' | 'token'>,
  method: string,
  where: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  try {
    const response = await fetch(`${origin}${where}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json') ?? false
    return { status: response.status, text, json: isJson && text ? JSON.parse(text) : null, headers: response.headers }
  } catch {
    return { status: 0, text: '', json: null, headers: new Headers() }
  }
}

function catalogAt(server: Server): History['catalog'] {
  return {
    tenantId: DEFAULT_TENANT_ID,
    admin: { id: '', token: server.token },
    call: (_, method, where, body, headers) => sent(server, method, where, body, headers),
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms))
}

function summaryOf(requests: readonly Recorded[]): string {
  const counts = new Map<string, number>()
  for (const { kind, told } of requests) counts.set(`${kind} ${told}`, (counts.get(`${kind} ${told}`) ?? 0) + 1)
  return [...counts]
    .toSorted()
    .map(([what, count]) => `${what} ${count}`)
    .join(', ')
}
