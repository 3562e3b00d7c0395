import { afterAll, beforeAll, expect, it } from 'vitest'
import { SIMPLE_SCHEMA } from '#test/support/catalog'
import type { Reply, ServedWorker } from '#test/support/served-worker'

const NAMESPACES = '/v1/demo/namespaces'

/** A fault, what readiness says of a database that has it, and whether that can still be read. */
export type Fault = readonly [fault: string, reason: RegExp, isReadable: boolean]

/** What is to be called when all is over, the last one first. */
export type Ends = (() => Promise<unknown>)[]

/** A Worker on a database that has faults. */
export interface FaultyWorker {
  readonly worker: ServedWorker
  /** Ends its connections. */
  readonly cut: () => void
  /** What nobody may be told. */
  readonly secrets: readonly string[]
}

export interface FaultCases {
  readonly faults: readonly Fault[]
  /** Faults that keep the answer to one commit from arriving, and are over then. */
  readonly lost: readonly string[]
  /** Starts the Worker. Its database has whatever fault the plan has at the time. */
  readonly start: (plan: { fault: string }, ends: Ends) => Promise<FaultyWorker>
  /** Ends the database's server with whatever is under way, and starts it again. */
  readonly restart: () => Promise<void>
}

/** Whatever is wrong with a database, a Worker on it says so, does nothing by halves, and goes on when it is mended. */
export function survivesFaults({ faults, lost, start, restart }: FaultCases): void {
  const plan = { fault: 'none' }
  const ends: Ends = []
  let faulty: FaultyWorker

  beforeAll(async () => {
    faulty = await start(plan, ends)
    ends.push(() => faulty.worker.stop())
    await prepare(faulty.worker)
  })

  afterAll(async () => {
    for (const end of ends.toReversed()) await end()
  })

  const choose = (fault: string): void => {
    plan.fault = fault
    faulty.cut()
  }

  it.each(faults)('tells of %s and recovers', async (fault, reason, isReadable) => {
    choose(fault)
    await tellsAndRecovers(faulty, reason, isReadable, () => choose('none'))
  })

  it.each(lost)('finds out what became of a commit that met a %s', async (fault) => {
    for (const path of ['namespace', 'table'] as const) {
      choose(fault)
      await findsOut(faulty.worker, path)
      expect(plan.fault).toBe('none')
    }
  })

  it('loses nothing when the server restarts under load', () => survivesRestart(faulty.worker, restart))
}

/** Lines come over a pipe of their own, not before the answers. */
const LOG_TIMES = { timeout: 10_000 }

/** The Worker's administrator, logged in, and namespace `ns` with table `t`. */
async function prepare(worker: ServedWorker): Promise<void> {
  await worker.logIn()
  expect((await worker.send('POST', NAMESPACES, { namespace: ['ns'] })).status).toBe(200)
  const table = { name: 't', schema: SIMPLE_SCHEMA }
  expect((await worker.send('POST', `${NAMESPACES}/ns/tables`, table)).status).toBe(200)
}

/**
 * While a database has a fault, readiness names it in one sentence, every request is told to come back, nothing tells a
 * secret, and nothing is half done; once it is mended, the same requests are.
 */
async function tellsAndRecovers(
  { worker, secrets }: FaultyWorker,
  reason: RegExp,
  isReadable: boolean,
  mend: () => void,
): Promise<void> {
  const name = `x${crypto.randomUUID().slice(0, 8)}`
  const writes = [
    ['POST', NAMESPACES, { namespace: [name] }],
    ['POST', `${NAMESPACES}/ns/tables`, { name, schema: SIMPLE_SCHEMA }],
    ['POST', `${NAMESPACES}/ns/tables/t`, setting(name)],
  ] as const
  const reads = [
    ['GET', NAMESPACES],
    ['GET', `${NAMESPACES}/ns/tables/t`],
  ] as const
  const ready = await worker.send('GET', '/health/ready')
  expect(ready.status).toBe(503)
  const said = (JSON.parse(ready.text) as { reason: string }).reason
  expect(said).toMatch(reason)
  expect(said).toMatch(/^[A-Z][^.]*$/)
  const replies = await Promise.all(
    [...reads, ...writes].map(([method, path, body]) => worker.send(method, path, body)),
  )
  for (const [i, reply] of replies.entries()) expectComeBack(reply, i < reads.length && isReadable)
  for (const text of [ready.text, ...replies.map((reply) => reply.text)]) {
    expect(text).not.toContain('the message of the server')
    for (const secret of secrets) expect(text).not.toContain(secret)
  }
  // The log has the server's own words, which are nobody's secret.
  await expect.poll(() => worker.lines.join('\n'), LOG_TIMES).toMatch(/"failure":\{.*"cause":\{"error":/)
  const log = worker.lines.splice(0).join('\n')
  for (const secret of secrets) expect(log).not.toContain(secret)

  mend()
  const isThere = async (path: string): Promise<boolean> => (await worker.send('GET', path)).status === 200
  expect(await isThere(`${NAMESPACES}/${name}`)).toBe(false)
  expect(await isThere(`${NAMESPACES}/ns/tables/${name}`)).toBe(false)
  expect((await worker.send('GET', `${NAMESPACES}/ns/tables/t`)).text).not.toContain(name)
  for (const [method, path, body] of writes) {
    const { status, text } = await worker.send(method, path, body)
    expect(status, text).toBe(200)
  }
  expect(await isThere('/health/ready')).toBe(true)
}

function expectComeBack({ status, text, retryAfter }: Reply, isReadable: boolean): void {
  expect(status, text).toBe(isReadable ? 200 : 503)
  if (!isReadable) expect(retryAfter, text).not.toBeNull()
}

function setting(value: string): object {
  return { requirements: [], updates: [{ action: 'set-properties', updates: { mark: value } }] }
}

/** A commit whose answer is lost on the way has happened once, and is told as what it is. */
async function findsOut(worker: ServedWorker, path: 'namespace' | 'table'): Promise<void> {
  const name = `y${crypto.randomUUID().slice(0, 8)}`
  const { status, text } =
    path === 'namespace'
      ? await worker.send('POST', NAMESPACES, { namespace: [name] })
      : await worker.send('POST', `${NAMESPACES}/ns/tables/t`, setting(name))
  expect(status, text).toBe(200)
  const found = await worker.send('GET', path === 'namespace' ? `${NAMESPACES}/${name}` : `${NAMESPACES}/ns/tables/t`)
  expect(found.text).toContain(name)
}

const WRITERS = 3

/** Clients write while `restart` is under way. What was acknowledged is there, what was refused is not. */
async function survivesRestart(worker: ServedWorker, restart: () => Promise<void>): Promise<void> {
  const told: { name: string; reply: Reply }[] = []
  const over = new AbortController()
  const write = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const name = `z${crypto.randomUUID().slice(0, 8)}`
      told.push({ name, reply: await worker.send('POST', NAMESPACES, { namespace: [name] }) })
    }
  }
  const done = (): number => told.filter(({ reply }) => reply.status === 200).length
  const until = async (count: number): Promise<void> => {
    while (done() < count) await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const writers = Array.from({ length: WRITERS }, write)
  await until(10)
  await restart()
  await until(done() + 10)
  over.abort()
  await Promise.all(writers)
  for (const { name, reply } of told) {
    const isThere = (await worker.send('GET', `${NAMESPACES}/${name}`)).status === 200
    if (reply.status === 200) expect(isThere, name).toBe(true)
    else {
      expectComeBack(reply, false)
      expect(isThere, reply.text).toBe(false)
    }
  }
}
