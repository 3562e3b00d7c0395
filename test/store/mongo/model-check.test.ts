// Contract: whatever order a server does things in, whatever it loses and whoever dies, MongoDB's store is the model;
// and each mistake that the algorithm is made to avoid would be found here. Source: DESIGN §2.1; src/store/mongo/log.ts.
import { describe, expect, it } from 'vitest'
import { MISTAKES } from './mistakes.ts'
import { checkSeed, type Lens } from './processes.ts'

const SEED = Number(process.env['MODEL_SEED'] ?? Date.now() % 2 ** 31)
const RUNS = Number(process.env['MODEL_RUNS'] ?? 150)

/** Histories in which a mistake must have shown itself: the rarest does in one of about 150. */
const MISTAKE_RUNS_MAX = 5000

/** What the model says of a wrong history. A mistake may also break a call, which says little: the next history says more. */
const JUDGED = /landed|no state/

/** The first history that is wrong as `wanted` has it, and why; null if there is none. */
async function firstWrong(runs: number, lens: Lens, wanted = /^/): Promise<string | null> {
  for (let seed = SEED; seed < SEED + runs; seed += 1) {
    try {
      await checkSeed(seed, lens)
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'no reason'
      if (wanted.test(reason)) return `MODEL_SEED=${seed} MODEL_RUNS=1: ${reason}`
    }
  }
  return null
}

describe('the store over a server of single documents', () => {
  it(`stays the model in ${RUNS} histories (MODEL_SEED=${SEED})`, { timeout: 3_600_000 }, async () => {
    expect(await firstWrong(RUNS, (verbs) => verbs)).toBeNull()
  })

  it.each(Object.entries(MISTAKES))(`would be found %s (MODEL_SEED=${SEED})`, async (_, lens) => {
    expect(await firstWrong(MISTAKE_RUNS_MAX, lens, JUDGED)).not.toBeNull()
  })
})
