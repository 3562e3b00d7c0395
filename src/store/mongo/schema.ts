import { CatalogError } from '#domain/errors'
import { schemaProblem } from '#store/readiness'
import type { Readiness } from '#store/store'
import { CURRENT, LOG, REPORT, SCHEMA, VERSION } from './documents.ts'
import { VerbFailure, type Doc, type MongoVerbs, type Update } from './verbs.ts'

/** What this version of the catalog keeps in its documents. It goes up with every change that an older one can't read. */
export const SCHEMA_VERSION = 1

/** The one document of its collection; it says whose the database is. */
export interface SchemaDocument extends Doc {
  readonly product: string
  readonly version: number
}

export const SCHEMA_ID = 'schema'
const PRODUCT = 'pangolin'
export const OUR_SCHEMA: SchemaDocument = { _id: SCHEMA_ID, product: PRODUCT, version: SCHEMA_VERSION }

const MIGRATE = 'run the migrations (npm run db:migrate)'

/** An index: fields in order, each 1 for ascending. */
export interface Index {
  readonly collection: string
  readonly fields: Readonly<Record<string, 1>>
  readonly unique: boolean
}

/** Every index there has to be, besides those on `_id`. Each filter and sort of the store is a prefix of one. */
export const INDEXES: readonly Index[] = [
  /** The log from a position on. */
  { collection: LOG, fields: { tenant: 1, n: 1 }, unique: true },
  /** Which entry has a token; and that no two have. */
  { collection: LOG, fields: { unique: 1 }, unique: true },
  /** History of a branch. */
  { collection: LOG, fields: { branch: 1, seq: 1 }, unique: false },
  /** Audit of a tenant. */
  { collection: LOG, fields: { audited: 1, auditFrom: 1 }, unique: false },
  /** Documents of a group by key: all of them, or those in one state. */
  { collection: CURRENT, fields: { group: 1, key: 1 }, unique: false },
  { collection: CURRENT, fields: { group: 1, state: 1, key: 1 }, unique: false },
  /** What a document was at a position. */
  { collection: VERSION, fields: { of: 1, seq: 1 }, unique: true },
  /** Metrics reports of a tenant, and of a table, as they came. */
  { collection: REPORT, fields: { tenant: 1, n: 1 }, unique: false },
  { collection: REPORT, fields: { of: 1, n: 1 }, unique: false },
]

/** Whether the database has the schema and every index that this version needs; if not, why, in one sentence. */
export async function readinessOf(verbs: MongoVerbs): Promise<Readiness> {
  try {
    const reason = databaseProblem(await schemaOf(verbs)) ?? (await missingIndex(verbs))
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
  const problem = databaseProblem(await schemaOf(verbs))
  if (problem !== null) throw new CatalogError('unavailable', problem)
}

export async function schemaOf(verbs: MongoVerbs): Promise<SchemaDocument | null> {
  return verbs.findOne<SchemaDocument>({ collection: SCHEMA, filter: { _id: SCHEMA_ID } })
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
  const namesOf = async (collection: string): Promise<string[]> => {
    const stages = [{ $indexStats: {} }, { $project: { name: 1 } }]
    const found = await verbs.aggregate<Doc & { name: string }>(collection, stages)
    return found.map(({ name }) => `${collection}.${name}`)
  }
  const collections = new Set(INDEXES.map(({ collection }) => collection))
  const there = (await Promise.all([...collections].map(namesOf))).flat()
  const needed = INDEXES.map((index) => `${index.collection}.${indexName(index)}`)
  const missing = needed.filter((name) => !there.includes(name))
  return missing.length > 0 ? `The database lacks the index ${missing.join(', ')}; ${MIGRATE}` : null
}

/** An index as servers name one: `tenant_1_n_1`. */
export function indexName({ fields }: Index): string {
  return `${Object.keys(fields).join('_1_')}_1`
}
