import type { Db, MongoClient, UpdateFilter } from 'mongodb'
import type { Warehouse } from '#domain/records'
import { COPYING_SCHEMA } from '#store/copying'
import { CURRENT, joined, LOG, put, REPORT, SCHEMA, STORAGE, VERSION, WATERMARK } from '#store/mongo/documents'
import type { Current, LogDocument, Watermark } from '#store/mongo/documents'
import { driverVerbs } from '#store/mongo/driver'
import { newMemory } from '#store/mongo/log'
import { mongoStore } from '#store/mongo/mongo'
import { placesOf } from '#store/mongo/places'
import { SCHEMA_ID, SCHEMA_VERSION, type SchemaDocument } from '#store/mongo/schema'
import { isDuplicate, type Doc, type Fields } from '#store/mongo/verbs'
import { storageFolder } from '#store/storage'
import { Refusal } from '../start/refusal.ts'
import { documentPages } from './from-documents.ts'
import { BATCH_ROWS_MAX, type Row } from './rows.ts'
import { reader, takenUp, type Progress, type Target } from './store.ts'
import { currentOf, documentsOf, logDocument } from './to-documents.ts'

/** Progress is kept where the schema's version is. `tenant`: the one whose log has come to `n`, and its last entry's row. */
interface CopiedDocument extends SchemaDocument {
  readonly progress?: string
  readonly owner?: string
  readonly tenant?: string
  readonly n?: number
  readonly last?: string
}

