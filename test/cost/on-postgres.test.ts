// Contract: what every catalog route may cost on Postgres, over each transport: as seen on the way and by the server itself,
// and that the Worker's own log line says the same. From: the design, "One round trip"; the figures are in budgets.ts.
import { describe, expect, it } from 'vitest'
import { BUDGETS, POSTGRES } from './budgets.ts'
import { LAKE } from './cases.ts'
import { countedFromOutside, type Expectations } from './from-outside.ts'
import { postgresBackend, type PostgresSeen } from './postgres-backend.ts'

describe.each(['tcp', 'hyperdrive', 'neon'] as const)('over %s', (transport) => {
  const holds: Expectations<PostgresSeen>['holds'] = (name, { seen }) => {
    const [storeRoundTrips, , , , , , , durableObjects] = BUDGETS[name]
    const [storeStatements, rowsRead, rowsWritten] = POSTGRES[name]
    expect(seen).toMatchObject({ storeRoundTrips, storeStatements, rowsRead, rowsWritten })
    const { server, rows, connections } = seen
    expect(server).toEqual({ transactions: storeRoundTrips, statements: storeStatements, rows })
    // One for the request; a lane keeps its own, which is made anew after a pause.
    expect(connections).toBeLessThanOrEqual(transport === 'neon' ? 0 : 1 + durableObjects)
  }

  countedFromOutside(
    () => postgresBackend(transport),
    { holds },
    (outside) => {
      it('is the same for an isolate that knows nothing', async () => {
        await outside().restart()
        const { answer, seen } = await outside().measured(['GET', `${LAKE}/t0003`])
        expect(answer.status).toBe(200)
        expect(seen).toMatchObject({ storeRoundTrips: 1, storeStatements: 1, rowsRead: 4 })
      })
    },
  )
})
