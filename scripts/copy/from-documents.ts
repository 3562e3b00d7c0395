import type { Db, Filter } from 'mongodb'
import { RECORD_KINDS, type RecordKind } from '#store/kinds'
import { CURRENT, joined, LOG, positionText, REPORT, VERSION } from '#store/mongo/documents'
import type { Current, LogDocument, Version } from '#store/mongo/documents'
import { commitToken, entryId, placesOf, type Places } from '#store/mongo/places'
import type { AuditEntry, MetricsReport, PurgeJob } from '#store/store'
import {
  OPEN_SEQ,
  type Branch,
  type CatalogTag,
  type EntryValue,
  type IdempotencyRecord,
  type LogEntry,
} from '#versions/model'
import { BATCH_CHARS_MAX, canonical, type Row, type Table } from './rows.ts'
import type { Pages } from './store.ts'
import { trimmedId } from './to-documents.ts'

/** Documents of a collection in the order of one field, and the rows that they are. */
interface Part {
  readonly collection: string
  readonly filter: Readonly<Record<string, unknown>>
  readonly field: string
  readonly rowsOf: RowsOf<never>
}

type RowsOf<T> = (docs: readonly T[]) => readonly Row[] | Promise<readonly Row[]>

type Document = Readonly<Record<string, unknown>> & { readonly _id: string }

/** The documents of a tenant as rows. What is in its log must have been projected. */
export function documentPages(db: Db, rowsMax: number): Pages {
  return async function* pages(tenant, table, after) {
    const [part, from] = (after === null ? [0, null] : JSON.parse(after)) as [number, string | number | null]
    if (table === 'entry') {
      yield* entryPages(db, tenant, after, rowsMax)
      return
    }
    for (const [i, { collection, filter, field, rowsOf }] of (await partsOf(db, tenant, table)).entries()) {
      if (i < part) continue
      const beyond = i === part && from !== null ? { [field]: { $gt: from } } : {}
      const found = db.collection<Document>(collection).find({ ...filter, ...beyond } as Filter<Document>)
      for await (const docs of chunks(found.sort({ [field]: 1 }).batchSize(rowsMax), rowsMax)) {
        const rows = await rowsOf(docs as unknown as readonly never[])
        yield { rows: rows.map((row) => canonical(table, row)), key: JSON.stringify([i, docs.at(-1)?.[field]]) }
      }
    }
  }
}

async function* chunks<T extends object>(docs: AsyncIterable<T>, rowsMax: number): AsyncGenerator<T[]> {
  let some: T[] = []
  let size = 0
  for await (const doc of docs) {
    some.push(doc)
    size += Object.values(doc).reduce<number>((sum, value) => sum + String(value).length, 0)
    if (some.length < rowsMax && size < BATCH_CHARS_MAX) continue
    yield some
    some = []
    size = 0
  }
  if (some.length > 0) yield some
}

const KINDS = Object.keys(RECORD_KINDS) as RecordKind[]

async function partsOf(db: Db, tenant: string, table: Exclude<Table, 'entry'>): Promise<Part[]> {
  const places = placesOf(tenant)
  const tenantId = tenant
  const current = (group: string, states: readonly string[], rowsOf: RowsOf<Current>): Part => ({
    collection: CURRENT,
    filter: { group, state: { $in: states } },
    field: 'key',
    rowsOf,
  })
  const logged = (filter: Part['filter'], field: string, rowsOf: (doc: LogDocument) => Row[]): Part[] => [
    { collection: LOG, filter, field, rowsOf: (docs: readonly LogDocument[]) => docs.flatMap(rowsOf) },
  ]
  switch (table) {
    case 'record':
      return KINDS.map((kind) =>
        current(places.records(kind), ['on'], (docs) => docs.map((doc) => recordRow(tenantId, kind, doc))),
      )
    case 'ref':
      return [
        current(places.branches, ['open', 'closed'], (docs) => refRows(db, tenant, docs, branchRow)),
        current(places.tags, ['on'], (docs) => refRows(db, tenant, docs, tagRow)),
      ]
    case 'folder':
      return [
        current(places.folders.all, ['on'], (docs) => docs.map((doc) => ({ tenantId, ...(valueOf(doc) as Row) }))),
      ]
    case 'log':
      return logged({ tenant }, 'n', ({ entry }) => (entry === null ? [] : [logRow(tenantId, entry)]))
    case 'commitId':
      return logged({ tenant }, 'n', ({ unique, seq }) => {
        const prefix = commitToken(tenant, '')
        const ids = unique.filter((token) => token.startsWith(prefix)).map((token) => token.slice(prefix.length))
        return ids.map((id) => ({ tenantId, id, outcome: seq === null ? 'void' : 'committed', seq }))
      })
    case 'idempotency':
      return [
        current(places.answers, ['on'], (docs) =>
          docs.map((doc) => {
            const { answer, ...record } = valueOf(doc) as IdempotencyRecord
            return { tenantId, ...record, answer: JSON.stringify(answer) }
          }),
        ),
      ]
    case 'audit':
      return logged({ audited: tenant }, 'auditFrom', ({ auditFrom, audit }) =>
        (JSON.parse(audit ?? '[]') as Omit<AuditEntry, 'id'>[]).map((record, i) => ({
          ...record,
          tenantId,
          id: (auditFrom ?? 0) + i,
        })),
      )
    case 'purge':
      return [
        current(places.purges, ['pending', 'done'], (docs) =>
          docs.map((doc) => {
            const { locations, ...job } = valueOf(doc) as PurgeJob
            return { ...job, tenantId, locations: JSON.stringify(locations), state: doc.state }
          }),
        ),
      ]
    case 'purgeFolder':
      return [
        current(places.purgeFolders.all, ['pending'], (docs) =>
          docs.map((doc) => {
            const { location, objectId } = valueOf(doc) as { location: string; objectId: string }
            return { tenantId, location, purgeId: doc.key.slice(joined(location, '').length), objectId }
          }),
        ),
      ]
    case 'metricsReport':
      return reportParts(db, tenant)
    default:
      return table satisfies never
  }
}

