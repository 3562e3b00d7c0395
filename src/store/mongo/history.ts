import { logPage, recordsPage } from '#store/pages'
import type { AuditEntry, HistoryStore } from '#store/store'
import { boundsBefore } from '#versions/lineage'
import { OPEN_SEQ, type LogEntry } from '#versions/model'
import { branchById } from './branches.ts'
import { joined, LOG, type LogDocument } from './documents.ts'
import { failure } from './failures.ts'
import type { TenantLog } from './log.ts'
import { trimmer } from './trim.ts'
import type { MongoVerbs } from './verbs.ts'

/** What has happened is the log itself, which nobody changes: it is read as it is, without a snapshot. */
export function historyStore(verbs: MongoVerbs, log: TenantLog): HistoryStore {
  const { tenant } = log
  const readLog: HistoryStore['log'] = async ({ branchId, before, limit }) => {
    const branch = await log.look((snapshot) => branchById(snapshot, branchId))
    const entries: LogEntry[] = []
    for (const bound of branch ? boundsBefore(branch, before) : []) {
      if (entries.length > limit) break
      const filter = { branch: joined(tenant, bound.branchId), seq: { $lte: bound.seq } }
      const query = { collection: LOG, filter, sort: { seq: -1 }, projection: { entry: 1 } }
      const found = await verbs.find<LogDocument>({ ...query, limit: limit + 1 - entries.length })
      entries.push(...found.map(({ entry }) => JSON.parse(entry ?? '') as LogEntry))
    }
    return logPage(entries, limit)
  }
  const readAudit: HistoryStore['audit'] = async ({ before = OPEN_SEQ, limit }) => {
    const end = Number(before)
    const filter = { audited: tenant, auditFrom: { $lt: end } }
    const query = { collection: LOG, filter, sort: { auditFrom: -1 }, projection: { auditFrom: 1, audit: 1 } }
    const found = await verbs.find<LogDocument>({ ...query, limit: limit + 1 })
    const records = found.flatMap(recordsOf).filter(({ id }) => Number(id) < end)
    return recordsPage(records, limit)
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
