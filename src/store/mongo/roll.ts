import { CURRENT, VERSION, versionId, WATERMARK } from './documents.ts'
import type { Current, LoggedPut, Version } from './documents.ts'
import type { View } from './snapshot.ts'
import { inserted, replaced, type MongoVerbs } from './verbs.ts'

/** Documents in one insertion, and their values in UTF-16 code units: far below the 48 MB of a message. */
const INSERTED_MAX = 500
const INSERTED_CHARS_MAX = 8_000_000

/** Updates under way at a time. */
const PARALLEL_UPDATES = 16

type Logged = LoggedPut & { readonly n: number }

/**
 * Brings the projections up to the end of a tail, then moves the watermark there from exactly where the tail begins.
 *
 * Any number of processes may do so at once, each as slowly as it likes, and die anywhere: a version is inserted if it is
 * absent, and is the same whoever inserts it; a current document is replaced only by a newer one; and the watermark
 * says only what is so, since whoever moves it has projected all of what it passes.
 * @returns the view that is left, or null if somebody else has moved the watermark
 */
export async function roll(verbs: MongoVerbs, tenant: string, { applied, tail }: View): Promise<View | null> {
  const puts = tail.flatMap(({ n, puts: ofEntry }) => ofEntry.map((put): Logged => ({ ...put, n })))
  const newest = new Map<string, Logged>()
  for (const put of puts) newest.set(put.id, { ...put, fresh: put.fresh || newest.get(put.id)?.fresh === true })
  const { fresh = [], changed = [] } = Object.groupBy(newest.values(), (put) => (put.fresh ? 'fresh' : 'changed'))
  for (const some of chunks(puts.flatMap(versionOf))) await insertVersions(verbs, some)
  for (const some of chunks(fresh.map(currentOf)))
    if (!(await inserted(verbs.insertMany(CURRENT, some)))) await replaceCurrent(verbs, some)
  await replaceCurrent(verbs, changed.map(currentOf))
  const head = tail.at(-1)?.n ?? applied
  // Only from where this roll began: whoever stands elsewhere has projected something else.
  const from = applied === 0 ? null : { _id: tenant, applied }
  return (await replaced(verbs, WATERMARK, from, { _id: tenant, applied: head })) ? { applied: head, tail: [] } : null
}

/** What stays readable of a put; nothing if it has no position. */
function versionOf({ id: of, seq, n, state, value }: Logged): Version[] {
  return seq === null ? [] : [{ _id: versionId(of, seq), of, seq, n, state, value }]
}

async function insertVersions(verbs: MongoVerbs, versions: readonly Version[]): Promise<void> {
  if (await inserted(verbs.insertMany(VERSION, versions))) return
  await inParallel(versions, async (version) => inserted(verbs.insertOne(VERSION, version)))
}

/** Where a newer one is, the filter finds nothing, and the insertion in its stead is refused as a duplicate. */
async function replaceCurrent(verbs: MongoVerbs, documents: readonly Current[]): Promise<void> {
  await inParallel(documents, async ({ _id, ...fields }) => {
    const filter = { _id, n: { $lt: fields.n } }
    return inserted(verbs.updateOne({ collection: CURRENT, filter, update: { $set: fields }, upsert: true }))
  })
}

function currentOf({ id: _id, n, group, key, state, value, seq }: Logged): Current {
  return { _id, n, group, key, state, value, seq }
}

function* chunks<T extends Pick<LoggedPut, 'value'>>(documents: readonly T[]): Generator<T[]> {
  let some: T[] = []
  let chars = 0
  for (const document of documents) {
    some.push(document)
    chars += document.value?.length ?? 0
    if (some.length < INSERTED_MAX && chars < INSERTED_CHARS_MAX) continue
    yield some
    some = []
    chars = 0
  }
  if (some.length > 0) yield some
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  for (let start = 0; start < items.length; start += PARALLEL_UPDATES)
    await Promise.all(items.slice(start, start + PARALLEL_UPDATES).map(work))
}
