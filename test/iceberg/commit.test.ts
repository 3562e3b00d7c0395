// Contract: a commit changes what it says, or nothing; history is kept; a staged create becomes a table.
// From: iceberg-rest §2.1, §2.3 (at build), §2.4.
import { expect, test } from 'vitest'
import type { Json, JsonObject } from '#iceberg/json'
import { readTableMetadata, writeTableMetadata, type TableMetadata } from '#iceberg/metadata'
import { add, applied, BASE_LOCATION, commit, NOW_MS, read, setRef, UUID } from './commits.ts'

const CREATE = [{ type: 'assert-create' }]

const STRUCTURE: readonly JsonObject[] = [
  {
    action: 'add-schema',
    schema: { type: 'struct', 'schema-id': 7, fields: [{ id: 1, name: 'a', required: false, type: 'long' }] },
  },
  { action: 'set-current-schema', 'schema-id': -1 },
  { action: 'add-spec', spec: { 'spec-id': 3, fields: [{ 'source-id': 1, name: 'p', transform: 'bucket[4]' }] } },
  { action: 'set-default-spec', 'spec-id': -1 },
  { action: 'add-sort-order', 'sort-order': { 'order-id': 0, fields: [] } },
  { action: 'set-default-sort-order', 'sort-order-id': -1 },
  { action: 'set-location', location: 's3://lake/wh/t/' },
]

test.each<Json>([
  { action: 'set-properties', updates: {} },
  { action: 'set-properties', updates: { owner: 'data team 🧊' } },
  { action: 'remove-properties', removals: ['missing', 'constructor'] },
  { action: 'upgrade-format-version', 'format-version': 2 },
  { action: 'set-current-schema', 'schema-id': 1 },
  { action: 'set-location', location: 's3://lake/wh/ns/v2/' },
  { action: 'remove-snapshot-ref', 'ref-name': 'missing' },
  { action: 'remove-snapshots', 'snapshot-ids': [5] },
  { action: 'remove-statistics', 'snapshot-id': 5 },
  { action: 'remove-schemas', 'schema-ids': [9] },
  { action: 'ASSIGN-UUID', uuid: (read('v2')['table-uuid'] ?? '').toUpperCase() },
])('%j changes nothing', (update) => {
  expect(commit(read('v2'), [update])).toEqual({ result: 'unchanged' })
})

test('a commit without updates changes nothing', () => {
  expect(commit(read('v1'), [])).toEqual({ result: 'unchanged' })
})

test('the metadata log remembers as many files as the new properties say', () => {
  const base = read('v2')
  const next = applied(base, { action: 'set-properties', updated: { a: 'b' } })
  const entry = { 'timestamp-ms': base['last-updated-ms'], 'metadata-file': BASE_LOCATION }
  expect(next['metadata-log']).toEqual([...base['metadata-log'].slice(1), entry])
  expect(next['last-updated-ms']).toBe(NOW_MS)
  const one = applied(base, { action: 'set-properties', updates: { 'write.metadata.previous-versions-max': '0' } })
  expect(one['metadata-log']).toEqual([entry])
  const hundred = applied(base, { action: 'remove-properties', removals: ['write.metadata.previous-versions-max'] })
  expect(hundred['metadata-log']).toHaveLength(base['metadata-log'].length + 1)
})

test('unknown fields and the order of keys survive a commit', () => {
  const text = writeTableMetadata(read('v3')).replace(/\}$/, ',"vendor":{"z":1.0}}')
  const next = writeTableMetadata(
    applied(readTableMetadata(text), { action: 'set-properties', updates: { ['a']: 'b' } }),
  )
  expect(next.endsWith('"vendor":{"z":1.0}}')).toBe(true)
  expect(next).toContain('"initial-default":1.0,"write-default":-0.0')
})

test('a staged create counts from the beginning', () => {
  const result = commit(
    null,
    [
      { action: 'assign-uuid', uuid: UUID.replace('9', '8') },
      { action: 'upgrade-format-version', 'format-version': 3 },
      ...STRUCTURE,
      add(1, { 'sequence-number': 1, 'first-row-id': 0, 'added-rows': 5 }),
      setRef('main', 1),
    ],
    CREATE,
  )
  expect(result).toMatchObject({
    result: 'changed',
    metadata: {
      'format-version': 3,
      'table-uuid': UUID.replace('9', '8'),
      location: 's3://lake/wh/t',
      'last-sequence-number': 1,
      'next-row-id': 5,
      'last-column-id': 1,
      'current-schema-id': 0,
      'default-spec-id': 0,
      'last-partition-id': 1000,
      'default-sort-order-id': 0,
      'current-snapshot-id': 1,
      'metadata-log': [],
      'snapshot-log': [{ 'snapshot-id': 1 }],
    },
  })
  if (result.result === 'changed') readTableMetadata(writeTableMetadata(result.metadata))
})

