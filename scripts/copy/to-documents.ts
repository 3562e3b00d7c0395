import { RECORD_KINDS, type RecordKind, type RecordKinds } from '#store/kinds'
import { CURRENT, joined, LOG, logId, positionText, put, REPORT, VERSION, versionId } from '#store/mongo/documents'
import type { Current, LogDocument, Put, Version } from '#store/mongo/documents'
import { commitToken, entryId, placesOf, type Places } from '#store/mongo/places'
import type { Doc } from '#store/mongo/verbs'
import type { RowOf } from '#store/sql/columns'
import type { AuditEntry, MetricsReport } from '#store/store'
import { OPEN_SEQ, type Branch, type CatalogTag, type IdempotencyRecord, type Key, type LogEntry } from '#versions/model'
import type { Row, Table } from './rows.ts'

/** What rows are as documents of a tenant whose log has come to `n`. */
export interface Documents {
  readonly n: number
  /** By collection. */
  readonly added: Readonly<Record<string, readonly Doc[]>>
  /** The last row of an entry: whether another one follows it is not known yet. */
  readonly last: Row | null
}

/** An entry's row, and what tells the rows of one key from those of another. */
type EntryRow = RowOf<'entry'>

/** Audit records in one document of the log: a page of audit reads a document for each record that it shows. */
const AUDIT_PER_DOCUMENT = 8

/**
 * Everything that was copied is as if the first entry of the tenant's log had put it, and the watermark passed it: log
 * documents that come with the copy say what history and lookups by id read, and put nothing. `last` is that of the rows
 * before, if those were entries.
 */
export function documentsOf(tenant: string, table: Table, rows: readonly Row[], n: number, last: Row | null): Documents {
  const places = placesOf(tenant)
  if (table === 'entry') return { n, ...entryDocuments(places, rows as readonly EntryRow[], last as EntryRow | null) }
  const documents = otherDocuments(tenant, places, table, rows, n)
  if (last === null) return documents
  const ended = entryDocuments(places, [], last as EntryRow).added
  return { ...documents, added: { ...documents.added, ...ended } }
}

function otherDocuments(
  tenant: string,
  places: Places,
  table: Exclude<Table, 'entry'>,
  rows: readonly Row[],
  n: number,
): Documents {
  const puts = (of: readonly Put[]): Documents => ({ n, added: { [CURRENT]: of.map(currentOf) }, last: null })
  const logged = (of: readonly Partial<LogDocument>[]): Documents => ({
    n: n + of.length,
    added: { [LOG]: of.map((some, i) => logDocument(tenant, n + 1 + i, some)) },
    last: null,
  })
  switch (table) {
    case 'record':
      return puts((rows as readonly RowOf<'record'>[]).flatMap((row) => recordPuts(places, row)))
    case 'ref':
      return puts((rows as readonly RowOf<'ref'>[]).flatMap((row) => refPuts(places, row)))
    case 'folder':
      return puts((rows as readonly RowOf<'folder'>[]).flatMap((row) => folderPuts(places, row)))
    case 'log':
      return logged((rows as readonly RowOf<'log'>[]).map((row) => commitOf(tenant, row)))
    case 'commitId': {
      // Those that were committed are in the log with their commits.
      const voids = (rows as readonly RowOf<'commitId'>[]).filter(({ outcome }) => outcome === 'void')
      return logged(voids.length === 0 ? [] : [{ unique: voids.map(({ id }) => commitToken(tenant, id)) }])
    }
    case 'idempotency':
      return puts((rows as readonly RowOf<'idempotency'>[]).flatMap((row) => answerPuts(places, row)))
    case 'audit':
      return logged(auditRuns(rows as readonly RowOf<'audit'>[]).map((run) => auditOf(tenant, run)))
    case 'purge':
      return puts((rows as readonly RowOf<'purge'>[]).flatMap((row) => purgePuts(places, row)))
    case 'purgeFolder':
      return puts((rows as readonly RowOf<'purgeFolder'>[]).flatMap((row) => purgeFolderPuts(places, row)))
    case 'metricsReport': {
      const reports = (rows as readonly RowOf<'metricsReport'>[]).map((row) => reportOf(tenant, row))
      return { n, added: { [REPORT]: reports }, last: null }
    }
    default:
      return table satisfies never
  }
}

