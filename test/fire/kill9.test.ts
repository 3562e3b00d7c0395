// Contract: what clients were told over HTTP stays true whatever moment the catalog is killed at and started again.
// Source: DESIGN 1 (what must always be true), 2.1 "Outcome fencing", 2.2; STYLE, Tests: the process dying.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, it } from 'vitest'
import { DEFAULT_TENANT_ID } from '#src/bootstrap'
import type { Answer } from '#test/support/catalog'
import { violations } from './checker.ts'
import type { History } from './history.ts'
import { create, NAMES, operate, read, toldBy, type Client, type Recorded } from './operations.ts'
import { randomFrom } from './random.ts'
import { dataOf, freePort, startServer, type Server } from './server.ts'

const KILLS = Number(process.env['FIRE_KILLS'] ?? 2)
const SEED = Number(process.env['FIRE_SEED'] ?? Math.floor(Math.random() * 1_000_000))
const CLIENTS = 6
/** Who makes the first tables and reads the last state, while nobody else does anything. */
const NOBODY = CLIENTS
const STEPS_MAX = 100_000
const ALIVE_MS = { least: 500, most: 3000 }

it(
  `histories over HTTP are right through ${KILLS} kills (seed ${SEED})`,
  { timeout: 120_000 + KILLS * 30_000 },
  async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'catalog-kill9-'))
    const data = path.join(folder, 'data')
    const port = await freePort()
    let server = await startServer(data, port)
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
        const killed = server.kill('SIGKILL')
        const started = killed.then(() => startServer(data, port))
        up = started
        server = await started
      }
      await pause(ALIVE_MS.least)
      over.abort()
      await Promise.all(clients)
      for (const name of NAMES) await read(clientOf(NOBODY, STEPS_MAX), name)

      await server.kill('SIGTERM')
      const left = await dataOf(data, path.join(folder, 'copy'))
      server = await startServer(data, port)
      const wrong = await violations({ catalog: catalogAt(server), ports: left.ports, requests, filesLost: 0 })
      left.ports.files.files.clear()
      const wrongWithoutFiles = await violations({
        catalog: catalogAt(server),
        ports: left.ports,
        requests,
        filesLost: 0,
      })
      await left.close()
      process.stdout.write(`seed ${SEED}, ${KILLS} kills: ${summaryOf(requests)}\n`)
      expect(wrong, `FIRE_SEED=${SEED} FIRE_KILLS=${KILLS}`).toEqual([])
      expect(wrongWithoutFiles).not.toEqual([])
      expect(requests.filter(({ kind, told }) => kind !== 'read' && told === 'done').length).toBeGreaterThan(KILLS)
    } finally {
      await server.kill('SIGKILL')
      await rm(folder, { recursive: true, force: true })
    }
  },
)

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
