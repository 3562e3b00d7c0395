// Contract: what every catalog route may cost on MongoDB, over each transport: as seen on the way, and that the Worker's own
// log line says the same. From: the design, "One round trip" and "How each store makes commit atomic"; figures in budgets.ts.
import { describe, expect, it, test } from 'vitest'
import { MONGO, MONGO_COLD } from './budgets.ts'
import { LAKE } from './cases.ts'
import { countedFromOutside } from './from-outside.ts'
import { propertyCommit } from './lake.ts'
import { mongoBackend, projectedInWorker, TAIL_ENTRIES_MAX, type MongoSeen } from './mongo-backend.ts'
import type { Sent } from './worker.ts'

const LOAD: Sent = ['GET', `${LAKE}/t0003`]
const COLD: Readonly<Record<keyof typeof MONGO_COLD, Sent>> = {
  load: LOAD,
  list: ['GET', '/v1/demo/namespaces/ten/tables'],
  commit: ['POST', `${LAKE}/t0003`, propertyCommit(7)],
}

describe.each(['data-api', 'driver'] as const)('over %s', (transport) => {
  const isSeen = (
    seen: MongoSeen,
    [rounds, storeRoundTrips, rowsRead, rowsWritten]: (typeof MONGO)[keyof typeof MONGO],
  ): void => {
    expect(seen).toMatchObject({ storeRoundTrips, storeStatements: storeRoundTrips, rowsRead, rowsWritten })
    if (transport === 'data-api') expect(seen.rounds).toBe(rounds)
  }

  countedFromOutside(
    () => mongoBackend(transport),
    { holds: (name, { seen }) => isSeen(seen, MONGO[name]), between: { cases: 8, run: projectedInWorker } },
    (outside) => {
      test.each(Object.entries(COLD))('%s, by an isolate that knows nothing', async (name, sent) => {
        await projectedInWorker(outside())
        await outside().restart()
        const { answer, seen } = await outside().measured(sent)
        expect(answer.status, answer.text).toBe(200)
        isSeen(seen, MONGO_COLD[name as keyof typeof MONGO_COLD])
      })

      it('asks once more where the log has grown long, and writes nothing that others have written', async () => {
        await projectedInWorker(outside())
        for (let entries = 0; entries < TAIL_ENTRIES_MAX; entries += 1)
          await outside().tenant.settle(crypto.randomUUID())
        const { seen } = await outside().measured(LOAD)
        const [rounds, requests, documentsRead] = MONGO['GET /v1/{prefix}/namespaces/{namespace}/tables/{table}']
        // The entries were read along, and the document that says how far they are projected.
        isSeen(seen, [rounds + 1, requests + 1, documentsRead + TAIL_ENTRIES_MAX + 1, 0])
      })
    },
  )
})