/** Where the mark of a row is whose metadata was given up; '' for a row that has none. */
export function trimmedId(places: Places, row: Row): string {
  const { branchId, toSeq, metadataLocation } = row as EntryRow
  if (metadataLocation === null) return ''
  return joined(places.trimmedRows(branchId), positionText(toSeq), namingPut(places, row as EntryRow, metadataLocation).id)
}

export function currentOf({ id, ...rest }: Put): Current {
  return { _id: id, n: 1, ...rest }
}

/** A log document that puts nothing. */
export function logDocument(tenant: string, n: number, { unique = [], ...some }: Partial<LogDocument>): LogDocument {
  const _id = logId(tenant, n)
  const nothing = { branch: null, seq: null, entry: null, audited: null, auditFrom: null, audit: null }
  return { _id, tenant, n, nonce: 'copied', unique: [_id, ...unique], puts: [], ...nothing, ...some }
}

const on = (group: string, key: string, value: unknown, part?: string): Put =>
  put(group, key, { state: 'on', value, ...(part === undefined ? {} : { part }) })

function recordPuts(places: Places, { kind: name, doc }: RowOf<'record'>): Put[] {
  const kind = name as RecordKind
  const record = JSON.parse(doc) as RecordKinds[typeof kind]
  const indexed = RECORD_KINDS[kind] as (typeof RECORD_KINDS)['tenant']
  const [unique, owner] = [indexed.name(record as RecordKinds['tenant']), indexed.owner(record as RecordKinds['tenant'])]
  return [
    on(places.records(kind), record.id, record),
    ...(unique === null ? [] : [on(places.recordNames(kind), unique, record.id)]),
    ...(owner === null ? [] : [on(places.owned(kind, owner), record.id, record)]),
  ]
}

function refPuts(places: Places, row: RowOf<'ref'>): Put[] {
  const { id, catalogId, name, branchId, seq, headSeq, createdAt } = row
  const made = on(places.refTimes, id, createdAt)
  if (row.kind === 'tag') {
    const tag: CatalogTag = { id, catalogId, name, at: { branchId, seq } }
    return [made, on(places.tags, id, tag), on(places.refs(catalogId), name, { tag: id })]
  }
  const state = row.state as Branch['state']
  const ancestors = JSON.parse(row.ancestors) as Branch['ancestors']
  const branch: Branch = { id, catalogId, name, state, headSeq, ancestors }
  const named = state === 'open' ? [on(places.refs(catalogId), name, { branch: id })] : []
  return [made, put(places.branches, id, { state, value: branch }), ...named]
}

function folderPuts(places: Places, { location, objectId }: RowOf<'folder'>): Put[] {
  const value = { location, objectId }
  return [on(places.folders, joined(location, objectId), value), on(places.foldersAt(location), objectId, value)]
}

function keyOf({ class: of, namespace, name }: EntryRow): Key {
  return { class: of as Key['class'], namespace, name }
}

function idOf(places: Places, row: EntryRow): string {
  return entryId(places, row.branchId, keyOf(row))
}

/**
 * A row that was closed, and whose key no row follows, was dropped where nothing below shows the key. What follows
 * `before` are `rows`, or no more rows at all.
 */
function entryDocuments(places: Places, rows: readonly EntryRow[], before: EntryRow | null) {
  const [current, version]: [Put[], Version[]] = [[], []]
  const keep = (row: EntryRow, seq: number, state: string | null, value: string | null, isCurrent: boolean): void => {
    const group = places.entries(row.branchId, keyOf(row).class, row.namespace)
    const id = idOf(places, row)
    version.push({ _id: versionId(id, seq), of: id, seq, n: 1, state, value })
    if (isCurrent) current.push({ id, group, key: row.name, state, value, seq })
  }
  for (const row of rows) {
    const value = row.tombstone === 1 ? null : valueOf(row)
    keep(row, row.fromSeq, value === null ? null : row.kind, value, row.toSeq === OPEN_SEQ)
    if (value !== null) current.push(...foundBy(places, row))
  }
  const known = [...(before ? [before] : []), ...rows, ...(rows.length > 0 ? [] : [null])]
  for (const [i, next] of known.slice(1).entries()) {
    const row = known[i]
    if (!row || row.toSeq === OPEN_SEQ) continue
    const isSameKey = next !== null && idOf(places, row) === idOf(places, next)
    if (!isSameKey || next.fromSeq !== row.toSeq) keep(row, row.toSeq, null, null, !isSameKey)
  }
  return { added: { [CURRENT]: current.map(currentOf), [VERSION]: version }, last: rows.at(-1) ?? null }
}

