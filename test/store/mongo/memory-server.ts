import { compareNames } from '#versions/page'
import { INDEXES, indexName, OUR_SCHEMA, SCHEMA_ID } from '#store/mongo/schema'
import { SCHEMA } from '#store/mongo/documents'
import { VerbFailure, type Doc, type Fields, type MongoVerbs, type Query, type Value } from '#store/mongo/verbs'

type Document = Doc & Record<string, Value>

/** Collections by name, documents by id. */
type Collections = Map<string, Map<string, Document>>

/**
 * A server in memory, migrated, with the declared unique indexes, which does what the verbs say, each of them at once: nothing else
 * happens in between. A test double may therefore stop the world between any two of them.
 */
export function memoryServer(): MongoVerbs {
  const collections: Collections = new Map()
  const taken = new Set<string>()
  const of = (name: string): Map<string, Document> => {
    const documents = collections.get(name) ?? new Map<string, Document>()
    collections.set(name, documents)
    return documents
  }
  const find = (query: Query): Document[] => {
    const { filter, sort = {}, limit = Number.POSITIVE_INFINITY, projection } = query
    const found = [...candidates(of(query.collection), filter)].filter((document) => matches(document, filter))
    return found
      .toSorted((a, b) => compareBy(sort, a, b))
      .slice(0, limit)
      .map((document) => projected(document, projection))
  }
  of(SCHEMA).set(SCHEMA_ID, { ...OUR_SCHEMA })
  const insert = (collection: string, document: Document): void => {
    const values = uniqueValues(collection, document)
    const duplicate = values.find((value) => taken.has(value))
    if (duplicate !== undefined) throw new VerbFailure('duplicate', `E11000 duplicate key: ${duplicate}`)
    for (const value of values) taken.add(value)
    of(collection).set(document._id, structuredClone(document))
  }
  return {
    findOne: async <T extends Doc>(query: Query) => (find({ ...query, limit: 1 })[0] ?? null) as T | null,
    find: async <T extends Doc>(query: Query) => find(query) as unknown as T[],
    insertOne: async (collection, document) => insert(collection, document as Document),
    insertMany: async (collection, documents) => {
      for (const document of documents) insert(collection, document as Document)
    },
    updateOne: async ({ collection, filter, update, upsert }) => {
      const set = update['$set'] as Fields
      const found = find({ collection, filter, limit: 1 })[0]
      if (found) of(collection).set(found._id, structuredClone({ ...found, ...set }))
      else if (upsert) insert(collection, { ...set, _id: filter['_id'] as string } as Document)
      return found ? 1 : 0
    },
    deleteMany: async (collection, filter) => {
      for (const document of find({ collection, filter })) {
        of(collection).delete(document._id)
        for (const value of uniqueValues(collection, document)) taken.delete(value)
      }
    },
    aggregate: async <T extends Doc>(collection: string, pipeline: readonly Fields[]) => {
      const [first] = pipeline
      if (first && '$indexStats' in first) return indexStats(collection) as unknown as T[]
      return aggregated(of, [...of(collection).values()], pipeline) as unknown as T[]
    },
  }
}

function indexStats(collection: string): Fields[] {
  return INDEXES.filter((index) => index.collection === collection).map((index) => ({ name: indexName(index) }))
}

function aggregated(
  of: (name: string) => Map<string, Document>,
  documents: Document[],
  pipeline: readonly Fields[],
): Document[] {
  let found = documents
  for (const stage of pipeline) {
    if ('$match' in stage) found = found.filter((document) => matches(document, stage['$match'] as Fields))
    else if ('$sort' in stage) found = found.toSorted((a, b) => compareBy(stage['$sort'] as Fields, a, b))
    else if ('$limit' in stage) found = found.slice(0, Number(stage['$limit']))
    else if ('$project' in stage) found = found.map((document) => projected(document, stage['$project'] as Fields))
    else if ('$lookup' in stage)
      found = found.map((document) => lookedUp(of, document, stage['$lookup'] as unknown as Lookup))
    else throw new VerbFailure('mistake', `expected a stage this server knows, found ${Object.keys(stage).join(', ')}`)
  }
  return found
}

interface Lookup {
  readonly from: string
  readonly localField: string
  readonly foreignField: string
  readonly pipeline: readonly Fields[]
  readonly as: string
}

function lookedUp(
  of: (name: string) => Map<string, Document>,
  document: Document,
  { from, localField, foreignField, pipeline, as }: Lookup,
): Document {
  const joined = [...of(from).values()].filter((other) => other[foreignField] === document[localField])
  return { ...document, [as]: aggregated(of, joined, pipeline) } as Document
}

/** All documents that the filter could match: by id where it names ids, as any server does. */
function candidates(documents: Map<string, Document>, { _id }: Fields): Iterable<Document> {
  if (typeof _id === 'string') return [documents.get(_id)].filter((document) => document !== undefined)
  if (!isFields(_id) || !Array.isArray(_id['$in'])) return documents.values()
  return (_id['$in'] as string[]).flatMap((id) => documents.get(id) ?? [])
}

function matches(document: Fields, filter: Fields): boolean {
  return Object.entries(filter).every(([field, wanted]) => {
    if (field === '$or') return (wanted as readonly Fields[]).some((one) => matches(document, one))
    const found = document[field] ?? null
    if (!isFields(wanted)) return equals(found, wanted)
    return Object.entries(wanted).every(([operator, operand]) => holds(found, operator, operand))
  })
}

function holds(found: Value, operator: string, operand: Value): boolean {
  if (operator === '$in') return (operand as readonly Value[]).some((one) => equals(found, one))
  if (found === null) return false
  const order = compare(found, operand)
  switch (operator) {
    case '$lt':
      return order < 0
    case '$lte':
      return order <= 0
    case '$gt':
      return order > 0
    case '$gte':
      return order >= 0
    default:
      throw new VerbFailure('mistake', `expected an operator this server knows, found ${operator}`)
  }
}

function equals(found: Value, wanted: Value): boolean {
  return Array.isArray(found) ? found.includes(wanted) : found === wanted
}

function compare(a: Value, b: Value): number {
  return typeof a === 'string' && typeof b === 'string' ? compareNames(a, b) : Number(a) - Number(b)
}

function compareBy(sort: Fields, a: Document, b: Document): number {
  for (const [field, order] of Object.entries(sort)) {
    const difference = compare(a[field] ?? null, b[field] ?? null) * Number(order)
    if (difference !== 0) return difference
  }
  return 0
}

function projected(document: Document, projection: Fields | undefined): Document {
  const fields = projection ? ['_id', ...Object.keys(projection)] : Object.keys(document)
  return structuredClone(
    Object.fromEntries(fields.flatMap((field) => (field in document ? [[field, document[field]]] : []))),
  ) as Document
}

/** What no two documents may share, by index; no field of a unique index is ever updated. */
function uniqueValues(collection: string, document: Document): string[] {
  const indexes = INDEXES.filter((index) => index.unique && index.collection === collection)
  return [{ fields: { _id: 1 } }, ...indexes].flatMap(({ fields }) => {
    const values = Object.keys(fields).map((field) => document[field] ?? null)
    const [only] = values
    const keys = Array.isArray(only) ? only.map((value) => [value]) : [values]
    return keys.map((key) => JSON.stringify([collection, fields, key]))
  })
}

function isFields(value: Value | undefined): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
