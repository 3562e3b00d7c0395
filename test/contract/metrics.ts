import { describe, expect, it } from 'vitest'
import { REPORTS_BEYOND_LIMIT_MAX } from '#store/metrics'
import type { MetricsReport } from '#store/store'
import { AT, newId, newTenant, type OpenStore } from './fixture.ts'

const KEEP = { perTable: 3, perTenant: 8 }

function reportOf(objectId: string, number: number): MetricsReport {
  const report = `{"report-type":"scan-report", "snapshot-id":922337203685477580${number}}`
  return { objectId, at: AT, principalId: 'u', principalName: 'ann', client: number % 2 ? null : 'engine', report }
}

/** The last reports of each table are kept in their own words, and never more than the limits say. */
export function metricsContract(open: OpenStore): void {
  describe('metrics reports', () => {
    it('are answered as they came, newest first, and no more than the last ones of a table', async () => {
      const { tenant } = await newTenant(open)
      const [one, other] = [newId(), newId()]
      for (let n = 0; n < 5; n += 1) {
        await tenant.metrics.add(reportOf(one, n), KEEP)
        if (n === 0) await tenant.metrics.add(reportOf(other, 9), KEEP)
      }
      const newest = async (objectId: string, limit: number) => tenant.metrics.newest({ objectId, limit })
      expect(await newest(one, 10)).toEqual([4, 3, 2].map((n) => reportOf(one, n)))
      expect(await newest(one, 1)).toEqual([reportOf(one, 4)])
      expect(await newest(other, 10)).toEqual([reportOf(other, 9)])
      expect(await newest(newId(), 10)).toEqual([])
    })

    it('of many tables make room for each other within the tenant', async () => {
      const { tenant, store } = await newTenant(open)
      const neighbour = (await newTenant(async () => store)).tenant
      const objects = Array.from({ length: REPORTS_BEYOND_LIMIT_MAX * 2 }, (_, n) => `table ${n}`)
      await neighbour.metrics.add(reportOf('table 0', 1), KEEP)
      for (const objectId of objects) await tenant.metrics.add(reportOf(objectId, 0), KEEP)
      const found: string[] = []
      for (const objectId of objects)
        found.push(...(await tenant.metrics.newest({ objectId, limit: 9 })).map((report) => report.objectId))
      expect(found).toEqual(objects.slice(-found.length))
      expect(found.length).toBeGreaterThanOrEqual(KEEP.perTenant)
      expect(found.length).toBeLessThan(KEEP.perTenant + REPORTS_BEYOND_LIMIT_MAX)
      expect(await neighbour.metrics.newest({ objectId: 'table 0', limit: 9 })).toEqual([reportOf('table 0', 1)])
    })

    it('that come at once are all kept', async () => {
      const { tenant } = await newTenant(open)
      const numbers = [0, 1, 2, 3, 4, 5]
      await Promise.all(numbers.map((n) => tenant.metrics.add(reportOf('t', n), { perTable: 9, perTenant: 9 })))
      const reports = await tenant.metrics.newest({ objectId: 't', limit: 9 })
      expect(reports.map(({ report }) => report).toSorted()).toEqual(numbers.map((n) => reportOf('t', n).report))
    })
  })
}
