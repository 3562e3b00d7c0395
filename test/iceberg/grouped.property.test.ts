// Contract: commits that are written as one leave what they had left one by one, but for the metadata log, which names the
// file they began with once and none that never was.
// Source: DESIGN 2.2; Iceberg spec, table metadata: metadata-log, snapshot-log.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { TableMetadata } from '#iceberg/metadata'
import { begin, fileOf, step } from './live.ts'
import { lives } from './random.ts'

const SEED = Number(process.env['GROUP_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const RUNS = Number(process.env['GROUP_RUNS'] ?? 300)

it(`holds for random commits: GROUP_SEED=${SEED}`, () => {
  let longest = 0
  fc.assert(
    fc.property(lives, ({ start, commits }) => {
      const base = begin(start)
      if (!base) return
      let [single, grouped]: [TableMetadata, TableMetadata] = [base, base]
      let members = 0
      for (const commit of commits) {
        const one = step(single, commit)
        const other = step(grouped, commit, members === 0 ? fileOf(base) : null)
        expect(other?.result).toBe(one?.result)
        if (one?.result !== 'changed' || other?.result !== 'changed') continue
        single = one.metadata
        grouped = other.metadata
        members += 1
        expect({ ...grouped, 'metadata-log': [] }).toEqual({ ...single, 'metadata-log': [] })
        expect(grouped['metadata-log'].at(-1)?.['metadata-file']).toBe(fileOf(base))
        const [before, after] = [base, grouped].map((metadata) => metadata['metadata-log'].map(fileIn))
        const kept = after?.slice(0, -1) ?? []
        expect(kept).toEqual(before?.slice(before.length - kept.length))
      }
      longest = Math.max(longest, members)
    }),
    { seed: SEED, numRuns: RUNS },
  )
  expect(longest).toBeGreaterThan(1)
})

function fileIn(entry: TableMetadata['metadata-log'][number]): string {
  return entry['metadata-file']
}