/** A MongoDB as source and target. `rowsMax` is how many documents are read at a time. */
export function mongoTarget(client: MongoClient, db: Db, name: string, rowsMax = BATCH_ROWS_MAX): Target {
  const verbs = driverVerbs(db)
  const store = mongoStore(verbs, { newId: () => crypto.randomUUID(), memory: newMemory(), tailEntriesMax: 1 })
  const schema = db.collection<CopiedDocument>(SCHEMA)
  const id = { _id: SCHEMA_ID }
  const log = db.collection<LogDocument>(LOG)
  const pages = reader(documentPages(db, rowsMax))
  /** A batch that comes again finds what it has brought before, and some documents belong to several rows. */
  const add = async (added: Readonly<Record<string, readonly Doc[]>>): Promise<void> => {
    for (const [collection, docs] of Object.entries(added)) {
      const once = [...new Map(docs.map((doc) => [doc._id, doc])).values()]
      if (once.length === 0) continue
      await verbs.insertMany(collection, once).catch((error: unknown) => {
        if (!isDuplicate(error)) throw error
      })
    }
  }
  const ifMine = async (owner: string, update: UpdateFilter<CopiedDocument>): Promise<void> => {
    const { matchedCount } = await schema.updateOne({ ...id, owner }, update)
    if (matchedCount === 0) throw takenUp(name)
  }
  const copying = async (): Promise<Progress | null> => {
    const found = await schema.findOne(id)
    if (found?.progress === undefined) return null
    return { ...(JSON.parse(found.progress) as Progress), owner: found.owner ?? '' }
  }
  const newest = async (tenant: string): Promise<number> =>
    (await log.find({ tenant }).sort({ n: -1 }).limit(1).toArray())[0]?.n ?? 0
  const project = async (tenant: string): Promise<void> => {
    // Whoever looks projects what the log has, but doesn't complain if that fails.
    await store.tenant(tenant).users.get('')
    const projected = await db.collection<Watermark>(WATERMARK).findOne({ _id: tenant })
    if ((projected?.applied ?? 0) < (await newest(tenant)))
      throw new Refusal(`The log of the tenant ${tenant} could not be projected: stop whatever writes to it.`)
  }
  const tenants = async (): Promise<string[]> => {
    const found = await Promise.all([LOG, REPORT].map((each) => db.collection<LogDocument>(each).distinct('tenant')))
    return [...new Set(found.flat())].toSorted()
  }
  return {
    name,
    tenants,
    takeUp: async (owner) => void (await schema.updateOne({ ...id, progress: { $exists: true } }, { $set: { owner } })),
    save: async (progress) => ifMine(progress.owner, { $set: { progress: JSON.stringify(progress) } }),
    close: () => client.close(),
    read: async function* read(tables, of, after) {
      for (const tenant of of) await project(tenant)
      yield* pages(tables, of, after)
    },
    progress: copying,
    begin: async (progress, isClosed) => {
      const closed = isClosed ? { version: COPYING_SCHEMA } : {}
      const { matchedCount } = await schema.updateOne(
        { ...id, progress: { $exists: false } },
        { $set: { progress: JSON.stringify(progress), owner: progress.owner, ...closed } },
      )
      if (matchedCount === 0) throw takenUp(name)
    },
    write: async ({ tenant, table, rows }, progress) => {
      // The numbers are those of the copy as it is this owner's.
      const before = await schema.findOne({ ...id, owner: progress.owner })
      if (!before) throw takenUp(name)
      const isSame = before.tenant === tenant
      const last = isSame ? (JSON.parse(before.last ?? 'null') as Row | null) : null
      const documents = documentsOf(tenant, table, rows, isSame ? (before.n ?? 0) : 0, last)
      await add(documents.added)
      const more = { tenant, n: documents.n, last: JSON.stringify(documents.last) }
      await ifMine(progress.owner, { $set: { progress: JSON.stringify(progress), ...more } })
    },
    finish: async (of, owner) => {
      await ifMine(owner, { $set: { owner } })
      for (const tenant of of) {
        const [audit] = await log.find({ audited: tenant }).sort({ auditFrom: -1 }).limit(1).toArray()
        const count = (audit?.auditFrom ?? 1) - 1 + (JSON.parse(audit?.audit ?? '[]') as unknown[]).length
        const counted = currentOf(put(placesOf(tenant).counts, 'audit', count))
        // All that was copied says that the first entry has put it.
        await add({ [CURRENT]: [counted], [LOG]: [logDocument(tenant, 1, {})] })
        const applied = await newest(tenant)
        await db.collection<Watermark>(WATERMARK).updateOne({ _id: tenant }, { $set: { applied } }, { upsert: true })
      }
    },
    publish: async (tenant, records, owner) => {
      await ifMine(owner, { $set: { tenant } })
      const those = (is: (kind: unknown) => boolean): Row[] => records.filter(({ kind }) => is(kind))
      const others = those((kind) => kind !== 'warehouse' && kind !== 'catalog')
      await add(documentsOf(tenant, 'record', others, 0, null).added)
      // Storage is claimed as for any other warehouse, since another tenant may be doing so now.
      for (const { doc } of those((kind) => kind === 'warehouse'))
        await store.tenant(tenant).warehouses.create(JSON.parse(String(doc)) as Warehouse)
      await add(
        documentsOf(
          tenant,
          'record',
          those((kind) => kind === 'catalog'),
          0,
          null,
        ).added,
      )
    },
    discard: async (of, owner) => {
      const remove = async (collection: string, filter: Fields): Promise<void> => {
        await ifMine(owner, { $set: { owner } })
        await verbs.deleteMany(collection, filter)
      }
      for (const tenant of of) {
        const below = { $gte: joined(tenant, ''), $lt: `${tenant}\u001f` }
        await remove(CURRENT, { group: below })
        await remove(VERSION, { of: below })
        for (const collection of [LOG, REPORT]) await remove(collection, { tenant })
        await remove(WATERMARK, { _id: tenant })
        await ifMine(owner, { $set: { owner } })
        const claimed = db.collection<Doc & { claims: { tenant: string }[] }>(STORAGE)
        await claimed.updateMany({}, { $pull: { claims: { tenant } } })
      }
      await ifMine(owner, { $unset: { tenant: 1, n: 1, last: 1 } })
    },
    end: async (owner) => {
      const $unset = { progress: 1, owner: 1, tenant: 1, n: 1, last: 1 } as const
      await ifMine(owner, { $set: { version: SCHEMA_VERSION }, $unset }).catch(async (error: unknown) => {
        // Once it is gone it has ended, and only the answer was lost.
        if (error instanceof Refusal || (await copying()) !== null) throw error
      })
    },
    warehouses: async () => {
      const found = (await tenants()).map(async (tenant) => {
        await project(tenant)
        const group = placesOf(tenant).records('warehouse')
        const docs = await db.collection<Current>(CURRENT).find({ group, state: 'on' }).toArray()
        return docs.map(({ value }) => {
          const { storage } = JSON.parse(value ?? '') as Warehouse
          return { tenant, folder: storageFolder(storage) }
        })
      })
      return (await Promise.all(found)).flat()
    },
  }
}
