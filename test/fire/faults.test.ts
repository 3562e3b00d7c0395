// Contract: whatever call fails below a request that writes, what the client is told is true and nothing is half done.
// Source: DESIGN 1 (what must always be true), 2.1 "Outcome fencing"; STYLE, Tests: negative space first.
import { describe, expect, it } from 'vitest'
import { openCatalog, type Answer } from '#test/support/catalog'
import { icebergRoutes } from '#http/iceberg/routes'
import type { TenantStore } from '#store/store'
import type { CatalogCommit } from '#versions/model'
import {
  faultsOf,
  faultyPorts,
  hangs,
  isLate,
  letDelayedHappen,
  type Fault,
  type FaultyPorts,
  type PortCall,
} from './ports.ts'
import { prepare, REQUESTS, type WritingRequest } from './requests.ts'
import { stateOf, unloadable, type CatalogState } from './state.ts'

/** Which calls of one request fail: by their position among all its calls. */
type Plan = ReadonlyMap<number, Fault>

type Told = 'done' | 'refused' | 'unavailable' | 'unknown' | 'broken'

interface Cell {
  readonly faults: string
  readonly calls: readonly PortCall[]
  readonly told: Told
  readonly found: 'done' | 'not done'
  /** What is wrong; nothing, one hopes. */
  readonly red: readonly string[]
}

const isEveryPair = process.env['FIRE_PAIRS'] === '1'
const isPrinted = process.env['FIRE_PRINT'] === '1'

/** A request as it is sent, and sent again. */
interface Sent {
  readonly request: WritingRequest
  readonly key: string | null
  readonly open: () => FaultyPorts
}

const KEY = '0190a2f0-0000-7000-8000-000000000000'

describe.concurrent('a request that writes, with every call failing in turn', () => {
  it.each(
    REQUESTS.flatMap((request) =>
      [null, KEY].map((key) => [request.name, key ? 'with a key' : '', key, request] as const),
    ),
  )('%s %s', async (name, _, key, request) => {
    const cells = await matrixOf(request, faultyPorts, key)
    if (isPrinted) print(name, cells)
    expect(cells.length).toBeGreaterThan(1)
    expect(cells.filter(({ red }) => red.length > 0)).toEqual([])
  })
})

describe('the matrix turns red for', () => {
  it.each<[string, () => FaultyPorts]>([
    ['a store that says a commit did not land', () => faultyPorts({ store: () => ({ settle: notLanded }) })],
    ['a commit whose lost answer counts as done', () => faultyPorts({ store: () => ({ settle: landed }) })],
    ['object storage that forgets what it wrote', () => faultyPorts({ objects: () => ({ create: async () => true }) })],
  ])('%s', async (_, open) => {
    const commit = REQUESTS.find(({ name }) => name === 'POST tables/{table}')
    const cells = commit ? await matrixOf(commit, open) : []
    const red = cells.filter((cell) => cell.red.length > 0)
    if (isPrinted) print('planted', red)
    expect(red).not.toEqual([])
  })

  it.each<[string, string, (real: TenantStore) => Partial<TenantStore>]>([
    ['commits that forget their keys', 'POST tables', (real) => ({ commit: (commit) => real.commit(keyless(commit)) })],
    ['refusals that are not recorded', 'POST namespaces', () => ({ idempotency: { finish: async () => null } })],
  ])('%s, where requests have keys', async (_, wanted, store) => {
    const request = REQUESTS.find(({ name }) => name === wanted)
    const cells = request ? await matrixOf(request, () => faultyPorts({ store }), KEY) : []
    expect(cells.filter((cell) => cell.red.length > 0)).not.toEqual([])
  })

  function keyless(commit: CatalogCommit): CatalogCommit {
    return { ...commit, members: commit.members.map((member) => ({ ...member, idempotency: null })) }
  }

  async function notLanded(): Promise<{ landed: false }> {
    return { landed: false }
  }

  async function landed(): Promise<{ landed: true; seq: number }> {
    return { landed: true, seq: 1 }
  }
})

it('tries every route that writes', () => {
  const tried = new Set(REQUESTS.map(({ method, name }) => `${method} ${name.split(' ')[1]}`))
  const routes = icebergRoutes.filter(({ writes }) => writes)
  expect(routes.map(({ method, path }) => `${method} ${shortened(path)}`).filter((route) => !tried.has(route))).toEqual(
    [],
  )
})

function shortened(path: string): string {
  return path.replace('/v1/{prefix}/', '').replace(/^namespaces\/\{namespace\}\/(?!properties)/, '')
}

/**
 * The request without a fault, with each fault of each of its calls, and with each fault of what is only called because
 * of the first: the fencing lookup and the deletion of a file; what hangs first hangs again. With `FIRE_PAIRS=1` every second fault, another attempt's
 * included.
 */
async function matrixOf(
  request: WritingRequest,
  open: () => FaultyPorts = faultyPorts,
  key: string | null = null,
): Promise<Cell[]> {
  const sent = { request, key, open }
  const calm = await run(sent, new Map(), false)
  const cells = [calm]
  for (const first of faultsFrom(calm.calls, 0)) {
    const single = await runBoth(sent, [first])
    cells.push(...single)
    const [position] = first
    const calls = single[0]?.calls ?? []
    const after = faultsFrom(calls, position + 1).filter(
      ([at, second]) =>
        isEveryPair || (!calm.calls.includes(calls[at] ?? 'store.read') && hangs(second) === hangs(first[1])),
    )
    for (const second of after) cells.push(...(await runBoth(sent, [first, second])))
  }
  return cells
}

