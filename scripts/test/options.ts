import { parseArgs } from 'node:util'
import { STORES, type StoreName } from '../start/options.ts'

/** The parts of the suite in the order they run: what fails fastest first. */
export const PARTS = ['check', 'node', 'worker', 'postgres', 'mongo', 'interop', 'rck', 'spark'] as const

export type Part = (typeof PARTS)[number]

/** The stores that a part runs on, one after the other; undefined for a part that is not about one store. */
const STORES_OF: Readonly<Partial<Record<Part, readonly StoreName[]>>> = { interop: STORES, rck: STORES, spark: ['d1'] }

/** One run of a part. */
export interface Job {
  readonly part: Part
  readonly store: StoreName | undefined
  /** Whether an earlier one is the same part on another store. */
  readonly isRepeated: boolean
}

/** What is to be run, in order. */
export function jobsOf({ only, store }: TestOptions): Job[] {
  return PARTS.filter((part) => only === undefined || part === only).flatMap((part): Job[] => {
    const stores = store === undefined ? STORES_OF[part] : STORES_OF[part] && [store]
    if (!stores) return [{ part, store: undefined, isRepeated: false }]
    return stores.map((each, i) => ({ part, store: each, isRepeated: i > 0 }))
  })
}

export interface TestOptions {
  /** Undefined: all parts. */
  readonly only: Part | undefined
  /** The only store for the servers that the engines talk to; undefined: each that the part is for. */
  readonly store: StoreName | undefined
}

/** Reads `--only PART` and `--store STORE`. */
export function parseTestOptions(args: readonly string[]): TestOptions | Error {
  try {
    const { values } = parseArgs({ args: [...args], options: { only: { type: 'string' }, store: { type: 'string' } } })
    const only = PARTS.find((known) => known === values.only)
    const store = STORES.find((known) => known === values.store)
    if (only === values.only && store === values.store) return { only, store }
  } catch {
    // Falls through to the one sentence that says it all.
  }
  return new Error(
    `npm test takes nothing but --only and one of ${PARTS.join(', ')}, and --store and one of ${STORES.join(', ')}.`,
  )
}
