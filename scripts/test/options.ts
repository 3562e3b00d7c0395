import { parseArgs } from 'node:util'
import { STORES, type StoreName } from '../start/options.ts'

/** The parts of the suite in the order they run: what fails fastest first. */
export const PARTS = ['check', 'node', 'worker', 'postgres', 'mongo', 'interop', 'rck', 'spark'] as const

export type Part = (typeof PARTS)[number]

export interface TestOptions {
  /** Undefined: all parts. */
  readonly only: Part | undefined
  /** What the servers that the engines talk to keep their records in; undefined: what `npm start` takes by itself. */
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