function valueOf({ value }: { readonly value: string | null }): unknown {
  return JSON.parse(value ?? 'null')
}

function recordRow(tenantId: string, kind: RecordKind, { key: id, ...doc }: Current): Row {
  const record = valueOf(doc) as never
  const { name, owner } = RECORD_KINDS[kind]
  return { tenantId, kind, id, name: name(record), owner: owner(record), doc: doc.value }
}

/** Branches and tags know when they were made by a document of its own. */
async function refRows(db: Db, tenant: string, docs: readonly Current[], rowOf: (doc: Current) => Row): Promise<Row[]> {
  const { refTimes } = placesOf(tenant)
  const ids = docs.map(({ key }) => joined(refTimes, key))
  const found = await db
    .collection<Current>(CURRENT)
    .find({ _id: { $in: ids } })
    .toArray()
  const times = new Map(found.map((doc) => [doc.key, valueOf(doc) as string]))
  return docs.map((doc) => ({ tenantId: tenant, createdAt: times.get(doc.key) ?? '', ...rowOf(doc) }))
}

function branchRow(doc: Current): Row {
  const { id, catalogId, name, state, headSeq, ancestors } = valueOf(doc) as Branch
  const at = { branchId: id, seq: OPEN_SEQ, headSeq }
  return { id, catalogId, name, kind: 'branch', state, ...at, ancestors: JSON.stringify(ancestors) }
}

function tagRow(doc: Current): Row {
  const { id, catalogId, name, at } = valueOf(doc) as CatalogTag
  return { id, catalogId, name, kind: 'tag', state: 'open', ...at, headSeq: 0, ancestors: '[]' }
}

function logRow(tenantId: string, entry: string): Row {
  const { ids, records, changes, ...rest } = JSON.parse(entry) as LogEntry
  const [a, b, c] = [JSON.stringify(ids), JSON.stringify(records), JSON.stringify(changes)]
  return { tenantId, ...rest, ids: a, records: b, changes: c }
}

/** Of a tenant there is a limited number of reports. */
async function reportParts(db: Db, tenant: string): Promise<Part[]> {
  const filter = { tenant }
  type Report = { readonly _id: string; readonly of: string; readonly n: number; readonly report: string }
  const all = await db
    .collection<Report>(REPORT)
    .find(filter, { projection: { of: 1, n: 1 } })
    .toArray()
  const ofTable = Map.groupBy(
    all.toSorted((a, b) => a.n - b.n),
    ({ of }) => of,
  )
  const ranks = new Map([...ofTable.values()].flatMap((docs) => docs.map(({ n }, i) => [n, i + 1] as const)))
  const rowOf = ({ n, report }: Report): Row => ({
    ...(JSON.parse(report) as MetricsReport),
    tenantId: tenant,
    id: n,
    number: ranks.get(n) ?? 0,
  })
  return [{ collection: REPORT, filter, field: 'n', rowsOf: (docs: readonly Report[]) => docs.map(rowOf) }]
}

/** A version and the position that put the next one. */
type Lasting = Version & { readonly toSeq: number }

async function* entryPages(db: Db, tenant: string, after: string | null, rowsMax: number): ReturnType<Pages> {
  const prefix = joined(tenant, 'entry', '')
  const [of, seq] = (after === null ? [prefix, 0] : JSON.parse(after)) as [string, number]
  const range = { of: { $gte: of, $lt: `${prefix.slice(0, -1)}\u001f` } }
  const versions = db.collection<Version>(VERSION).find(range).sort({ of: 1, seq: 1 }).batchSize(rowsMax)
  const rowsOf = await entryRows(db, tenant)
  for await (const some of chunks(lasting(versions, { of, seq }), rowsMax)) {
    const last = some.at(-1)
    const rows = await rowsOf(some)
    yield { rows: rows.map((row) => canonical('entry', row)), key: JSON.stringify([last?.of, last?.seq]) }
  }
}

