// Contract: requirements hold or fail with the message that clients know.
// From: the REST specification, TableRequirement; the messages are those of Java's UpdateRequirement.
import { expect, test } from 'vitest'
import type { Json, JsonObject } from '#iceberg/json'
import { commit, read } from './commits.ts'

const metadata = read('v2')
const uuid = metadata['table-uuid'] ?? ''
const main = metadata.refs['main']?.['snapshot-id'] as Json

function outcome(requirement: JsonObject): string | undefined {
  const result = commit(metadata, [], [requirement])
  return result.result === 'requirement-failed' ? result.message : undefined
}

test.each<JsonObject>([
  { type: 'assert-table-uuid', uuid: uuid.toUpperCase() },
  { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': main },
  { type: 'assert-ref-snapshot-id', ref: 'none', 'snapshot-id': null },
  { type: 'assert-ref-snapshot-id', ref: 'constructor' },
  { type: 'assert-last-assigned-field-id', 'last-assigned-field-id': metadata['last-column-id'] },
  { type: 'assert-current-schema-id', 'current-schema-id': 1 },
  { type: 'assert-last-assigned-partition-id', 'last-assigned-partition-id': 1002 },
  { type: 'assert-default-spec-id', 'default-spec-id': 1 },
  { type: 'assert-default-sort-order-id', 'default-sort-order-id': 1, unknown: 'ignored' },
])('%j holds', (requirement) => {
  expect(outcome(requirement)).toBeUndefined()
})

test.each<[JsonObject, string]>([
  [{ type: 'assert-create' }, 'Requirement failed: table already exists'],
  [
    { type: 'assert-table-uuid', uuid: '11111111-2222-4333-8444-555555555555' },
    `Requirement failed: UUID does not match: expected ${uuid} != 11111111-2222-4333-8444-555555555555`,
  ],
  [
    { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': 5 },
    'Requirement failed: branch main has changed: expected id 5 != ',
  ],
  [
    { type: 'assert-ref-snapshot-id', ref: 'first', 'snapshot-id': null },
    'Requirement failed: tag first was created concurrently',
  ],
  [
    { type: 'assert-ref-snapshot-id', ref: 'x', 'snapshot-id': 5 },
    'Requirement failed: branch or tag x is missing, expected 5',
  ],
  [
    { type: 'assert-last-assigned-field-id', 'last-assigned-field-id': 1 },
    'Requirement failed: last assigned field id changed: expected id 1 != 14',
  ],
  [
    { type: 'assert-current-schema-id', 'current-schema-id': 0 },
    'Requirement failed: current schema changed: expected id 0 != 1',
  ],
  [
    { type: 'assert-last-assigned-partition-id', 'last-assigned-partition-id': 1 },
    'Requirement failed: last assigned partition id changed: expected id 1 != 1002',
  ],
  [
    { type: 'assert-default-spec-id', 'default-spec-id': 0 },
    'Requirement failed: default partition spec changed: expected id 0 != 1',
  ],
  [
    { type: 'assert-default-sort-order-id', 'default-sort-order-id': 0 },
    'Requirement failed: default sort order changed: expected id 0 != 1',
  ],
])('%j fails', (requirement, message) => {
  expect(outcome(requirement)).toContain(message)
})

test.each<[string, Json]>([
  ['an unknown type', { type: 'assert-moon' }],
  ['one of views', { type: 'assert-view-uuid', uuid }],
  ['a missing field', { type: 'assert-table-uuid' }],
  ['a wrong type', { type: 'assert-current-schema-id', 'current-schema-id': '1' }],
  ['no object', 'assert-create'],
])('a requirement with %s is a bad request', (_what, requirement) => {
  expect(() => commit(metadata, [], [requirement])).toThrow(/^Invalid /)
})

test('assert-create stands alone', () => {
  expect(() => commit(null, [], [{ type: 'assert-create' }, { type: 'assert-table-uuid', uuid }])).toThrow(
    'Invalid create requirements',
  )
})
