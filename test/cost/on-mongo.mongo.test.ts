// Contract: what every catalog route may cost on MongoDB, over each transport: as seen on the way, and that the Worker's own
// log line says the same. From: the design, "One round trip" and "How each store makes commit atomic"; figures in budgets.ts.
import { describe, expect, it } from 'vitest'
import { MONGO } from './budgets.ts'
import { LAKE } from './cases.ts'
import { countedFromOutside } from './from-outside.ts'
import { mongoBackend, projectedInWorker } from './mongo-backend.ts'
import { propertyCommit } from './lake.ts'
import type { Sent } from './worker.ts'

describe.each(['data-api', 'driver'] as const)('over %s', (transport) => {
  const outside = countedFromOutside(() => mongoBackend(transport), {
    holds: (name, { seen }) => {
      const [rounds, storeRoundTrips, rowsRead, rowsWritten] = MONGO[name]
      expect(seen).toMatchObject({ storeRoundTrips, storeStatements: storeRoundTrips, rowsRead, rowsWritten })
      if (transport === 'data-api') expect(seen.rounds).toBe(rounds)
    },
    between: { cases: 8, run: projectedInWorker },
  })

  const COLD: readonly (readonly [name: string, Sent, status: number])[] = [
    ['config', ['GET', '/v1/config?warehouse=demo'], 200],
    ['load', ['GET', `${LAKE}/t0003`], 200],
    ['list', ['GET', '/v1/demo/namespaces/ten/tables'], 200],
    ['commit', ['POST', `${LAKE}/t0003`, propertyCommit(7)], 200],
  ]
  it.each(COLD)('cold %s', async (name, sent, status) => {
    await projectedInWorker(outside())
    await outside().restart()
    const { answer, seen } = await outside().measured(sent)
    expect(answer.status, answer.text).toBe(status)
    console.log('COLD', name, JSON.stringify(seen))
    const again = await outside().measured(sent)
    console.log('WARM', name, JSON.stringify(again.seen))
  })
})
