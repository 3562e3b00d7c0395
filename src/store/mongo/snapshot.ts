import { OPEN_SEQ } from '#versions/model'
import { compareNames } from '#versions/page'
import { CURRENT, joined, LOG, VERSION, type Current, type LogDocument, type Put, type Version } from './documents.ts'
import { placesOf, type Places } from './places.ts'
import { VerbFailure, type Doc, type Fields, type MongoVerbs, type Query } from './verbs.ts'

/** A log entry without what only history reads. */
export type TailEntry = Pick<LogDocument, 'n' | 'nonce' | 'unique' | 'puts' | 'seq' | '_id'>

/** What is known of a tenant's log: how far it is projected, at least, and the entries after that, without a gap. */
export interface View {
  readonly applied: number
  readonly tail: readonly TailEntry[]
}

/** Documents of one group in order: behind `after`, if there is one, and before `to`. */
interface RangeQuery {
  readonly group: string
  /** Only documents in one of these; absent: also those that are gone. */
  readonly states?: readonly string[] | undefined
  readonly to?: string | undefined
  readonly after?: string | undefined
  readonly limit: number
}

/** `end` is the last key looked at if there may be more behind it. */
export interface Range {
  readonly puts: readonly Put[]
  readonly end: string | null
}

/** A value as it was at a position of its branch: put at `seq`, and current before `toSeq`. */
export interface Former {
  readonly value: string | null
  readonly seq: number
  readonly toSeq: number
}

/** What is known of an entry that was found by a token. */
export type TokenEntry = Pick<LogDocument, 'unique' | 'seq' | 'n' | '_id'>

const TAIL_FIELDS = { n: 1, nonce: 1, unique: 1, puts: 1, seq: 1 }

/** Log entries asked for at a time. */
const TAIL_PAGE = 100

/** Documents asked for in one query. */
const DOCUMENTS_PER_QUERY = 1000

/**
 * The state of a tenant right after the log entry `head`, read from the projections and the log behind them.
 *
 * Every entry up to `applied` was projected before any projection is read here, so of a document that a later entry put
 * the log knows, and of any other its projection is right. A projection that is newer than `head` moves `head`: its
 * entry is in the log already. Where the query left out documents for a state that changes, the log is read once more
 * *after* it, for the same reason. What has been fetched stays right for every later `head`, so whoever decides by a
 * snapshot decides again when it has moved, and fetches nothing twice.
 */
export class Snapshot {
  readonly tenant: string
  readonly places: Places
  readonly applied: number
  head: number
  readonly tail: TailEntry[] = []
  /** Whatever of the log had been written when the snapshot was taken is known. */
  ready: Promise<void>
  private readonly verbs: MongoVerbs
  /** The puts of the tail, by document and by group. */
  private readonly byId = new Map<string, Put[]>()
  private readonly byGroup = new Map<string, Map<string, Put>>()
  private readonly absent = new Set<string>()
  private readonly storedOf = loader(async (ids) => this.fetchStored(ids))
  private readonly versionsAt = new Map<number, Load<readonly Version[]>>()
  private readonly fetched = new Map<string, Promise<unknown>>()

  constructor(verbs: MongoVerbs, tenant: string, view: View) {
    this.verbs = verbs
    this.tenant = tenant
    this.places = placesOf(tenant)
    this.applied = view.applied
    this.head = view.applied
    for (const entry of view.tail) this.push(entry)
    this.ready = this.extend()
    this.ready.catch(() => undefined)
  }

  /** Reads on in the log, up to its first gap. */
  async extend(): Promise<void> {
    for (;;) {
      const before = this.head
      const filter = { tenant: this.tenant, n: { $gt: before } }
      const query = { collection: LOG, filter, sort: { n: 1 }, limit: TAIL_PAGE, projection: TAIL_FIELDS }
      const entries = await this.verbs.find<TailEntry>(query)
      for (const entry of entries) if (entry.n === this.head + 1) this.push(entry)
      if (entries.length < TAIL_PAGE || this.head === before) return
    }
  }

  push(entry: TailEntry): void {
    this.head = entry.n
    this.tail.push(entry)
    for (const put of entry.puts) {
      const ofId = this.byId.get(put.id) ?? []
      const ofGroup = this.byGroup.get(put.group) ?? new Map<string, Put>()
      ofId.push(put)
      this.byId.set(put.id, ofId)
      this.byGroup.set(put.group, ofGroup.set(put.id, put))
    }
  }

  /** One per id, in order: null where there has never been such a document. */
  async puts(ids: readonly string[]): Promise<(Put | null)[]> {
    const stored = await this.storedOf(ids)
    return ids.map((id, i) => this.byId.get(id)?.at(-1) ?? (stored[i] ? asPut(stored[i]) : null))
  }

