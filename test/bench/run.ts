/**
 * Measures the built Worker under miniflare, driven from a process of its own, and compares it with bare Workers that
 * answer the same bytes. The servers take turns in short rounds, so that whatever else the machine does hits them alike.
 */
import { fork } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { figuresOf, tableOf, type Figures, type Round } from './figures.ts'
import { LARGE, largeTableOf, measureLarge, type LargeFigures } from './large.ts'
import type { LoadJob, LoadRequest, LoadResult } from './load.ts'
import { PREPARATION, SCENARIOS, type Scenario } from './scenarios.ts'
import { startServers, type Servers } from './server.ts'
import { STORES, type StoreName } from './stores.ts'

const USAGE = `npm run bench -- [--seconds N] [--only NAME,…] [--store NAME,…] [--connections N] [--json]
  --seconds      how long each of the servers is driven per scenario (default 4)
  --only         scenarios whose name starts with one of these: ${[...SCENARIOS.map(({ name }) => name), LARGE].map((name) => `'${name}'`).join(', ')}
  --store        where the catalog keeps its records: ${STORES.join(', ')} (default d1; each takes some minutes)
  --connections  requests under way at a time (default 16)
  --json         prints the figures as JSON`

const ROUND_MS = 500

/** The server in MongoDB's place makes few tables a second. */
const PREPARATION_MS_MAX = 900_000

interface Options {
  readonly rounds: number
  readonly scenarios: readonly Scenario[]
  readonly stores: readonly StoreName[]
  readonly connections: number
  readonly json: boolean
  /** Whether the table with the large metadata file is measured. */
  readonly isLarge: boolean
}

type Drive = (job: Pick<LoadJob, 'requests' | 'milliseconds'> & Partial<LoadJob>, server: URL) => Promise<LoadResult>

const options = optionsOf(process.argv.slice(2))
if (options) await main(options)
else process.exitCode = 1

/** What was measured on one store. */
interface Measured {
  readonly note: string
  readonly figures: readonly Figures[]
  readonly large: readonly LargeFigures[]
}

async function main(chosen: Options): Promise<void> {
  const { connections, json, stores } = chosen
  const measured: Measured[] = []
  for (const store of stores) measured.push(await measureStore(store, chosen))
  const figures = measured.flatMap((one) => one.figures)
  const large = measured.flatMap((one) => one.large)
  const tables = [
    ...(figures.length > 0 ? [tableOf(figures)] : []),
    ...(large.length > 0 ? [largeTableOf(large)] : []),
    measured.map(({ note }) => note).join('\n'),
  ]
  process.stdout.write(`${json ? JSON.stringify({ connections, figures, large }, null, 2) : tables.join('\n\n')}\n`)
}

async function measureStore(store: StoreName, { rounds, scenarios, connections, isLarge }: Options): Promise<Measured> {
  say(`${store}: building the Worker and starting miniflare …`)
  const servers = await startServers(store)
  const generator = fork(join(import.meta.dirname, 'load.ts'), { serialization: 'advanced' })
  try {
    let first = 0
    const drive: Drive = async (job, { hostname, port }) => {
      const result = await ask(generator, {
        connections,
        first,
        token: servers.token,
        ...job,
        host: hostname,
        port: Number(port),
      })
      first += result.latencies.length
      const unexpected = Object.entries(result.unexpected).map(([status, count]) => `${count} × ${status}`)
      if (unexpected.length > 0)
        throw new Error(`expected another answer for ${job.requests[0]?.path ?? ''}, found ${unexpected.join(', ')}`)
      return result
    }
    say('Creating tables …')
    await prepare(drive, servers)
    const large = isLarge ? await measureLarge(servers, say) : []
    const figures: Figures[] = []
    for (const scenario of scenarios) {
      say(`${scenario.name} …`)
      figures.push(figuresOf(store, scenario.name, await measure(drive, servers, scenario, rounds)))
    }
    return { note: servers.note, figures, large: large.map((one) => ({ ...one, name: `${store}, ${one.name}` })) }
  } finally {
    generator.kill()
    await servers.stop()
  }
}

async function prepare(drive: Drive, { catalog }: Servers): Promise<void> {
  for (const { request, times } of PREPARATION)
    await drive(
      {
        requests: [request],
        most: times,
        first: 0,
        milliseconds: PREPARATION_MS_MAX,
        ...(times === 1 ? { connections: 1 } : {}),
      },
      catalog,
    )
}