function faultsFrom(calls: readonly PortCall[], from: number): [number, Fault][] {
  return calls.flatMap((call, position) =>
    position < from ? [] : faultsOf(call).map((fault): [number, Fault] => [position, fault]),
  )
}

/** What happens late happens before the client tries again, or after; the latter with two faults only if all are asked for. */
async function runBoth(sent: Sent, faults: readonly [number, Fault][]): Promise<Cell[]> {
  const plan = new Map(faults)
  const happensLate = faults.some(([, fault]) => isLate(fault))
  const early = await run(sent, plan, false)
  return happensLate && (isEveryPair || faults.length === 1) ? [early, await run(sent, plan, true)] : [early]
}

async function run({ request, key, open }: Sent, plan: Plan, isAfterRetry: boolean): Promise<Cell> {
  const ports = open()
  const catalog = await openCatalog(ports)
  const prepared = await prepare(catalog)
  const before = await stateOf(ports, catalog.tenantId)
  catalog.evict()
  const body = request.body?.(prepared)
  const send = (): Promise<Answer> =>
    catalog.call(catalog.admin, request.method, request.path, body, key === null ? {} : { 'idempotency-key': key })

  const calls: PortCall[] = []
  ports.judge = (call) => plan.get(calls.push(call) - 1) ?? null
  const first = await send()
  ports.judge = () => null
  if (!isAfterRetry) await letDelayedHappen(ports)

  const red: string[] = []
  const check = (isRight: boolean, what: string): void => void (isRight || red.push(what))
  const told = toldBy(first)
  const after = await stateOf(ports, catalog.tenantId)
  const isDone = request.seen ? await seen(request.seen(catalog), red) : told === 'done'
  const moved = after.headSeq - before.headSeq
  check(told !== 'broken', `answered ${first.status} ${first.text}`)
  check(told !== 'done' || isDone, 'told done, and it is not')
  check(told === 'done' || told === 'unknown' || !isDone, 'told not done, and it is')
  check(request.seen === null ? moved === 0 : moved === (isDone ? 1 : 0), `${moved} commits`)
  checkState(after, check)
  // A file may stay if its deletion failed, or if storage took it after it had answered with a failure.
  const failedDelete = [...plan.keys()].some((position) => calls[position] === 'objects.delete')
  const lateFile = [...plan].some(([position, fault]) => isLate(fault) && calls[position] === 'objects.create')
  check(
    after.orphans.length === 0 || told === 'unknown' || failedDelete || lateFile,
    `orphans: ${after.orphans.join(', ')}`,
  )

  // Old metadata goes once the commit is done, and not before; only a fault keeps it.
  const isThere = ports.files.files.has(prepared.first)
  check(isThere || (isDone && request.deletes === true), 'deleted what is still needed')
  check(!isThere || !isDone || !request.deletes || plan.size > 0, 'old metadata was not deleted')

  const second = await send()
  await letDelayedHappen(ports)
  const retold = toldBy(second)
  const last = await stateOf(ports, catalog.tenantId)
  // Under a key a refusal is final; without one, the retry of what was done may be refused because it is done.
  const isFinal = key !== null && retold === 'refused' && calls.includes('store.finish')
  const isUnderstood = retold === 'done' || isFinal || (key === null && retold === 'refused' && isDone)
  check(isUnderstood, `a retry answered ${second.status} ${second.text}`)
  check(key === null || told !== 'refused' || isFinal, 'refused, and then done')
  check(request.seen === null || (await seen(request.seen(catalog), red)) !== isFinal, 'not as the retry was told')
  const commits = last.headSeq - before.headSeq
  check(key === null || request.seen === null || commits === (isFinal ? 0 : 1), `${commits} commits after a retry`)
  checkState(last, check)
  catalog.evict()
  red.push(...(await unloadable(catalog, last)))
  return { faults: nameOf(plan, calls, isAfterRetry), calls, told, found: isDone ? 'done' : 'not done', red }
}

function checkState({ broken }: CatalogState, check: (isRight: boolean, what: string) => void): void {
  check(broken.length === 0, broken.join(', '))
}

async function seen(look: Promise<boolean>, red: string[]): Promise<boolean> {
  return look.catch((error: unknown) => {
    red.push(String(error))
    return false
  })
}

/** A refusal is definite: 4xx. `broken` is any answer that says nothing a client could act on. */
function toldBy({ status, json }: Answer): Told {
  if (status < 300) return 'done'
  if (status === 404 || status === 409) return 'refused'
  if (status === 503) return 'unavailable'
  return json?.error?.type === 'CommitStateUnknownException' ? 'unknown' : 'broken'
}

function nameOf(plan: Plan, calls: readonly PortCall[], isAfterRetry: boolean): string {
  const faults = [...plan].map(([position, fault]) => `${calls[position]}#${position} ${fault}`)
  return `${faults.join(', ') || 'none'}${isAfterRetry ? ' (after the retry)' : ''}`
}

function print(name: string, cells: readonly Cell[]): void {
  const wide = Math.max(...cells.map(({ faults }) => faults.length))
  const lines = cells.map(
    ({ faults, told, found, red }) =>
      `  ${faults.padEnd(wide)}  ${told.padEnd(11)}  ${found.padEnd(8)}${red.length > 0 ? `  RED: ${red.join('; ')}` : ''}`,
  )
  process.stdout.write(`${name}: fault, told, found\n${lines.join('\n')}\n`)
}
