import type { Db } from 'mongodb'
import { INDEXES, type Index } from '#store/mongo/schema'
import type { Doc, Fields, MongoVerbs, Query, Value } from '#store/mongo/verbs'

/** What a verb looks documents up by. */
export type Lookup = Pick<Query, 'collection' | 'filter' | 'sort'>

/** Verbs that tell of every way documents are looked up, once for each shape. */
export function recordingVerbs(verbs: MongoVerbs, recorded: Map<string, Lookup>): MongoVerbs {
  const record = ({ collection, filter, sort = {} }: Lookup): void =>
    void recorded.set(JSON.stringify([collection, shapeOf(filter), sort]), { collection, filter, sort })
  return {
    ...verbs,
    findOne: async <T extends Doc>(query: Query) => {
      record(query)
      return verbs.findOne<T>(query)
    },
    find: async <T extends Doc>(query: Query) => {
      record(query)
      return verbs.find<T>(query)
    },
    updateOne: async (update) => {
      record(update)
      return verbs.updateOne(update)
    },
    deleteMany: async (collection, filter) => {
      record({ collection, filter })
      await verbs.deleteMany(collection, filter)
    },
    aggregate: async <T extends Doc>(collection: string, pipeline: readonly Fields[]) => {
      for (const lookup of lookupsOf(collection, pipeline)) record(lookup)
      return verbs.aggregate<T>(collection, pipeline)
    },
  }
}

/** Whether an index, or `_id`, leads to the documents and, if they are sorted, has them in that order. */
export function isIndexed({ collection, filter, sort = {} }: Lookup): boolean {
  if (isEquality(filter['_id'])) return Object.keys(sort).length === 0
  return INDEXES.some((index) => index.collection === collection && fits(index, filter, Object.keys(sort)))
}

/** Fields that are equal come first in the index; the next one is the only range, and what is sorted by. */
function fits({ fields }: Index, filter: Fields, sort: readonly string[]): boolean {
  const names = Object.keys(fields)
  const equal = Object.keys(filter).filter((name) => isEquality(filter[name]))
  const ranges = Object.keys(filter).filter((name) => !isEquality(filter[name]))
  const isPrefix = names.slice(0, equal.length).every((name) => equal.includes(name))
  const next = names.slice(equal.length)
  return (
    isPrefix &&
    ranges.length <= 1 &&
    ranges.every((name) => name === next[0]) &&
    sort.every((name, i) => name === next[i])
  )
}

function isEquality(wanted: Value | undefined): boolean {
  if (wanted === undefined) return false
  if (typeof wanted !== 'object' || wanted === null) return true
  return '$in' in wanted
}

function lookupsOf(collection: string, pipeline: readonly Fields[]): Lookup[] {
  return pipeline.flatMap((stage) => {
    if ('$match' in stage) return [{ collection, filter: stage['$match'] as Fields }]
    if (!('$lookup' in stage)) return []
    const {
      from,
      foreignField,
      pipeline: inner,
    } = stage['$lookup'] as { from: string; foreignField: string; pipeline: Fields[] }
    const match = (inner.find((one) => '$match' in one)?.['$match'] ?? {}) as Fields
    const sort = (inner.find((one) => '$sort' in one)?.['$sort'] ?? {}) as Fields
    return [{ collection: from, filter: { [foreignField]: 'x', ...match }, sort }]
  })
}

/** The fields, and the operators used on them. */
function shapeOf(filter: Fields): Value[] {
  return Object.entries(filter).map(([name, wanted]) => [
    name,
    typeof wanted === 'object' && wanted !== null ? Object.keys(wanted) : '=',
  ])
}

interface Stage {
  readonly stage: string
  readonly indexName?: string
  readonly inputStage?: Stage
  readonly inputStages?: readonly Stage[]
}

/** How a server would look them up, by its own words: stages, with the index where there is one. */
export async function stagesOf(db: Db, { collection, filter, sort = {} }: Lookup): Promise<string[]> {
  // What else is asked of a document with an id is looked at in that document.
  const { _id: id } = filter
  const by = id === undefined ? filter : { _id: id }
  const explained = await db
    .collection<Doc & Record<string, unknown>>(collection)
    .find(by as object, { sort: sort as Record<string, 1> })
    .explain('queryPlanner')
  const below = (one: Stage): string[] => [
    `${one.stage}${one.indexName === undefined ? '' : ` ${one.indexName}`}`,
    ...[...(one.inputStages ?? []), ...(one.inputStage ? [one.inputStage] : [])].flatMap(below),
  ]
  return below((explained as { queryPlanner: { winningPlan: Stage } }).queryPlanner.winningPlan)
}