/** The order changes from round to round; the first round warms up and does not count. */
async function measure(drive: Drive, servers: Servers, scenario: Scenario, rounds: number): Promise<Round[]> {
  const name = encodeURIComponent(scenario.name.replaceAll(/\W+/g, '-'))
  await keepSample(servers, scenario.sample, name)
  const bareRequests = (kind: string): LoadRequest[] =>
    scenario.requests.map(({ method, body }) => ({
      method,
      ...(body === undefined ? {} : { body }),
      path: `/${kind}/${name}`,
    }))
  const share = Math.ceil(scenario.requests.length / (rounds + 1))
  const drives: Readonly<Record<keyof Round, (round: number) => Promise<LoadResult>>> = {
    catalog: (round) => {
      const server = servers[scenario.server]
      if (scenario.server !== 'cold') return drive({ requests: scenario.requests, milliseconds: ROUND_MS }, server)
      const requests = scenario.requests.slice(round * share, (round + 1) * share)
      return drive({ requests, most: requests.length, milliseconds: 60_000 }, server)
    },
    bare: () => drive({ requests: bareRequests('bytes'), milliseconds: ROUND_MS }, servers.bare),
    query: () => drive({ requests: bareRequests('query'), milliseconds: ROUND_MS }, servers.bare),
    ungrouped: () => drive({ requests: scenario.ungrouped ?? [], milliseconds: ROUND_MS }, servers.ungrouped),
  }
  const names = ['catalog', 'bare', 'query', ...(scenario.ungrouped ? (['ungrouped'] as const) : [])] as const
  const measured: Round[] = []
  for (let round = 0; round <= rounds; round += 1) {
    const results = new Map<keyof Round, LoadResult>()
    for (let turn = 0; turn < names.length; turn += 1) {
      const server = names[(round + turn) % names.length] ?? 'catalog'
      results.set(server, await drives[server](round))
    }
    const [catalog, bare, query, ungrouped] = names.map((server) => results.get(server))
    if (round > 0 && catalog && bare && query)
      measured.push({ catalog, bare, query, ...(ungrouped ? { ungrouped } : {}) })
  }
  return measured
}

/** Gives the bare Worker the bytes that the catalog answers. */
async function keepSample({ catalog, bare, token }: Servers, sample: LoadRequest, name: string): Promise<void> {
  const answer = await fetch(new URL(sample.path, catalog), {
    method: sample.method,
    headers: { ...sample.headers, authorization: `Bearer ${token}` },
    ...(sample.body === undefined ? {} : { body: sample.body.replaceAll('{n}', 'sample') }),
  })
  const bytes = await answer.arrayBuffer()
  const { status = 200 } = sample
  if (answer.status !== status) throw new Error(`expected ${status} for ${sample.path}, found ${answer.status}`)
  await fetch(new URL(`/keep/${name}`, bare), { method: 'POST', body: bytes })
}

async function ask(generator: ReturnType<typeof fork>, job: LoadJob): Promise<LoadResult> {
  const { promise, resolve, reject } = Promise.withResolvers<LoadResult>()
  const gone = (): void => reject(new Error('the load generator ended'))
  generator.once('exit', gone)
  generator.once('message', (answer: { result: LoadResult } | { error: string }) => {
    generator.off('exit', gone)
    if ('error' in answer) reject(new Error(answer.error))
    else resolve(answer.result)
  })
  generator.send(job)
  return promise
}

/** Null if the options make no sense; then the usage was printed. */
function optionsOf(args: string[]): Options | null {
  const { values } = parseArgs({
    args,
    options: {
      seconds: { type: 'string', default: '4' },
      only: { type: 'string', default: '' },
      store: { type: 'string', default: 'd1' },
      connections: { type: 'string', default: '16' },
      json: { type: 'boolean', default: false },
    },
  })
  const wanted = values.only.split(',').map((name) => name.trim())
  const scenarios = SCENARIOS.filter(({ name }) => wanted.some((start) => name.startsWith(start)))
  const [seconds, connections] = [Number(values.seconds), Number(values.connections)]
  const isLarge = wanted.some((start) => LARGE.startsWith(start))
  const named = values.store.split(',').map((name) => name.trim())
  const stores = STORES.filter((store) => named.includes(store))
  const isNothing = (scenarios.length === 0 && !isLarge) || stores.length < named.length
  if (!(seconds > 0 && seconds <= 600) || !Number.isInteger(connections) || connections < 1 || isNothing) {
    say(USAGE)
    return null
  }
  return {
    rounds: Math.max(1, Math.round((seconds * 1000) / ROUND_MS)),
    scenarios,
    stores,
    connections,
    json: values.json,
    isLarge,
  }
}

function say(text: string): void {
  process.stderr.write(`${text}\n`)
}
