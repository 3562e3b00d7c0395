import type { AuditEntry, HistoryStore } from '#store/store'
import { lineageOf } from '#versions/lineage'
import { OPEN_SEQ, type LogEntry } from '#versions/model'
import { branchById } from './branches.ts'
import { joined, LOG, type LogDocument } from './documents.ts'
import { failure } from './failures.ts'
import type { TenantLog } from './log.ts'
import { placesOf } from './places.ts'
import { trimmer } from './trim.ts'
import type { MongoVerbs } from './verbs.ts'

/** What has happened is the log itself, which nobody changes: it is read as it is, without a snapshot. */
export function historyStore(verbs: MongoVerbs, log: TenantLog): HistoryStore {
  const { tenant } = log
  const readLog: HistoryStore['log'] = async ({ branchId, before, limit }) => {
    const branch = await log.look((snapshot) => branchById(snapshot, placesOf(tenant), branchId))
    const lineage = branch ? lineageOf(branch) : []
    const start = before ? lineage.findIndex((bound) => bound.branchId === before.branchId) : 0
    const entries: LogEntry[] = []
    for (const [depth, bound] of lineage.slice(start === -1 ? lineage.length : start).entries()) {
      if (entries.length > limit) break
      const head = bound.seq === OPEN_SEQ ? (branch?.headSeq ?? 0) : bound.seq
      const top = before && depth === 0 ? Math.min(before.seq - 1, head) : head
      const found = await verbs.find<LogDocument>({
        collection: LOG,
        filter: { branch: joined(tenant, bound.branchId), seq: { $lte: top } },
        sort: { seq: -1 },
        limit: limit + 1 - entries.length,
        projection: { entry: 1 },
      })
      entries.push(...found.map(({ entry }) => JSON.parse(entry ?? '') as LogEntry))
    }
    const page = entries.slice(0, limit)
    const last = page.at(-1)
    return entries.length > limit && last
      ? { entries: page, next: { branchId: last.branchId, seq: last.seq } }
      : { entries: page }
  }
  const readAudit: HistoryStore['audit'] = async ({ before, limit }) => {
    const end = before === undefined ? OPEN_SEQ : Number(before)
    const found = await verbs.find<LogDocument>({
      collection: LOG,
      filter: { audited: tenant, auditFrom: { $lt: end } },
      sort: { auditFrom: -1 },
      limit: limit + 1,
      projection: { auditFrom: 1, audit: 1 },
    })
    const rest = found.flatMap(recordsOf).filter(({ id }) => Number(id) < end)
    const records = rest.slice(0, limit)
    const last = records.at(-1)
    return rest.length > limit && last ? { records, next: last.id } : { records }
  }
  return {
    log: async (query) => readLog(query).catch(failure),
    audit: async (query) => readAudit(query).catch(failure),
    trim: trimmer(log),
  }
}

/** The records of one entry, the last one first. */
function recordsOf({ auditFrom, audit }: Pick<LogDocument, 'auditFrom' | 'audit'>): AuditEntry[] {
  const records = JSON.parse(audit ?? '[]') as Omit<AuditEntry, 'id'>[]
  return records.map((record, i) => ({ ...record, id: String((auditFrom ?? 0) + i) })).toReversed()
}
