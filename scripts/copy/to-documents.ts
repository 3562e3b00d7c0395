import type { RecordKind, RecordKinds } from '#store/kinds'
import { branchPuts } from '#store/mongo/branches'
import {
  CURRENT,
  joined,
  LOG,
  logId,
  NOT_SHOWN,
  positionText,
  put,
  removal,
  REPORT,
  VERSION,
  versionId,
} from '#store/mongo/documents'
import type { Current, LogDocument, Put, Version } from '#store/mongo/documents'
import { recordPuts } from '#store/mongo/entities'
import { folderPuts } from '#store/mongo/folders'
import { answerPuts } from '#store/mongo/idempotency'
import { commitToken, entryId, placesOf, type Places } from '#store/mongo/places'
import { purgePuts } from '#store/mongo/purges'
import { namingPuts } from '#store/mongo/trim'
import type { Doc } from '#store/mongo/verbs'
import type { RowOf } from '#store/sql/columns'
import type { MetricsReport, PurgeJob } from '#store/store'
import {
  OPEN_SEQ,
  type Branch,
  type CatalogTag,
  type Change,
  type EntryValue,
  type IdempotencyRecord,
  type Key,
  type LogEntry,
} from '#versions/model'
import type { Row, Table } from './rows.ts'

/** Documents by collection. */
type Added = Readonly<Record<string, readonly Doc[]>>

/** What rows are as documents of a tenant, whose log has come to `n` with them. */
export interface Documents {
  readonly n: number
  readonly added: Added
  /** The last row of an entry: whether another one of its key follows is not known yet. */
  readonly last: Row | null
}

type EntryRow = RowOf<'entry'>

/** Audit records in one document of the log: a page of audit reads a document for each record that it shows. */
const AUDIT_PER_DOCUMENT = 8

/**
 * Everything that is copied is as if the first entry of the tenant's log had put it, and the watermark had passed it: the
 * log documents that come along say what history and lookups by id read, and put nothing. `last` comes from the rows
 * before, and `n` too.
 */
export function documentsOf(
  tenant: string,
  table: Table,
  rows: readonly Row[],
  n: number,
  last: Row | null,
): Documents {
  const places = placesOf(tenant)
  if (table === 'entry') return { n, ...entryDocuments(places, rows as readonly EntryRow[], last as EntryRow | null) }
  const { [CURRENT]: puts = [], ...others } = last ? entryDocuments(places, [], last as EntryRow).added : {}
  const logged = logDocuments(tenant, table, rows).map((some, i) => logDocument(tenant, n + 1 + i, some))
  const reports = table === 'metricsReport' ? (rows as readonly RowOf<'metricsReport'>[]).map(reportOf) : []
  const current = [...puts, ...putsOf(places, table, rows).map(currentOf)]
  return {
    n: n + logged.length,
    added: { ...others, [CURRENT]: current, [LOG]: logged, [REPORT]: reports },
    last: null,
  }
}

export function currentOf({ id, ...rest }: Put): Current {
  return { _id: id, n: 1, ...rest }
}

/** A log document that puts nothing. */
export function logDocument(tenant: string, n: number, { unique = [], ...some }: Partial<LogDocument>): LogDocument {
  const _id = logId(tenant, n)
  return { _id, tenant, n, nonce: 'copied', unique: [_id, ...unique], puts: [], ...NOT_SHOWN, ...some }
}

/** Where the mark of a row is whose metadata was given up; '' for a row that never has one. */
export function trimmedId(places: Places, row: Row): string {
  const [mark] = trimmedPuts(places, row as EntryRow)
  return mark?.id ?? ''
}

/** Folders of tables and of purges come with those. */
function putsOf(places: Places, table: Table, rows: readonly Row[]): Put[] {
  switch (table) {
    case 'record':
      return (rows as readonly RowOf<'record'>[]).flatMap(({ kind, doc }) =>
        recordPuts(places, kind as RecordKind, JSON.parse(doc) as RecordKinds[RecordKind]),
      )
    case 'ref':
      return (rows as readonly RowOf<'ref'>[]).flatMap((row) => refPuts(places, row))
    case 'idempotency':
      return (rows as readonly RowOf<'idempotency'>[]).flatMap(({ answer, ...row }) =>
        answerPuts(places, { ...row, answer: JSON.parse(answer) as IdempotencyRecord['answer'] }),
      )
    case 'purge':
      return (rows as readonly RowOf<'purge'>[]).flatMap((row) => jobPuts(places, row))
    default:
      return []
  }
}

/** Committed ids are in the log with their commits. */
function logDocuments(tenant: string, table: Table, rows: readonly Row[]): Partial<LogDocument>[] {
  switch (table) {
    case 'log':
      return (rows as readonly RowOf<'log'>[]).map((row) => commitOf(tenant, row))
    case 'commitId': {
      const voids = (rows as readonly RowOf<'commitId'>[]).filter(({ outcome }) => outcome === 'void')
      return voids.length === 0 ? [] : [{ unique: voids.map(({ id }) => commitToken(tenant, id)) }]
    }
    case 'audit':
      return auditRuns(rows as readonly RowOf<'audit'>[]).map((run) => auditOf(tenant, run))
    default:
      return []
  }
}

