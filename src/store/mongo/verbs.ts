/** What documents hold. Times and JSON are text; the store keeps no number beyond 2^53 - 1. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [field: string]: Value }

export type Fields = { readonly [field: string]: Value }

export interface Doc {
  readonly _id: string
}

export interface Query {
  readonly collection: string
  readonly filter: Fields
  readonly projection?: Fields
  readonly sort?: Fields
  readonly limit?: number
}

export interface Update {
  readonly collection: string
  readonly filter: Fields
  readonly update: Fields
  readonly upsert: boolean
}

/**
 * MongoDB as this store sees it: those verbs of the Data API that it has a use for, each atomic for one document and no
 * more. Writes are acknowledged by a majority; reads are from the primary and of what a majority has.
 * @throws VerbFailure
 */
export interface MongoVerbs {
  findOne<T extends Doc>(query: Query): Promise<T | null>
  find<T extends Doc>(query: Query): Promise<T[]>
  insertOne(collection: string, document: Doc): Promise<void>
  /** In any order; a duplicate among them may leave out others. */
  insertMany(collection: string, documents: readonly Doc[]): Promise<void>
  /** How many documents the filter matched; 0 where one was inserted. */
  updateOne(update: Update): Promise<number>
  deleteMany(collection: string, filter: Fields): Promise<void>
  aggregate<T extends Doc>(collection: string, pipeline: readonly Fields[]): Promise<T[]>
}

/**
 * Why a verb failed. `duplicate`: a unique index has the value already. `not-done`: nothing was done, and the next attempt
 * may succeed. `unavailable`: nothing was done, and nothing will be until somebody sees to the database. `unknown`: the
 * answer was lost. `late`: the same, after the longest wait for one. `mistake`: the verb itself is wrong.
 */
export type FailureKind = 'duplicate' | 'not-done' | 'unavailable' | 'unknown' | 'late' | 'mistake'

/** The message is one sentence for whoever runs the catalog, without a secret; `cause` is for the log. */
export class VerbFailure extends Error {
  override readonly name = 'VerbFailure'
  readonly kind: FailureKind

  constructor(kind: FailureKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.kind = kind
  }
}

export function isDuplicate(error: unknown): boolean {
  return error instanceof VerbFailure && error.kind === 'duplicate'
}

/** Attempts of one thing before its caller is told to come back: each was lost to somebody else's that was done. */
const ATTEMPTS_MAX = 100

/** What an attempt makes that others were not faster than; of those it says false. @throws VerbFailure `not-done` */
export async function untilWon<T>(attempt: () => Promise<T | false>): Promise<T> {
  for (let attempts = 0; attempts < ATTEMPTS_MAX; attempts += 1) {
    const won = await attempt()
    if (won !== false) return won
  }
  throw new VerbFailure('not-done', `Others wrote to the database ${ATTEMPTS_MAX} times in between; try again`)
}

/**
 * Whether a document that has these fields (null: that is not there yet) was replaced by the next one. They hold a number
 * that changes each time.
 */
export async function replaced(
  verbs: MongoVerbs,
  collection: string,
  from: (Doc & Fields) | null,
  to: Doc & Fields,
): Promise<boolean> {
  if (!from) return inserted(verbs.insertOne(collection, to))
  const { _id, ...fields } = to
  return (await verbs.updateOne({ collection, filter: from, update: { $set: fields }, upsert: false })) > 0
}

/** Whether an insertion has inserted; false if what it inserts was there already. */
export async function inserted(insertion: Promise<unknown>): Promise<boolean> {
  try {
    await insertion
    return true
  } catch (error) {
    if (isDuplicate(error)) return false
    throw error
  }
}