  /** The value of the document with that key in a group, parsed: null where it is not there, or gone. */
  async value<T>(group: string, key: string): Promise<T | null> {
    const [found] = await this.puts([joined(group, key)])
    return found?.value ? (JSON.parse(found.value) as T) : null
  }

  /** Whether the document was looked for, and has never been there. */
  isFresh(id: string): boolean {
    return this.absent.has(id) && !this.byId.has(id)
  }

  async range(query: RangeQuery): Promise<Range> {
    const { found, end } = await this.once('range', query, async () => this.fetchRange(query))
    const isInside = (put: Put): boolean => isIn(query, put) && (end === null || compareNames(put.key, end) <= 0)
    const puts = this.withTail(found, [query.group], isInside)
    return { puts: puts.toSorted((a, b) => compareNames(a.key, b.key)), end }
  }

  /** All of a range at once: only where there are never many. */
  async all(query: Omit<RangeQuery, 'limit'>): Promise<Put[]> {
    return this.first(Number.POSITIVE_INFINITY, query)
  }

  /** The first `count` documents of a range, fewer only if there are no more. */
  async first(count: number, query: Omit<RangeQuery, 'limit'>): Promise<Put[]> {
    const puts: Put[] = []
    let after: string | null | undefined = query.after
    do {
      const range: Range = await this.range({ ...query, after, limit: Math.min(count, DOCUMENTS_PER_QUERY) })
      puts.push(...range.puts)
      after = range.end
    } while (after !== null && puts.length < count)
    return puts.slice(0, count)
  }

  /** All of several groups at once: only of groups that stay small. */
  async together(groups: readonly string[]): Promise<Put[]> {
    if (groups.length === 0) return []
    const query = { collection: CURRENT, filter: { group: { $in: groups } } }
    const found = await this.once('together', groups, async () => this.fetch<Current>(query))
    return this.withTail(found, groups, () => true)
  }

  /** What each document was at position `bound` of its branch: null where it came later, or never. */
  async formerly(ids: readonly string[], bound: number): Promise<(Former | null)[]> {
    const versionsOf = this.versionsAt.get(bound) ?? loader(async (some) => this.fetchVersions(some, bound))
    this.versionsAt.set(bound, versionsOf)
    const [stored, versions] = await Promise.all([this.storedOf(ids), versionsOf(ids)])
    return ids.map((id, i) => formerOf([stored[i] ?? [], versions[i] ?? [], this.byId.get(id) ?? []].flat(), bound))
  }

  /** Where the document was put on its branch, from one position to another, and the next one after that: in order. */
  async positions(id: string, from: number, to: number): Promise<number[]> {
    const filter = { of: id, seq: { $gte: from, $lte: to } }
    const query = { collection: VERSION, filter, projection: { seq: 1, n: 1 } }
    const [between, [last]] = await Promise.all([this.fetch<Version>(query), this.formerly([id], to)])
    const known = [...between, ...(this.byId.get(id) ?? [])].flatMap(({ seq }) => seq ?? [])
    const inside = known.filter((seq) => seq >= from && seq <= to)
    return [...new Set([...inside, last?.toSeq ?? OPEN_SEQ])].toSorted((a, b) => a - b)
  }

  /** The entry that has each of the tokens, null where none has. */
  async withTokens(tokens: readonly string[]): Promise<(TokenEntry | null)[]> {
    const filter = { unique: { $in: tokens } }
    const query = { collection: LOG, filter, projection: { unique: 1, seq: 1, n: 1 } }
    const found = await this.once('tokens', tokens, async () => this.fetch<TokenEntry>(query))
    return tokens.map((token) => [...found, ...this.tail].find(({ unique }) => unique.includes(token)) ?? null)
  }

  private async fetchStored(ids: readonly string[]): Promise<Map<string, Current>> {
    const queries: Promise<Current[]>[] = []
    for (let start = 0; start < ids.length; start += DOCUMENTS_PER_QUERY) {
      const filter = { _id: { $in: ids.slice(start, start + DOCUMENTS_PER_QUERY) } }
      queries.push(this.fetch<Current>({ collection: CURRENT, filter }))
    }
    const found = new Map((await Promise.all(queries)).flat().map((doc) => [doc._id, doc]))
    for (const id of ids) if (!found.has(id)) this.absent.add(id)
    return found
  }

  private async fetchRange(query: RangeQuery): Promise<{ found: Current[]; end: string | null }> {
    const { limit } = query
    const filter = rangeFilter(query)
    const found = await this.fetch<Current>({ collection: CURRENT, filter, sort: { key: 1 }, limit: limit + 1 })
    return { found: found.slice(0, limit), end: found.length > limit ? (found[limit - 1]?.key ?? null) : null }
  }