async function* lasting(versions: AsyncIterable<Version>, after: Pick<Version, 'of' | 'seq'>): AsyncGenerator<Lasting> {
  let held: Version | null = null
  for await (const version of versions) {
    if (version.of === after.of && version.seq <= after.seq) continue
    if (held) yield { ...held, toSeq: held.of === version.of ? version.seq : OPEN_SEQ }
    held = version
  }
  if (held) yield { ...held, toSeq: OPEN_SEQ }
}

/** What versions are as rows: those that say that a key is gone are rows only where they hide something. */
async function entryRows(db: Db, tenantId: string): Promise<(versions: readonly Lasting[]) => Promise<Row[]>> {
  const places = placesOf(tenantId)
  const branches = await db.collection<Current>(CURRENT).find({ group: places.branches }).toArray()
  const ancestors = new Map(branches.map((doc) => [doc.key, (valueOf(doc) as Branch).ancestors]))
  const isTrimming = (await db.collection<Current>(CURRENT).findOne({ group: places.trimmed })) !== null
  const start = joined(tenantId, 'entry', '').length
  return async (versions) => {
    const parsed = versions.map((version) => {
      const [branchId = '', of = '', namespace = '', name = ''] = version.of.slice(start).split(joined('', ''))
      const key = { class: of as 'asset', namespace, name }
      return { version, branchId, key, row: { tenantId, branchId, ...key, fromSeq: version.seq, toSeq: version.toSeq } }
    })
    const tombs = parsed.filter(({ version, branchId }) => version.value === null && ancestors.get(branchId)?.length)
    const revs = await revsAt(
      db,
      tenantId,
      tombs.map(({ row }) => row),
    )
    const rows = await Promise.all(
      parsed.map(async ({ version, branchId, key, row }): Promise<Row[]> => {
        if (version.value !== null) {
          const { locations, properties, summary, ...value } = valueOf(version) as EntryValue & { rev: string }
          const [a, b, c] = [JSON.stringify(locations), JSON.stringify(properties), JSON.stringify(summary)]
          return [{ ...row, ...value, tombstone: 0, locations: a, properties: b, summary: c, trimmed: 0 }]
        }
        const hidden = await hiddenBy(db, places, key, ancestors.get(branchId) ?? [])
        if (!hidden) return []
        const { objectId, kind } = hidden
        const rev = revs.get(joined(branchId, positionText(version.seq))) ?? ''
        const nothing = { metadataLocation: null, locations: '[]', properties: '{}', summary: '{}', trimmed: 0 }
        return [{ ...row, rev, objectId, kind, tombstone: 1, ...nothing }]
      }),
    )
    return isTrimming ? markTrimmed(db, places, rows.flat()) : rows.flat()
  }
}

/** What of a key the ancestors show: the nearest that has anything to say decides. */
async function hiddenBy(
  db: Db,
  places: Places,
  key: Parameters<typeof entryId>[2],
  ancestors: Branch['ancestors'],
): Promise<EntryValue | null> {
  for (const { branchId, seq } of ancestors) {
    const filter = { of: entryId(places, branchId, key), seq: { $lte: seq } }
    const [version] = await db.collection<Version>(VERSION).find(filter).sort({ seq: -1 }).limit(1).toArray()
    if (version) return valueOf(version) as EntryValue | null
  }
  return null
}

/** The commits at positions of branches, by branch and position. */
async function revsAt(
  db: Db,
  tenant: string,
  rows: readonly { readonly branchId: string; readonly fromSeq: number }[],
): Promise<Map<string, string>> {
  const revs = new Map<string, string>()
  for (const [branchId, of] of Map.groupBy(rows, (row) => row.branchId)) {
    const filter = { branch: joined(tenant, branchId), seq: { $in: of.map(({ fromSeq }) => fromSeq) } }
    const projection = { seq: 1, unique: 1 }
    for (const { seq, unique } of await db.collection<LogDocument>(LOG).find(filter, { projection }).toArray())
      revs.set(joined(branchId, positionText(seq ?? 0)), (unique[1] ?? '').slice(commitToken(tenant, '').length))
  }
  return revs
}

async function markTrimmed(db: Db, places: Places, rows: readonly Row[]): Promise<Row[]> {
  const ids = rows.map((row) => trimmedId(places, row))
  const filter = { _id: { $in: ids } }
  const found = await db
    .collection<Current>(CURRENT)
    .find(filter, { projection: { _id: 1 } })
    .toArray()
  const trimmed = new Set(found.map(({ _id }) => _id))
  return rows.map((row, i) => ({ ...row, trimmed: trimmed.has(ids[i] ?? '') ? 1 : 0 }))
}