function refPuts(places: Places, row: RowOf<'ref'>): Put[] {
  const { id, catalogId, name, branchId, seq, headSeq, createdAt } = row
  if (row.kind === 'tag') {
    const tag: CatalogTag = { id, catalogId, name, at: { branchId, seq } }
    const named = put(places.refs(catalogId), name, { tag: id })
    return [put(places.tags, id, tag), named, put(places.refTimes, id, createdAt)]
  }
  const state = row.state as Branch['state']
  const branch = { id, catalogId, name, state, headSeq, ancestors: JSON.parse(row.ancestors) as Branch['ancestors'] }
  // The name of a closed branch is free.
  return branchPuts(places, branch, createdAt).filter(
    ({ group }) => state === 'open' || group !== places.refs(catalogId),
  )
}

function jobPuts(places: Places, { tenantId: _tenant, state, ...row }: RowOf<'purge'>): Put[] {
  const job: PurgeJob = { ...row, locations: JSON.parse(row.locations) as string[] }
  const puts = purgePuts(places, job)
  if (state === 'pending') return puts
  return purgePuts(places, { ...job, locations: [] }).map((one) =>
    one.group === places.purges ? put(one.group, one.key, job, state) : one,
  )
}

/** A row that was closed, and whose key no row follows, was dropped. Behind `before` come `rows`, or no more rows. */
function entryDocuments(places: Places, rows: readonly EntryRow[], before: EntryRow | null) {
  const [current, version]: [Put[], Version[]] = [[], []]
  const keep = (one: Put, isCurrent: boolean): void => {
    const { id, state, value, seq } = one
    version.push({ _id: versionId(id, seq ?? 0), of: id, seq: seq ?? 0, n: 1, state, value })
    if (isCurrent) current.push(one)
  }
  for (const row of rows) {
    const { branchId, fromSeq: seq, rev } = row
    const { key, next } = changeOf(row)
    const group = places.entries(branchId, key)
    const value = { ...next, rev }
    keep(next ? put(group, key.name, value, next.kind, seq) : removal(group, key.name, seq), row.toSeq === OPEN_SEQ)
    current.push(...folderPuts(places, branchId, { key, expect: null, next }))
    current.push(...namingPuts(places, branchId, { key, expect: null, next }, seq, rev))
    if (row.trimmed === 1) current.push(...trimmedPuts(places, row))
  }
  const known = [...(before ? [before] : []), ...rows, ...(rows.length > 0 ? [] : [null])]
  for (const [i, next] of known.slice(1).entries()) {
    const row = known[i]
    if (!row || row.toSeq === OPEN_SEQ) continue
    const isSameKey = next !== null && idOf(places, row) === idOf(places, next)
    const gone = removal(places.entries(row.branchId, changeOf(row).key), row.name, row.toSeq)
    if (!isSameKey || next.fromSeq !== row.toSeq) keep(gone, !isSameKey)
  }
  return { added: { [CURRENT]: current.map(currentOf), [VERSION]: version }, last: rows.at(-1) ?? null }
}

function idOf(places: Places, row: EntryRow): string {
  return entryId(places, row.branchId, changeOf(row).key)
}

/** The change that has written a row. */
function changeOf(row: EntryRow): Change {
  const { class: of, namespace, name, objectId, kind, metadataLocation } = row
  const key = { class: of, namespace, name } as Key
  if (row.tombstone === 1) return { key, expect: null, next: null }
  const [locations, properties, summary] = [row.locations, row.properties, row.summary].map(
    (text) => JSON.parse(text) as unknown,
  )
  const next = { objectId, kind, metadataLocation, locations, properties, summary } as EntryValue
  return { key, expect: null, next }
}

function trimmedPuts(places: Places, row: EntryRow): Put[] {
  const { branchId, fromSeq, toSeq, rev } = row
  return namingPuts(places, branchId, changeOf(row), fromSeq, rev).flatMap(({ id }) => [
    put(places.trimmedRows(branchId), joined(positionText(toSeq), id), fromSeq),
    put(places.trimmed, row.metadataLocation ?? '', row.metadataLocation),
  ])
}

function commitOf(tenant: string, { branchId, seq, at, ...row }: RowOf<'log'>): Partial<LogDocument> {
  const [ids, records, changes] = [row.ids, row.records, row.changes].map((text) => JSON.parse(text) as unknown)
  const entry = { branchId, seq, at, ids, records, changes } as LogEntry
  const unique = entry.ids.map((id) => commitToken(tenant, id))
  return { unique, branch: joined(tenant, branchId), seq, entry: JSON.stringify(entry) }
}

/** Numbers within a document have no gaps. */
function auditRuns(rows: readonly RowOf<'audit'>[]): RowOf<'audit'>[][] {
  const runs: RowOf<'audit'>[][] = []
  for (const row of rows) {
    const run = runs.at(-1)
    if (run && run.length < AUDIT_PER_DOCUMENT && run.at(-1)?.id === row.id - 1) run.push(row)
    else runs.push([row])
  }
  return runs
}

function auditOf(tenant: string, run: readonly RowOf<'audit'>[]): Partial<LogDocument> {
  const records = run.map(({ tenantId: _tenant, id: _id, ...record }) => record)
  return { audited: tenant, auditFrom: run[0]?.id ?? 0, audit: JSON.stringify(records) }
}

function reportOf({ tenantId: tenant, id: n, number: _number, ...report }: RowOf<'metricsReport'>): Doc {
  const document = { _id: logId(tenant, n), tenant, n, of: joined(tenant, report.objectId) }
  return Object.assign(document, { report: JSON.stringify(report satisfies MetricsReport) })
}
