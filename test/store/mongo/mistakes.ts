import { CURRENT, LOG, logId, WATERMARK, type LogDocument } from '#store/mongo/documents'
import { roll } from '#store/mongo/roll'
import { isDuplicate, type Doc, type MongoVerbs, type Query } from '#store/mongo/verbs'
import type { Lens } from './processes.ts'

/** Each is what the store would be without one line of its algorithm, made by changing what it says to the server. */
export const MISTAKES: Readonly<Record<string, Lens>> = {
  'reading the projections without the tail of the log': (verbs) => ({
    ...verbs,
    find: async <T extends Doc>(query: Query) => (isTail(query) ? [] : verbs.find<T>(query)),
  }),

  'checking at one head and inserting above a newer one': (verbs) => ({
    ...verbs,
    insertOne: async (collection, document) => {
      if (collection !== LOG) return verbs.insertOne(collection, document)
      const entry = document as LogDocument
      for (let n = entry.n; ; n += 1) {
        const _id = logId(entry.tenant, n)
        const moved: LogDocument = { ...entry, _id, n, unique: [_id, ...entry.unique.slice(1)] }
        try {
          return await verbs.insertOne(LOG, moved)
        } catch (error) {
          if (!isDuplicate(error)) throw error
        }
      }
    },
  }),

  'replacing projections without looking whether they are newer': (verbs) => ({
    ...verbs,
    updateOne: async (update) => {
      const { collection, filter } = update
      return verbs.updateOne(collection === CURRENT ? { ...update, filter: { _id: filter['_id'] ?? '' } } : update)
    },
  }),

  'moving the watermark to the greater of two numbers': (verbs) => ({
    ...verbs,
    insertOne: async (collection, document) => {
      await verbs.insertOne(collection, document)
      if (collection === LOG) await projectAlone(verbs, document as LogDocument)
    },
  }),

  'forking before the parent is projected': (verbs) => ({
    ...verbs,
    find: async <T extends Doc>(query: Query) => {
      const found = await verbs.find<T>(query)
      return isTail(query) ? (withoutWhatForksRestOn(found as unknown as LogDocument[]) as unknown as T[]) : found
    },
  }),

  'moving the watermark before the projections': (verbs) => ({
    ...verbs,
    insertMany: async (collection, documents) => {
      await moveFirst(verbs, documents as unknown as { n: number; group: string; of: string }[])
      await verbs.insertMany(collection, documents)
    },
  }),

  'committing without looking whether the key has an answer': (verbs) => blindTo(verbs, 'answer'),

  'answering that a commit did not land without a fence': (verbs) => ({
    ...verbs,
    insertOne: async (collection, document) => {
      const isVoid = collection === LOG && (document as LogDocument).puts.length === 0
      if (!isVoid) await verbs.insertOne(collection, document)
    },
  }),
}

function isTail({ collection, filter }: Query): boolean {
  return collection === LOG && typeof filter['n'] === 'object'
}

/** Verbs that show nothing of what is kept under a word of `places.ts`, neither projected nor in the log. */
function blindTo(verbs: MongoVerbs, word: string): MongoVerbs {
  const isHidden = ({ group }: { group?: string }): boolean => group?.split('\u001e')[1] === word
  return {
    ...verbs,
    find: async <T extends Doc>(query: Query) => {
      const found = (await verbs.find<T>(query)).filter((document) => !isHidden(document as { group?: string }))
      if (!isTail(query)) return found
      const entries = found as unknown as LogDocument[]
      return entries.map((entry) => ({ ...entry, puts: entry.puts.filter((put) => !isHidden(put)) })) as unknown as T[]
    },
  }
}

/** Projects only one's own entry, and takes for granted that the ones before it were. */
async function projectAlone(verbs: MongoVerbs, entry: LogDocument): Promise<void> {
  const { tenant, n } = entry
  const alone: MongoVerbs = {
    ...verbs,
    updateOne: async (update) => (update.collection === WATERMARK ? 1 : verbs.updateOne(update)),
  }
  await roll(alone, tenant, { applied: n - 1, tail: [entry] })
  const filter = { _id: tenant, applied: { $lt: n } }
  await verbs.updateOne({ collection: WATERMARK, filter, update: { $set: { applied: n } }, upsert: false })
}

/** A fork's readers then trust the projections of its parent for everything before the fork. */
function withoutWhatForksRestOn(entries: readonly LogDocument[]): LogDocument[] {
  const isFork = ({ seq, puts }: LogDocument): boolean => seq === null && puts.some(({ state }) => state === 'open')
  const last = entries.findLastIndex(isFork)
  return entries.map((entry, i) =>
    i < last ? { ...entry, puts: entry.puts.filter(({ seq }) => seq === null) } : entry,
  )
}

async function moveFirst(
  verbs: MongoVerbs,
  documents: readonly { n: number; group?: string; of?: string }[],
): Promise<void> {
  const newest = Math.max(...documents.map(({ n }) => n))
  const tenant = (documents[0]?.group ?? documents[0]?.of ?? '').split('\u001e')[0] ?? ''
  const filter = { _id: tenant, applied: { $lt: newest } }
  await verbs.updateOne({ collection: WATERMARK, filter, update: { $set: { applied: newest } }, upsert: false })
}
