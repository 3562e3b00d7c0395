import { CatalogError } from '#domain/errors'
import { schemaProblem } from '#store/readiness'
import type { Readiness } from '#store/store'
import { SCHEMA } from './documents.ts'
import { INDEXES, indexName } from './indexes.ts'
import { VerbFailure, type Doc, type MongoVerbs, type Update } from './verbs.ts'

/** What this version of the catalog keeps in its documents. It goes up with every change that an older one can't read. */
export const SCHEMA_VERSION = 1

/** The one document of its collection; it says whose the database is. */
export interface SchemaDocument extends Doc {
  readonly product: string
  readonly version: number
}

export const SCHEMA_ID = 'schema'
export const PRODUCT = 'pangolin'

const MIGRATE = 'run the migrations (npm run db:migrate)'

/** Whether the database has the schema and every index that this version needs; if not, why, in one sentence. */
export async function readinessOf(verbs: MongoVerbs): Promise<Readiness> {
  try {
    const schema = await verbs.findOne<SchemaDocument>({ collection: SCHEMA, filter: { _id: SCHEMA_ID } })
    const reason = databaseProblem(schema) ?? (await missingIndex(verbs))
    // A replica can be read, so that it takes no writes must be asked: with one that changes nothing.
    if (reason === null) await verbs.updateOne(NOTHING)
    return reason === null ? { ready: true } : { ready: false, reason }
  } catch (error) {
    const reason = error instanceof VerbFailure ? error.message : 'The catalog database does not answer'
    return { ready: false, reason }
  }
}

const NOTHING: Update = { collection: SCHEMA, filter: { _id: 'nothing' }, update: { $set: { is: 1 } }, upsert: false }

/**
 * For when somebody was not found that should be there: it may not be a database of ours.
 * @throws CatalogError `unavailable` if it is not; VerbFailure
 */
export async function refuseForeign(verbs: MongoVerbs): Promise<void> {
  const problem = databaseProblem(
    await verbs.findOne<SchemaDocument>({ collection: SCHEMA, filter: { _id: SCHEMA_ID } }),
  )
  if (problem !== null) throw new CatalogError('unavailable', problem)
}

/** What is wrong with a database that says this of itself; null if nothing is. */
export function databaseProblem(schema: SchemaDocument | null): string | null {
  if (!schema) return `The database has no schema yet; ${MIGRATE}`
  const { product, version } = schema
  if (product !== PRODUCT) return 'The database belongs to another product; choose another one'
  return schemaProblem(version, SCHEMA_VERSION, MIGRATE)
}

/** The Data API has no verb for indexes, but an aggregation stage that lists them. */
async function missingIndex(verbs: MongoVerbs): Promise<string | null> {
  const collections = [...new Set(INDEXES.map(({ collection }) => collection))]
  const listed = await Promise.all(
    collections.map(async (collection) => {
      const stages = [{ $indexStats: {} }, { $project: { name: 1 } }]
      const found = await verbs.aggregate<Doc & { name: string }>(collection, stages)
      return found.map(({ name }) => `${collection}.${name}`)
    }),
  )
  const missing = INDEXES.map((index) => `${index.collection}.${indexName(index)}`).filter(
    (name) => !listed.flat().includes(name),
  )
  return missing.length > 0 ? `The database lacks the index ${missing.join(', ')}; ${MIGRATE}` : null
}
