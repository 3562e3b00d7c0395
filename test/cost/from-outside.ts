import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Cost } from '#src/meter'
import { BUDGETS, type RouteName } from './budgets.ts'
import { CASES, commitThatDeletes, seedCases, signForStaged } from './cases.ts'
import { openOutside, type Backend, type Measured, type Outside, type Seen } from './outside.ts'
import type { Sent } from './worker.ts'

/** Of a store: what it is to cost, as `expect` has it, beside what is the same on all of them. */
export interface Expectations<S extends Seen> {
  /** What was seen of one route. */
  readonly holds: (name: RouteName, measured: Measured<S>) => void
  /** Before every so many cases. */
  readonly between?: { readonly cases: number; readonly run: (outside: Outside<S>) => Promise<void> }
}

const DELETES = 'POST /v1/{prefix}/namespaces/{namespace}/tables/{table} (deletes old metadata)'
const SIGNS_STAGED = 'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/sign (staged)'

/**
 * Sends every request of the budgets to the built Worker on one store. What went over the wire is what the budget says,
 * and what the Worker's own log line says. `more` adds tests of the same Worker.
 */
export function countedFromOutside<S extends Seen>(
  open: () => Promise<Backend<S>>,
  { holds, between }: Expectations<S>,
  more: (outside: () => Outside<S>) => void,
): void {
  let outside: Outside<S>

  beforeAll(async () => {
    outside = await openOutside(await open())
    await seedCases(outside)
  }, 120_000)

  afterAll(() => outside?.stop())

  const measure = async (name: RouteName, sent: Sent, status: number): Promise<void> => {
    const measured = await outside.measured(sent)
    expect(measured.answer.status, measured.answer.text).toBe(status)
    expect(othersOf(measured.logged)).toEqual(budgetedOthers(name))
    expect(storePartOf(measured.logged)).toEqual(storePartOf(measured.seen))
    holds(name, measured)
  }

  const cases = CASES.map((one, index) => [...one, index] as const)
  test.each(cases.slice(0, -1))('%s', async (name, sent, status, index) => {
    if (between && index % between.cases === 0) await between.run(outside)
    await measure(name, sent, status)
  })

  test(SIGNS_STAGED, async () => {
    await between?.run(outside)
    await measure(SIGNS_STAGED, await signForStaged(outside), 200)
  })

  test(DELETES, async () => {
    const { sent, key } = await commitThatDeletes(outside)
    await between?.run(outside)
    const gone = () => vi.waitFor(async () => expect(await outside.has(key)).toBe(false), 10_000)
    const measured = await outside.measured(sent, gone)
    expect(measured.answer.status, measured.answer.text).toBe(200)
    holds(DELETES, measured)
  })

  more(() => outside)

  // It wakes the runner, whose work would be counted with whatever comes next.
  test.each(cases.slice(-1))('%s', async (name, sent, status) => {
    await between?.run(outside)
    await measure(name, sent, status)
  })
}

/** What every store has in common: objects and Durable Objects. */
function othersOf(cost: Cost) {
  const { objectGets, objectPuts, objectDeletes, durableObjectCalls } = cost
  return { objectGets, objectPuts, objectDeletes, durableObjectCalls }
}

function budgetedOthers(name: RouteName): ReturnType<typeof othersOf> {
  const [, , , , objectGets, objectPuts, objectDeletes, durableObjectCalls] = BUDGETS[name]
  return { objectGets, objectPuts, objectDeletes, durableObjectCalls }
}

function storePartOf({ storeRoundTrips, storeStatements, rowsRead, rowsWritten }: Seen): Seen {
  return { storeRoundTrips, storeStatements, rowsRead, rowsWritten }
}
