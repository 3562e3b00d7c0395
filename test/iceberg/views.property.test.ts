// Contract: no list of updates yields view metadata that our reader refuses; applying and re-reading equals applying; no
// input is changed; junk in a file or a request is a bad request. From: iceberg-rest §2.5. ICEBERG_RUNS, ICEBERG_SEED.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CatalogError } from '#domain/errors'
import { parseJson, writeJson, type Json } from '#iceberg/json'
import { commitView, parseViewCommit, type ViewCommitResult } from '#iceberg/view-commit'
import { newViewMetadata, parseCreateViewRequest } from '#iceberg/view-create'
import { readViewMetadata, writeViewMetadata, type ViewMetadata } from '#iceberg/view-metadata'
import { junk, withJunk } from './random.ts'
import { commit, newView, NOW_MS, replacement, viewFixture, viewSchema, viewVersion, VIEW_UUID } from './view-live.ts'

const runs = Number(process.env['ICEBERG_RUNS'] ?? 500)
const seed = Number(process.env['ICEBERG_SEED'] ?? Date.now() % 2 ** 31)

const START = { location: 's3://lake/wh/v', uuid: VIEW_UUID, nowMs: NOW_MS, properties: {} }

const id = fc.oneof(fc.constant(-1), fc.integer({ min: 0, max: 6 }), fc.constant(2 ** 31 - 1))
const dialects = fc.array(fc.constantFrom('spark', 'SPARK', 'trino', 'duckdb'), { maxLength: 3 })
const properties = fc.dictionary(
  fc.constantFrom('version.history.num-entries', 'replace.drop-dialect.allowed', 'owner'),
  fc.constantFrom('1', '3', 'true', 'False', '0', 'x'),
)
const version = fc
  .record({ sql: fc.constantFrom('select 1', 'select 2', 'select 3'), dialects, versionId: id, schemaId: id })
  .map(({ sql, dialects: chosen, versionId, schemaId }) =>
    viewVersion(sql, chosen, { 'version-id': versionId, 'schema-id': schemaId }),
  )
const update: fc.Arbitrary<Json> = fc.oneof(
  fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 3 }).map((names) => ({
    action: 'add-schema',
    schema: viewSchema(...names),
  })),
  { weight: 3, arbitrary: version.map((given) => ({ action: 'add-view-version', 'view-version': given })) },
  { weight: 3, arbitrary: id.map((wanted) => ({ action: 'set-current-view-version', 'view-version-id': wanted })) },
  properties.map((updates) => ({ action: 'set-properties', updates })),
  fc.constantFrom<Json>(
    { action: 'remove-properties', removals: ['version.history.num-entries', 'owner'] },
    { action: 'set-location', location: 's3://lake/moved' },
    { action: 'assign-uuid', uuid: VIEW_UUID },
    { action: 'upgrade-format-version', 'format-version': 1 },
  ),
)

test(`random lives of views (ICEBERG_SEED=${seed})`, () => {
  let changed = 0
  fc.assert(
    fc.property(
      fc.constantFrom(writeViewMetadata(newView()), viewFixture()),
      fc.array(fc.array(update, { maxLength: 4 }), { maxLength: 8 }),
      (start, commits) => {
        let metadata = readViewMetadata(start)
        for (const updates of commits) {
          const before = writeViewMetadata(metadata)
          const result = step(metadata, updates)
          expect(writeViewMetadata(metadata)).toBe(before)
          if (result?.result !== 'changed') continue
          changed++
          const text = writeViewMetadata(result.metadata)
          const again = step(readViewMetadata(before), updates)
          expect(again?.result === 'changed' && writeViewMetadata(again.metadata)).toBe(text)
          metadata = readViewMetadata(text)
          expect(writeViewMetadata(metadata)).toBe(text)
          expect(step(metadata, [])).toEqual({ result: 'unchanged' })
        }
      },
    ),
    { numRuns: runs, seed },
  )
  expect(changed).toBeGreaterThan(runs / 10)
})

test(`view files with junk (ICEBERG_SEED=${seed})`, () => {
  const paths = fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(paths, junk, fc.array(update, { maxLength: 3 }), (at, value, updates) => {
      const text = writeJson(withJunk(parseJson(viewFixture()), at, value)).replace(/\{"rawText":"([^"]*)"\}/, '$1')
      unlessRefused(() => {
        const metadata = readViewMetadata(text)
        const again = writeViewMetadata(metadata)
        expect(writeViewMetadata(readViewMetadata(again))).toBe(again)
        const result = commit(metadata, updates)
        if (result.result === 'changed') readViewMetadata(writeViewMetadata(result.metadata))
      })
    }),
    { numRuns: runs, seed },
  )
})

test(`requests for views with junk (ICEBERG_SEED=${seed})`, () => {
  const create = { name: 'v', schema: viewSchema('id'), 'view-version': viewVersion('select 1', ['spark']) }
  const replace = {
    requirements: [{ type: 'assert-view-uuid', uuid: VIEW_UUID }],
    updates: replacement('x', ['spark']),
  }
  const paths = fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(paths, junk, (at, value) => {
      unlessRefused(() => {
        const { schema, version: given } = parseCreateViewRequest(withJunk(create, at, value))
        const metadata = newViewMetadata({ ...START, schema, version: given })
        expect(readViewMetadata(writeViewMetadata(metadata))).toEqual(metadata)
      })
      unlessRefused(() => {
        const result = commitView(newView(), parseViewCommit(withJunk(replace, at, value)), NOW_MS)
        if (result.result === 'changed') readViewMetadata(writeViewMetadata(result.metadata))
      })
    }),
    { numRuns: runs, seed },
  )
})

function step(metadata: ViewMetadata, updates: readonly Json[]): ViewCommitResult | undefined {
  return unlessRefused(() => commit(metadata, updates))
}

function unlessRefused<T>(attempt: () => T): T | undefined {
  try {
    return attempt()
  } catch (error) {
    if (error instanceof CatalogError && ['bad-request', 'illegal-argument'].includes(error.kind)) return undefined
    throw error
  }
}
