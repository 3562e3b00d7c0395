// Contract: no list of updates yields metadata that our reader refuses; applying and re-reading equals applying; no
// input is changed; whatever is wrong with a request is a bad request. From: iceberg-rest §2.3.
// ICEBERG_RUNS sets the number of lives, ICEBERG_SEED repeats a run.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readTableMetadata, writeTableMetadata } from '#iceberg/metadata'
import { begin, step } from './live.ts'
import { lives } from './random.ts'

const runs = Number(process.env['ICEBERG_RUNS'] ?? 500)
const seed = Number(process.env['ICEBERG_SEED'] ?? Date.now() % 2 ** 31)

test(`random lives of tables (ICEBERG_SEED=${seed})`, () => {
  let changed = 0
  fc.assert(
    fc.property(lives, ({ start, commits }) => {
      let metadata = begin(start)
      for (const commit of commits) {
        if (!metadata) return
        const before = writeTableMetadata(metadata)
        const reread = readTableMetadata(before)
        expect(writeTableMetadata(reread)).toBe(before)
        const result = step(metadata, commit)
        expect(writeTableMetadata(metadata)).toBe(before)
        if (result?.result !== 'changed') continue
        changed++
        const again = step(reread, commit)
        expect(again?.result === 'changed' && writeTableMetadata(again.metadata)).toBe(
          writeTableMetadata(result.metadata),
        )
        ;({ metadata } = result)
      }
      if (metadata) readTableMetadata(writeTableMetadata(metadata))
    }),
    { numRuns: runs, seed },
  )
  expect(changed).toBeGreaterThan(runs / 10)
})