  /** Of those documents that are newer than `bound`, the newest versions up to there and the oldest after it. */
  private async fetchVersions(ids: readonly string[], bound: number): Promise<Map<string, readonly Version[]>> {
    const stored = await this.storedOf(ids)
    const later = ids.filter((_, i) => (stored[i]?.seq ?? 0) > bound)
    if (later.length === 0) return new Map()
    const oneOf = (range: Fields, order: 1 | -1, as: string): Fields => {
      const pipeline = [{ $match: { seq: range } }, { $sort: { seq: order } }, { $limit: 1 }]
      return { $lookup: { from: VERSION, localField: '_id', foreignField: 'of', pipeline, as } }
    }
    const found = this.verbs.aggregate<Doc & { at: Version[]; next: Version[] }>(CURRENT, [
      { $match: { _id: { $in: later } } },
      { $project: { _id: 1 } },
      oneOf({ $lte: bound }, -1, 'at'),
      oneOf({ $gt: bound }, 1, 'next'),
    ])
    const versions = await this.caughtUp(found.then((docs) => docs.flatMap(({ at, next }) => [...at, ...next])))
    return Map.groupBy(versions, ({ of }) => of)
  }

  /** What a query has found, the first time it was asked: `of` is what kind of query it is. */
  private async once<T>(of: string, query: unknown, fetch: () => Promise<T>): Promise<T> {
    const name = JSON.stringify([of, query])
    const fetching = (this.fetched.get(name) as Promise<T> | undefined) ?? fetch()
    this.fetched.set(name, fetching)
    return fetching
  }

  /** What was found in groups, as the log behind it has left it. */
  private withTail(found: readonly Current[], groups: readonly string[], isWanted: (put: Put) => boolean): Put[] {
    const puts = new Map(found.map((doc) => [doc._id, asPut(doc)]))
    for (const [id, put] of groups.flatMap((group) => [...(this.byGroup.get(group) ?? [])])) {
      if (isWanted(put)) puts.set(id, put)
      else puts.delete(id)
    }
    return [...puts.values()]
  }

  /** A query by state leaves out documents for what may change. */
  private async fetch<T extends Doc & { n: number }>(query: Query): Promise<T[]> {
    return this.caughtUp(this.verbs.find<T>(query), 'state' in query.filter)
  }

  private async caughtUp<T extends { n: number }>(fetching: Promise<T[]>, isByState = false): Promise<T[]> {
    const [found] = await Promise.all([fetching, this.ready])
    const newest = found.reduce((n, doc) => Math.max(n, doc.n), 0)
    if (isByState || newest > this.head) {
      this.ready = this.extend()
      await this.ready
    }
    if (newest > this.head) throw new VerbFailure('not-done', 'The log of the database is behind what was made of it')
    return found
  }
}

/** Of the known values of a document, the newest up to `bound`, and where the next one begins. */
function formerOf(known: readonly Pick<Put, 'seq' | 'value'>[], bound: number): Former | null {
  const inOrder = known.map(({ seq, value }) => ({ seq: seq ?? 0, value })).toSorted((a, b) => a.seq - b.seq)
  const former = inOrder.findLast(({ seq }) => seq <= bound)
  const toSeq = inOrder.find(({ seq }) => seq > bound)?.seq ?? OPEN_SEQ
  return former ? { ...former, toSeq } : null
}

/** Some servers find no index for a list of one state. */
function rangeFilter({ group, states, after, to }: RangeQuery): Fields {
  const key = { ...(after === undefined ? {} : { $gt: after }), ...(to === undefined ? {} : { $lt: to }) }
  const state = states?.length === 1 ? states[0] : states && { $in: states }
  return { group, ...(state === undefined ? {} : { state }), ...(Object.keys(key).length > 0 ? { key } : {}) }
}

function isIn({ states, after, to }: RangeQuery, { key, state }: Put): boolean {
  if (states && (state === null || !states.includes(state))) return false
  return (after === undefined || compareNames(key, after) > 0) && (to === undefined || compareNames(key, to) < 0)
}

function asPut({ _id: id, group, key, state, value, seq }: Current): Put {
  return { id, group, key, state, value, seq }
}

type Load<T> = (keys: readonly string[]) => Promise<(T | null)[]>

/** What is asked for in one turn of the event loop is fetched at once, and nothing twice. */
function loader<T>(fetch: (keys: readonly string[]) => Promise<ReadonlyMap<string, T>>): Load<T> {
  const fetched = new Map<string, Promise<ReadonlyMap<string, T>>>()
  const waiting: string[] = []
  let next: Promise<ReadonlyMap<string, T>>
  return async (keys) => {
    for (const key of keys.filter((one) => !fetched.has(one))) {
      if (waiting.length === 0) next = Promise.resolve().then(async () => fetch(waiting.splice(0)))
      waiting.push(key)
      fetched.set(key, next)
    }
    return Promise.all(keys.map(async (key) => (await fetched.get(key))?.get(key) ?? null))
  }
}
