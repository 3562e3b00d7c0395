/**
 * Writes metadata that random updates made into a folder, for other readers to try (test/interop/metadata_accepted.py).
 * `node test/iceberg/dump-random.ts <folder> [count] [seed]`
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { writeTableMetadata } from '#iceberg/metadata'
import { begin, fileOf, step } from './live.ts'
import { lives } from './random.ts'

const [folder, count = '300', seed = String(Date.now() % 2 ** 31)] = process.argv.slice(2)
if (folder === undefined) throw new Error('usage: node test/iceberg/dump-random.ts <folder> [count] [seed]')

mkdirSync(folder, { recursive: true })
let written = 0
for (let round = 0; written < Number(count); round++)
  for (const { start, commits } of fc.sample(lives, { numRuns: 100, seed: Number(seed) + round })) {
    let metadata = begin(start)
    for (const [index, commit] of commits.entries()) {
      // Every other commit is one that was published together with the one before it.
      const result = metadata && step(metadata, commit, index % 2 === 0 ? fileOf(metadata) : null)
      if (result?.result !== 'changed' || written >= Number(count)) continue
      ;({ metadata } = result)
      written++
      writeFileSync(
        path.join(folder, `${String(written).padStart(5, '0')}.metadata.json`),
        writeTableMetadata(metadata),
      )
    }
  }
process.stdout.write(`${written} files, seed ${seed}\n`)
