import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { Servers } from './server.ts'

/** The name that `--only` knows it by. */
export const LARGE = 'large metadata'

/**
 * What requests to a table with a large metadata file cost. Times are milliseconds per request, `peakMb` is how far the
 * server's memory rose above what it was before, garbage included. NaN where this machine has no /proc.
 */
export interface LargeFigures {
  readonly name: string
  readonly milliseconds: number
  readonly cpuMs: number
  readonly peakMb: number
}

const SNAPSHOTS = 10_000
const SNAPSHOTS_PER_COMMIT = 2500
const REQUESTS = 10
const WRITERS = 16
const TABLES = '/v1/demo/namespaces/large/tables'
const TABLE = `${TABLES}/t`
/** Linux counts CPU time in hundredths of a second (USER_HZ). */
const TICK_MS = 10

type Send = (method: string, path: string, body?: object, headers?: Record<string, string>) => Promise<Response>

/** Makes a table of 10,000 snapshots, whose metadata has 5 MB, and measures what is done to it: one request at a time. */
export async function measureLarge(servers: Servers, say: (text: string) => void): Promise<LargeFigures[]> {
  const to =
    (server: URL): Send =>
    async (method, path, body, headers) => {
      const answer = await fetch(new URL(path, server), {
        method,
        headers: { authorization: `Bearer ${servers.token}`, ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      if (!answer.ok && answer.status !== 304)
        throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
      return answer
    }
  const send = to(servers.catalog)
  say(`${LARGE}: ${SNAPSHOTS} snapshots …`)
  await makeTable(send)
  const size = (await (await send('GET', TABLE)).text()).length
  const ofSize = `${(size / 2 ** 20).toFixed(1)} MB`

  let touched = 0
  const commit = (by = send): Promise<Response> => {
    touched += 1
    const updates = [{ action: 'set-properties', updates: { touched: String(touched) } }]
    return by('POST', TABLE, { requirements: [], updates })
  }
  const read = async (answer: Promise<Response>): Promise<void> => void (await (await answer).arrayBuffer())
  const all = async (by = send): Promise<unknown> =>
    Promise.all(Array.from({ length: WRITERS }, () => read(commit(by))))
  return [
    await measured(`${ofSize}: load, cold`, 1, () => read(to(servers.cold)('GET', TABLE))),
    await measured(`${ofSize}: load`, REQUESTS, () => read(send('GET', TABLE))),
    await measured(`${ofSize}: load, snapshots=refs`, REQUESTS, () => read(send('GET', `${TABLE}?snapshots=refs`))),
    await measured(`${ofSize}: load, not modified`, REQUESTS, () =>
      read(send('GET', TABLE, undefined, { 'if-none-match': '*', 'x-iceberg-access-delegation': 'none' })),
    ),
    await measured(`${ofSize}: commit, cold lane`, 1, () => read(commit(to(servers.ungrouped)))),
    await read(commit()).then(() => measured(`${ofSize}: commit`, REQUESTS, () => read(commit()))),
    await measured(`${ofSize}: commits of ${WRITERS} writers`, 2, () => all(), WRITERS),
    await read(commit(to(servers.ungrouped))).then(() =>
      measured(`${ofSize}: the same, one by one`, 2, () => all(to(servers.ungrouped)), WRITERS),
    ),
  ]
}

/** The table as text, one line per kind of request. */
export function largeTableOf(figures: readonly LargeFigures[]): string {
  const rows = [
    ['', 'ms', 'CPU ms', 'peak MB'],
    ...figures.map((one) => [one.name, one.milliseconds.toFixed(0), one.cpuMs.toFixed(0), one.peakMb.toFixed(0)]),
  ]
  const width = Math.max(...rows.map(([name = '']) => name.length))
  return rows
    .map(([name = '', ...cells]) => `${name.padEnd(width)}${cells.map((cell) => cell.padStart(9)).join('')}`)
    .join('\n')
}

/** `run` makes `each` requests, and is run so many `times`. */
async function measured(name: string, times: number, run: () => Promise<unknown>, each = 1): Promise<LargeFigures> {
  const pid = serverPid()
  const before = usageOf(pid)
  const startedAt = performance.now()
  for (let time = 0; time < times; time += 1) await run()
  const milliseconds = performance.now() - startedAt
  const after = usageOf(pid)
  const requests = times * each
  return {
    name,
    milliseconds: milliseconds / requests,
    cpuMs: (after.cpuMs - before.cpuMs) / requests,
    peakMb: (after.peakKb - before.kb) / 1024,
  }
}

async function makeTable(send: Send): Promise<void> {
  await send('POST', '/v1/demo/namespaces', { namespace: ['large'] })
  const fields = [{ id: 1, name: 'id', type: 'long', required: false }]
  const created = await send('POST', TABLES, { name: 't', schema: { type: 'struct', fields } })
  const { metadata } = (await created.json()) as { readonly metadata: { readonly location: string } }
  const startMs = Date.now() - SNAPSHOTS
  for (let first = 1; first <= SNAPSHOTS; first += SNAPSHOTS_PER_COMMIT) {
    const last = first + SNAPSHOTS_PER_COMMIT - 1
    const snapshots = Array.from({ length: SNAPSHOTS_PER_COMMIT }, (_, index) =>
      snapshotOf(first + index, startMs, metadata.location),
    )
    await send('POST', TABLE, {
      requirements: [],
      updates: [
        ...snapshots.map((snapshot) => ({ action: 'add-snapshot', snapshot })),
        { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': last },
      ],
    })
  }
}

/** About 500 bytes, as engines write them. */
function snapshotOf(number: number, startMs: number, location: string): object {
  const total = (perSnapshot: number): string => String(number * perSnapshot)
  return {
    'snapshot-id': number,
    ...(number > 1 ? { 'parent-snapshot-id': number - 1 } : {}),
    'sequence-number': number,
    'timestamp-ms': startMs + number,
    'manifest-list': `${location}/metadata/snap-${number}-1-${crypto.randomUUID()}.avro`,
    summary: {
      operation: 'append',
      'added-data-files': '1',
      'added-records': '1000',
      'added-files-size': '12345',
      'total-records': total(1000),
      'total-files-size': total(12_345),
      'total-data-files': total(1),
      'total-delete-files': '0',
      'total-position-deletes': '0',
      'total-equality-deletes': '0',
      'changed-partition-count': '1',
    },
    'schema-id': 0,
  }
}

interface Usage {
  readonly cpuMs: number
  readonly kb: number
  readonly peakKb: number
}

/** What a process has used, its peak since the last look. Field numbers: proc(5), `/proc/pid/stat`, from the third on. */
function usageOf(pid: number | null): Usage {
  if (pid === null) return { cpuMs: Number.NaN, kb: Number.NaN, peakKb: Number.NaN }
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const kb = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1])
  const fields = statOf(pid)
  const usage = { cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS, kb: kb('VmRSS'), peakKb: kb('VmHWM') }
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
  return usage
}

/** The server that this process has started, where there is a /proc to look it up in. */
function serverPid(): number | null {
  if (!existsSync('/proc/self/stat')) return null
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const own = pids.map(Number).find((pid) => {
    try {
      return statOf(pid)[1] === String(process.pid) && readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('workerd')
    } catch {
      return false
    }
  })
  return own ?? null
}

/** The fields after the command, whose name may hold anything: state, parent … */
function statOf(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')
}
