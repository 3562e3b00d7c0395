import type { PageQuery } from '#store/store'
import { lineageOf, type Row } from '#versions/lineage'
import { OPEN_SEQ, type Bound, type Branch, type Entry, type EntryValue, type Key, type Lineage } from '#versions/model'
import { HIDDEN_NAMES_MAX, mergePages, type BranchRows, type Page } from '#versions/page'
import { entryId } from './places.ts'
import type { Former, Snapshot } from './snapshot.ts'

/** An entry as its document has it: the rest is in the document's place. */
export interface StoredEntry extends EntryValue {
  readonly rev: string
}

/** A page of entries of some kinds. */
type Listing = Omit<PageQuery, 'kind'> & { readonly kinds: readonly Entry['kind'][] }

const KINDS: Listing['kinds'] = ['namespace', 'table', 'view']

/** One per key, in order: the row of the nearest branch that has one decides. */
export async function entriesAt(snapshot: Snapshot, lineage: Lineage, keys: readonly Key[]): Promise<(Entry | null)[]> {
  const found = await Promise.all(lineage.map((bound) => rowsAt(snapshot, bound, keys)))
  return keys.map((_, i) => {
    const nearest = found.map((rows) => rows[i]).find((one) => one)
    return nearest && !nearest.tombstone ? nearest.entry : null
  })
}

/** One per key, in order: what one branch has of it at a position, null where it has nothing to say. */
export async function rowsAt(snapshot: Snapshot, bound: Bound, keys: readonly Key[]): Promise<(Row | null)[]> {
  const ids = keys.map((key) => entryId(snapshot.places, bound.branchId, key))
  const formers = await snapshot.formerly(ids, bound.seq)
  return keys.map((key, i) => (formers[i] ? rowOf(bound.branchId, key, formers[i]) : null))
}

/** A page of a namespace, of entries of some kinds. It may be short and have a `next` all the same. */
export async function pageAt(snapshot: Snapshot, branch: Branch, seq: number, query: Listing): Promise<Page> {
  const isPlain = branch.ancestors.length === 0 && seq === OPEN_SEQ
  const pages = await Promise.all(lineageOf(branch, seq).map((bound) => branchPage(snapshot, bound, query, isPlain)))
  return mergePages(pages, ({ kind }) => query.kinds.includes(kind), query.limit)
}

/** Whether nothing of a namespace is shown. */
export async function isEmpty(snapshot: Snapshot, branch: Branch, namespace: string): Promise<boolean> {
  const showsAny = async (of: Key['class'], after?: string): Promise<boolean> => {
    const query = { class: of, namespace, kinds: KINDS, limit: 1, after }
    const { entries, next } = await pageAt(snapshot, branch, OPEN_SEQ, query)
    return entries.length > 0 || (next !== undefined && showsAny(of, next))
  }
  return !(await Promise.all([showsAny('asset'), showsAny('namespace')])).includes(true)
}

/** Nothing that a plain branch's head has dropped hides anything: it rests on no other. */
async function branchPage(snapshot: Snapshot, bound: Bound, query: Listing, isPlain: boolean): Promise<BranchRows> {
  const { branchId, seq } = bound
  const { class: of, namespace, after } = query
  const group = snapshot.places.entries(branchId, { class: of, namespace })
  const wanted = isPlain ? { states: query.kinds, limit: query.limit + 1 } : { limit: query.limit + HIDDEN_NAMES_MAX }
  const { puts, end } = await snapshot.range({ group, after, ...wanted })
  const found = puts.map(({ key: name, value, seq: since }) => ({
    key: { class: of, namespace, name },
    current: { value, seq: since ?? 0, toSeq: OPEN_SEQ },
  }))
  const keys = found.map(({ key }) => key)
  const rows =
    seq === OPEN_SEQ ? found.map((one) => rowOf(branchId, one.key, one.current)) : await rowsAt(snapshot, bound, keys)
  return { rows: rows.filter((one) => one !== null), more: end !== null, lookedUpTo: end ?? undefined }
}

/** What stands in the place of a value that is gone; nobody sees it. */
const GONE = { objectId: '', kind: 'view', metadataLocation: null, locations: [], properties: {}, summary: {} } as const

function rowOf(branchId: string, { class: of, namespace, name }: Key, { value, seq, toSeq }: Former): Row {
  const place = { class: of, namespace, name, branchId, fromSeq: seq, toSeq }
  if (value === null) return { entry: { ...GONE, rev: '', ...place }, tombstone: true }
  return { entry: { ...(JSON.parse(value) as StoredEntry), ...place }, tombstone: false }
}
