// Contract: a file with junk in it is refused as a bad request or read; what is read can be written and committed to.
// From: iceberg-rest §3; security case 38. ICEBERG_RUNS and ICEBERG_SEED as for the updates.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CatalogError } from '#domain/errors'
import { parseJson, writeJson } from '#iceberg/json'
import { uriFields } from '#iceberg/locations'
import { readTableMetadata, writeTableMetadata } from '#iceberg/metadata'
import { onlyReferencedSnapshots } from '#iceberg/refs-view'
import { summaryOf } from '#iceberg/summary'
import { add, commit } from './commits.ts'
import { fixture, FIXTURES } from './fixtures.ts'
import { junk, withJunk } from './random.ts'

const runs = Number(process.env['ICEBERG_RUNS'] ?? 500)
const seed = Number(process.env['ICEBERG_SEED'] ?? Date.now() % 2 ** 31)

const paths = fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 6 })

test(`files with junk (ICEBERG_SEED=${seed})`, () => {
  fc.assert(
    fc.property(fc.constantFrom(...FIXTURES), paths, junk, (name, at, value) => {
      const text = writeJson(withJunk(parseJson(fixture(name)), at, value)).replace(/\{"rawText":"([^"]*)"\}/, '$1')
      try {
        const metadata = readTableMetadata(text)
        const again = writeTableMetadata(metadata)
        expect(writeTableMetadata(readTableMetadata(again))).toBe(again)
        uriFields(onlyReferencedSnapshots(metadata))
        summaryOf(metadata)
        const result = commit(metadata, [add(1), { action: 'set-properties', updates: { a: 'b' } }])
        if (result.result === 'changed') readTableMetadata(writeTableMetadata(result.metadata))
      } catch (error) {
        if (!(error instanceof CatalogError) || error.kind !== 'bad-request') throw error
      }
    }),
    { numRuns: runs, seed },
  )
})
