// Contract: metadata files of v1 to v3 are read into one shape, with what old files leave out; bad ones are refused.
// From: iceberg-rest §3; Iceberg format specification, table metadata.
import { expect, test } from 'vitest'
import { parseJson, writeJson, type JsonObject } from '#iceberg/json'
import { currentSnapshotId, readTableMetadata, writeTableMetadata } from '#iceberg/metadata'
import { onlyReferencedSnapshots } from '#iceberg/refs-view'
import { summaryOf } from '#iceberg/summary'
import { fixture, type Fixture } from './fixtures.ts'

function changed(name: Fixture, change: (file: JsonObject) => JsonObject): string {
  return writeJson(change(parseJson(fixture(name)) as JsonObject))
}

test('the oldest v1 files have one schema, one spec without ids, and no refs', () => {
  const metadata = readTableMetadata(
    writeJson({
      'format-version': 1,
      location: 's3://lake/t',
      'last-updated-ms': 1,
      'last-column-id': 2,
      schema: { type: 'struct', fields: [{ id: 1, name: 'a', required: true, type: 'long' }] },
      'partition-spec': [{ 'source-id': 1, name: 'p', transform: 'identity' }],
      'current-snapshot-id': 7,
      snapshots: [{ 'snapshot-id': 7, 'timestamp-ms': 1, manifests: ['s3://lake/t/metadata/m0.avro'] }],
    }),
  )
  expect(metadata.schemas).toMatchObject([{ 'schema-id': 0 }])
  expect(metadata['current-schema-id']).toBe(0)
  expect(metadata['partition-specs']).toEqual([
    { 'spec-id': 0, fields: [{ 'source-id': 1, 'field-id': 1000, name: 'p', transform: 'identity' }] },
  ])
  expect(metadata['last-partition-id']).toBe(1000)
  expect(metadata['sort-orders']).toEqual([{ 'order-id': 0, fields: [] }])
  expect(metadata.refs).toEqual({ main: { 'snapshot-id': 7, type: 'branch' } })
  expect(metadata.properties).toEqual({})
})

test.each([-1, null, undefined])('a current snapshot of %s is none', (none) => {
  const metadata = readTableMetadata(changed('v2-new', (file) => ({ ...file, 'current-snapshot-id': none as null })))
  expect(currentSnapshotId(metadata)).toBeUndefined()
  expect(metadata.refs).toEqual({})
})

test('unknown fields and hostile keys survive', () => {
  const text = changed('v3', (file) => ({ ...file, vendor: { ['__proto__']: 1.5, x: [null] } }))
  expect(text).toContain('"vendor":{"__proto__":1.5,"x":[null]}')
  expect(writeTableMetadata(readTableMetadata(text))).toBe(text)
})

test('a format version above 3 is named', () => {
  const text = changed('v3', (file) => ({ ...file, 'format-version': 4 }))
  expect(() => readTableMetadata(text)).toThrow('format version 4: expected at most 3')
})

test.each<[string, Fixture, (file: JsonObject) => JsonObject]>([
  ['not an object', 'v2', () => [] as unknown as JsonObject],
  ['no uuid', 'v2', (file) => ({ ...file, 'table-uuid': null })],
  ['no location', 'v2', (file) => ({ ...file, location: '' })],
  ['a missing current schema', 'v2', (file) => ({ ...file, 'current-schema-id': 9 })],
  ['a missing default spec', 'v2', (file) => ({ ...file, 'default-spec-id': 9 })],
  ['a missing default order', 'v2', (file) => ({ ...file, 'default-sort-order-id': 9 })],
  [
    'two schemas of one id',
    'v2-new',
    (file) => ({ ...file, schemas: [...list(file, 'schemas'), ...list(file, 'schemas')] }),
  ],
  [
    'a ref to nowhere',
    'v2',
    (file) => ({ ...file, refs: { ...(file['refs'] as JsonObject), x: { 'snapshot-id': 5, type: 'tag' } } }),
  ],
  ['a main that is not current', 'v2', (file) => ({ ...file, 'current-snapshot-id': -1 })],
  ['a current snapshot that is gone', 'v2', (file) => ({ ...file, snapshots: [], refs: {} })],
  ['a property that is no text', 'v2', (file) => ({ ...file, properties: { a: 1 } })],
  ['a snapshot from the future of the log', 'v2', (file) => ({ ...file, 'last-sequence-number': 0 })],
  ['a huge snapshot id', 'v2', (file) => ({ ...file, 'current-snapshot-id': 1e300 })],
  ['a list for a map', 'v2', (file) => ({ ...file, refs: [] })],
])('a file with %s is refused', (_what, name, change) => {
  expect(() => readTableMetadata(changed(name, change))).toThrow('Invalid')
})

test('listings show the current snapshot in full', () => {
  expect(summaryOf(readTableMetadata(fixture('v2-new')))).toEqual({
    tableUuid: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
    formatVersion: 2,
    currentSchemaId: 0,
  })
  const text = fixture('v3')
  const id = /"current-snapshot-id":(\d+)/.exec(text)?.[1]
  expect(summaryOf(readTableMetadata(text)).currentSnapshotId).toBe(id)
})

test('snapshots=refs keeps what refs name, and the logs', () => {
  const metadata = readTableMetadata(fixture('v2'))
  const shown = onlyReferencedSnapshots(metadata)
  expect(shown.snapshots).toHaveLength(2)
  expect(shown.statistics).toEqual(metadata.statistics)
  expect(shown['snapshot-log']).toEqual(metadata['snapshot-log'])
  readTableMetadata(writeTableMetadata(shown))
})

function list(file: JsonObject, name: string): readonly JsonObject[] {
  return file[name] as readonly JsonObject[]
}
