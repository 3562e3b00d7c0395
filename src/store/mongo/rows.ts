import type { PageQuery } from '#store/store'
import { lineageOf } from '#versions/lineage'
import { OPEN_SEQ, type Branch, type Entry, type EntryValue, type Key, type Lineage } from '#versions/model'
import { cutPage, mergePages, type BranchRows, type Page } from '#versions/page'
import type { Put } from './documents.ts'
import { entryId, type Places } from './places.ts'
import type { Snapshot } from './snapshot.ts'

/** An entry as its document has it: the rest is in the document's place. */
export interface StoredEntry extends EntryValue {
  readonly rev: string
}

/** What a branch has of a key: an entry, or nothing although an ancestor may show it. */
interface Row {
  readonly entry: Entry
  readonly tombstone: boolean
}

/** Documents a page looks at beyond those it returns: dropped keys hide what ancestors show, and take their place. */
const HIDDEN_NAMES_MAX = 1000

const KINDS: readonly Entry['kind'][] = ['namespace', 'table', 'view']

/** Everything that is asked of entries: one snapshot, one lineage. */
export interface Reader {
  readonly snapshot: Snapshot
  readonly places: Places
}

/** One per key, in order: the row of the nearest branch that has one decides. */
export async function entriesAt(reader: Reader, lineage: Lineage, keys: readonly Key[]): Promise<(Entry | null)[]> {
  const { snapshot, places } = reader
  await snapshot.puts(lineage.flatMap(({ branchId }) => keys.map((key) => entryId(places, branchId, key))))
  const found = await Promise.all(lineage.map((bound) => rowsAt(reader, bound, keys)))
  return keys.map((_, i) => {
    const nearest = found.map((rows) => rows[i]).find((one) => one)
    return nearest && !nearest.tombstone ? nearest.entry : null
  })
}

/** One per key, in order: what one branch has of it at a position, null where it has nothing to say. */
export async function rowsAt(
  { snapshot, places }: Reader,
  { branchId, seq }: { branchId: string; seq: number },
  keys: readonly Key[],
): Promise<(Row | null)[]> {
  const ids = keys.map((key) => entryId(places, branchId, key))
  const rowOf = (i: number, put: Pick<Put, 'value'>, fromSeq: number, toSeq: number): Row | null =>
    keys[i] ? row(branchId, keys[i], put, fromSeq, toSeq) : null
  if (seq === OPEN_SEQ) {
    const puts = await snapshot.puts(ids)
    return puts.map((put, i) => put && rowOf(i, put, put.seq ?? 0, OPEN_SEQ))
  }
  const formers = await snapshot.formerly(ids, seq)
  return formers.map((former, i) => former && rowOf(i, former.put, former.seq, former.to ?? OPEN_SEQ))
}

/** A page of a namespace; `kind` null: whatever is in it. A page may be short and have a `next` all the same. */
export async function pageAt(
  reader: Reader,
  branch: Branch,
  seq: number,
  query: Omit<PageQuery, 'kind'> & { readonly kind: PageQuery['kind'] | null },
): Promise<Page> {
  const lineage = lineageOf(branch, seq)
  const isPlainHead = branch.ancestors.length === 0 && seq === OPEN_SEQ
  const states = isPlainHead ? (query.kind === null ? KINDS : [query.kind]) : undefined
  const pages = await Promise.all(lineage.map((bound) => branchPage(reader, bound, query, states)))
  const accepts = ({ kind }: Entry): boolean => query.kind === null || kind === query.kind
  const [only] = pages
  if (!isPlainHead || !only) return mergePages(pages, accepts, query.limit)
  return cutPage(
    only.rows.map(({ entry }) => entry),
    query.limit,
    only.more ? (only.lookedUpTo ?? null) : null,
  )
}

/** Whether nothing of a namespace is shown. */
export async function isEmpty(reader: Reader, branch: Branch, namespace: string): Promise<boolean> {
  for (const each of ['asset', 'namespace'] as const) {
    let after: string | undefined
    do {
      const query = { class: each, namespace, kind: null, limit: 1, ...(after === undefined ? {} : { after }) }
      const page: Page = await pageAt(reader, branch, OPEN_SEQ, query)
      if (page.entries.length > 0) return false
      after = page.next
    } while (after !== undefined)
  }
  return true
}

async function branchPage(
  reader: Reader,
  bound: { branchId: string; seq: number },
  { class: of, namespace, after, limit }: Omit<PageQuery, 'kind'>,
  states: readonly string[] | undefined,
): Promise<BranchRows> {
  const group = reader.places.entries(bound.branchId, of, namespace)
  const range = { group, limit: states ? limit + 1 : limit + HIDDEN_NAMES_MAX }
  const { puts, end } = await reader.snapshot.range({
    ...range,
    ...(states ? { states } : {}),
    ...(after === undefined ? {} : { after }),
  })
  const keys = puts.map(({ key: name }) => ({ class: of, namespace, name }))
  const rows =
    bound.seq === OPEN_SEQ
      ? puts.map((put) => row(bound.branchId, { class: of, namespace, name: put.key }, put, put.seq ?? 0, OPEN_SEQ))
      : await rowsAt(reader, bound, keys)
  const found = rows.filter((one) => one !== null)
  return { rows: found, more: end !== null, ...(end === null ? {} : { lookedUpTo: end }) }
}

function row(branchId: string, key: Key, { value }: Pick<Put, 'value'>, fromSeq: number, toSeq: number): Row {
  const { class: of, namespace, name } = key
  const range = { class: of, namespace, name, branchId, fromSeq, toSeq }
  if (value === null) return { entry: { ...GONE, ...range }, tombstone: true }
  return { entry: { ...(JSON.parse(value) as StoredEntry), ...range }, tombstone: false }
}

/** What a tombstone has in the place of a value; nobody sees it. */
const GONE: StoredEntry = {
  objectId: '',
  kind: 'table',
  metadataLocation: null,
  locations: [],
  properties: {},
  summary: {},
  rev: '',
}
