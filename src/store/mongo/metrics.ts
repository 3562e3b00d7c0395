import { REPORTS_BEYOND_LIMIT_MAX } from '#store/metrics'
import type { MetricsReport, MetricsStore } from '#store/store'
import { joined, logId, REPORT } from './documents.ts'
import { failure } from './failures.ts'
import { inserted, untilWon, type Doc, type Fields, type MongoVerbs } from './verbs.ts'

/** `n` numbers the reports of a tenant as they come; what was deleted leaves gaps. `of`: the tenant and the table. */
interface ReportDocument extends Doc {
  readonly tenant: string
  readonly n: number
  readonly of: string
  readonly report: string
}

/**
 * Reports decide nothing, so they stay out of the log of the tenant: each is a document of its own, whose number nobody
 * else has, and what is beyond the limits is deleted by number.
 */
export function metricsStore(verbs: MongoVerbs, tenant: string): MetricsStore {
  /** The number of the `count`-th newest; 0 if there are fewer. */
  const nthNewest = async (filter: Fields, count: number): Promise<number> => {
    const query = { collection: REPORT, filter, sort: { n: -1 }, limit: count, projection: { n: 1 } }
    const found = await verbs.find<ReportDocument>(query)
    return found[count - 1]?.n ?? 0
  }
  const forget = async (filter: Fields, keep: number): Promise<void> => {
    const oldest = await nthNewest(filter, keep)
    if (oldest > 0) await verbs.deleteMany(REPORT, { ...filter, n: { $lt: oldest } })
  }
  const add: MetricsStore['add'] = async (report, { perTable, perTenant }) => {
    const of = joined(tenant, report.objectId)
    const number = await untilWon(async () => {
      const n = (await nthNewest({ tenant }, 1)) + 1
      const document: ReportDocument = { _id: logId(tenant, n), tenant, n, of, report: JSON.stringify(report) }
      return (await inserted(verbs.insertOne(REPORT, document))) && n
    })
    await forget({ of }, perTable)
    // To find what is beyond this limit takes reading as many, so it is done now and then only.
    if (number % REPORTS_BEYOND_LIMIT_MAX === 0) await forget({ tenant }, perTenant)
  }
  return {
    add: async (report, keep) => add(report, keep).catch(failure),
    newest: async ({ objectId, limit }) => {
      const query = { collection: REPORT, filter: { of: joined(tenant, objectId) }, sort: { n: -1 }, limit }
      const found = await verbs.find<ReportDocument>(query).catch(failure)
      return found.map(({ report }) => JSON.parse(report) as MetricsReport)
    },
  }
}
