// Contract: whatever order a server does things in, whatever it loses and whoever dies, MongoDB's store is the model;
// and each mistake that the algorithm is made to avoid would be found here. Source: DESIGN §2.1; src/store/mongo/log.ts.
import { describe, expect, it } from 'vitest'
import { MISTAKES } from './mistakes.ts'
import { checkSeed, type Lens } from './processes.ts'

const SEED = Number(process.env['MODEL_SEED'] ?? Date.now() % 2 ** 31)
const RUNS = Number(process.env['MODEL_RUNS'] ?? 150)

/** Histories in which a mistake must have shown itself, more often than not far earlier. */
const MISTAKE_RUNS_MAX = 2000

/** The first history that the model could not have had, and why; null if there is none. */
async function firstWrong(runs: number, lens: Lens): Promise<string | null> {
  for (let seed = SEED; seed < SEED + runs; seed += 1) {
    try {
      await checkSeed(seed, lens)
    } catch (error) {
      return `MODEL_SEED=${seed} MODEL_RUNS=1: ${error instanceof Error ? error.message : 'no reason'}`
    }
  }
  return null
}

describe('the store over a server of single documents', () => {
  it(`stays the model in ${RUNS} histories (MODEL_SEED=${SEED})`, { timeout: 3_600_000 }, async () => {
    expect(await firstWrong(RUNS, (verbs) => verbs)).toBeNull()
  })

  it.each(Object.entries(MISTAKES))(`would be found %s (MODEL_SEED=${SEED})`, { timeout: 300_000 }, async (_, lens) => {
    expect(await firstWrong(MISTAKE_RUNS_MAX, lens)).toMatch(/landed|no state/)
  })
})