test.each(STRUCTURE.map((update) => update['action']))('a create without %s is invalid', (missing) => {
  const updates = STRUCTURE.filter((update) => update['action'] !== missing)
  expect(commit(null, updates, CREATE).result).toBe('invalid')
})

test('a create may choose its schema last', () => {
  const [schema, choice, ...rest] = STRUCTURE
  const result = commit(null, [schema ?? {}, ...rest, choice ?? {}], CREATE)
  expect(result).toEqual(commit(null, STRUCTURE, CREATE))
  expect(result.result).toBe('changed')
  expect(commit(null, rest, CREATE)).toMatchObject({ result: 'invalid' })
})

test('a create needs assert-create, and a table that is not there', () => {
  expect(commit(null, STRUCTURE, [])).toMatchObject({ result: 'invalid' })
  expect(commit(read('v2'), STRUCTURE, CREATE)).toEqual({
    result: 'requirement-failed',
    message: 'Requirement failed: table already exists',
  })
})

test('replacing a table keeps its history', () => {
  const base = read('v2')
  const next = applied(
    base,
    { action: 'remove-snapshot-ref', 'ref-name': 'main' },
    ...STRUCTURE.slice(0, 2),
    { action: 'add-spec', spec: { fields: [] } },
    { action: 'set-default-spec', 'spec-id': -1 },
    ...STRUCTURE.slice(4, 6),
    add(1, { 'sequence-number': 1 }),
    setRef('main', 1),
  )
  expect(next.snapshots).toHaveLength(base.snapshots.length + 1)
  expect(next['snapshot-log']).toHaveLength(base['snapshot-log'].length + 1)
  expect(next['last-sequence-number']).toBe(base['last-sequence-number'])
})

test.each<[string, Json]>([
  ['an unknown action', { action: 'explode' }],
  ['one of views', { action: 'add-view-version' }],
  ['one that was withdrawn', { action: 'enable-row-lineage' }],
  ['no action', {}],
  ['a name of Object', { action: 'constructor' }],
  ['properties that are no text', { action: 'set-properties', updates: { a: 1 } }],
  ['a missing field', { action: 'set-current-schema' }],
  ['a fraction for an id', { action: 'set-current-schema', 'schema-id': 1.5 }],
  ['a negative id', { action: 'set-default-spec', 'spec-id': -2 }],
  ['a huge id', { action: 'remove-schemas', 'schema-ids': [2 ** 31] }],
  ['a text for an id', { action: 'remove-snapshots', 'snapshot-ids': ['1'] }],
  ['a uuid that is none', { action: 'assign-uuid', uuid: 'x' }],
])('an update with %s is a bad request', (_what, update) => {
  expect(() => commit(read('v2'), [update])).toThrow(/^Invalid /)
})

const NAMED_P: JsonObject = {
  action: 'add-schema',
  schema: {
    type: 'struct',
    'schema-id': 8,
    fields: [
      { id: 1, name: 'a', required: false, type: 'long' },
      { id: 2, name: 'p', required: false, type: 'long' },
    ],
  },
}

test('a table whose partition has the name of another column is refused, in whichever order its parts come', () => {
  const [schema, chosen, spec, ...others] = STRUCTURE as [JsonObject, JsonObject, JsonObject, ...JsonObject[]]
  const refused = { result: 'invalid', message: expect.stringMatching(/'p' is that of another column/) }
  expect(commit(null, [...STRUCTURE, NAMED_P, chosen], CREATE)).toMatchObject(refused)
  expect(commit(null, [schema, NAMED_P, chosen, spec, ...others], CREATE)).toMatchObject(refused)
  expect(commit(tableOf(STRUCTURE), [NAMED_P, chosen])).toMatchObject(refused)
})

test('a table that has such a partition already can be changed, and mended', () => {
  const named = tableOf([...STRUCTURE, NAMED_P])
  const taken = { ...named, 'current-schema-id': 1 }
  expect(applied(taken, { action: 'set-properties', updates: { a: 'b' } }).properties).toMatchObject({ a: 'b' })
  const mended = applied(taken, { action: 'set-current-schema', 'schema-id': 0 })
  expect(mended['current-schema-id']).toBe(0)
})

function tableOf(updates: readonly JsonObject[]): TableMetadata {
  const created = commit(null, updates, CREATE)
  if (created.result !== 'changed') throw new Error(JSON.stringify(created))
  return created.metadata
}