function valueOf({ objectId, kind, metadataLocation, locations, properties, summary, rev }: EntryRow): string {
  const parsed = [locations, properties, summary].map((text) => JSON.parse(text) as unknown)
  const [a, b, c] = parsed
  return JSON.stringify({ objectId, kind, metadataLocation, locations: a, properties: b, summary: c, rev })
}

/** By its object, by its metadata file, and by what was given up. */
function foundBy(places: Places, row: EntryRow): Put[] {
  const { branchId, objectId, metadataLocation, fromSeq } = row
  const id = idOf(places, row)
  const seen = row.kind === 'namespace' ? [] : [on(places.objects(objectId), id, { branchId, key: keyOf(row) })]
  if (metadataLocation === null) return seen
  const naming = namingPut(places, row, metadataLocation)
  const trimmed =
    row.trimmed === 0
      ? []
      : [
          on(places.trimmed, metadataLocation, metadataLocation),
          on(places.trimmedRows(branchId), joined(positionText(row.toSeq), naming.id), fromSeq),
        ]
  return [...seen, naming, ...trimmed]
}

function namingPut(places: Places, row: EntryRow, metadataLocation: string): Put {
  const { branchId, objectId, fromSeq, rev } = row
  const value = { branchId, key: keyOf(row), seq: fromSeq, objectId }
  return on(places.naming(metadataLocation), joined(rev, idOf(places, row)), value)
}

function commitOf(tenant: string, { branchId, seq, at, ...row }: RowOf<'log'>): Partial<LogDocument> {
  const [ids, records, changes] = [row.ids, row.records, row.changes].map((text) => JSON.parse(text) as unknown)
  const entry = { branchId, seq, at, ids, records, changes } as LogEntry
  const unique = entry.ids.map((id) => commitToken(tenant, id))
  return { unique, branch: joined(tenant, branchId), seq, entry: JSON.stringify(entry) }
}

function answerPuts(places: Places, row: RowOf<'idempotency'>): Put[] {
  const { key, fingerprint, at } = row
  const value: IdempotencyRecord = { key, fingerprint, answer: JSON.parse(row.answer) as IdempotencyRecord['answer'], at }
  return [on(places.answers, key, value), on(places.answersByTime, joined(at, key), key)]
}

/** Numbers within a document have no gaps. */
function auditRuns(rows: readonly RowOf<'audit'>[]): RowOf<'audit'>[][] {
  const runs: RowOf<'audit'>[][] = []
  for (const row of rows) {
    const run = runs.at(-1)
    const goesOn = run !== undefined && run.length < AUDIT_PER_DOCUMENT && run.at(-1)?.id === row.id - 1
    if (goesOn) run.push(row)
    else runs.push([row])
  }
  return runs
}

function auditOf(tenant: string, run: readonly RowOf<'audit'>[]): Partial<LogDocument> {
  const records = run.map(({ tenantId: _tenant, id: _id, ...row }) => row as Omit<AuditEntry, 'id'>)
  return { audited: tenant, auditFrom: run[0]?.id ?? 0, audit: JSON.stringify(records) }
}

function purgePuts(places: Places, { tenantId: _tenant, state, ...row }: RowOf<'purge'>): Put[] {
  const key = joined(row.createdAt, row.id)
  const job = { ...row, locations: JSON.parse(row.locations) as unknown }
  return [
    put(places.purges, key, { state, value: job }),
    on(places.purgeKeys, row.id, key),
    on(places.purged, row.objectId, row.objectId),
  ]
}

function purgeFolderPuts(places: Places, { location, purgeId, objectId }: RowOf<'purgeFolder'>): Put[] {
  const state = 'pending'
  const value = { location, objectId }
  return [
    put(places.purgeFolders, joined(location, purgeId), { state, value }),
    put(places.purgeFoldersAt(location), purgeId, { state, value }),
  ]
}

function reportOf(tenant: string, { tenantId: _tenant, id: n, number: _number, ...row }: RowOf<'metricsReport'>): Doc {
  const report: MetricsReport = row
  const document = { _id: logId(tenant, n), tenant, n, of: joined(tenant, row.objectId), report: JSON.stringify(report) }
  return document
}
