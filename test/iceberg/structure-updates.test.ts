// Contract: schemas, specs, sort orders, versions, properties and keys change as Java's catalogs change them.
// From: iceberg-rest §2.3.
import { expect, test } from 'vitest'
import type { Json, JsonObject } from '#iceberg/json'
import { readTableMetadata, writeTableMetadata } from '#iceberg/metadata'
import { applied, commit, read } from './commits.ts'

const SET_SCHEMA = { action: 'set-current-schema', 'schema-id': -1 }

function addSchema(fields: readonly Json[], more: JsonObject = {}): JsonObject {
  return { action: 'add-schema', schema: { type: 'struct', 'schema-id': 42, fields, ...more } }
}

const EXTRA = { id: 50, name: 'extra', required: false, type: 'string' }

function currentFields(): readonly Json[] {
  return (read('v2').schemas[1]?.fields ?? []) as unknown as readonly Json[]
}

test('a new schema gets the next id and moves the last column id', () => {
  const next = applied(read('v2'), addSchema([...currentFields(), EXTRA]), SET_SCHEMA)
  expect(next['current-schema-id']).toBe(2)
  expect(next.schemas[2]).toMatchObject({ 'schema-id': 2 })
  expect(next['last-column-id']).toBe(50)
})

test('the same schema is used again, and is not "last added" unless this commit added it', () => {
  const same = addSchema(currentFields(), { 'identifier-field-ids': [1] })
  expect(commit(read('v2'), [same])).toEqual({ result: 'unchanged' })
  expect(commit(read('v2'), [same, SET_SCHEMA])).toMatchObject({ result: 'invalid' })
  const twice = applied(
    read('v2'),
    addSchema([...currentFields(), EXTRA]),
    addSchema([...currentFields(), EXTRA]),
    SET_SCHEMA,
  )
  expect(twice.schemas).toHaveLength(3)
})

test('a schema that breaks the default spec or order is invalid as current', () => {
  const without = currentFields().filter((field) => (field as JsonObject)['id'] !== 2)
  expect(commit(read('v2'), [addSchema(without), SET_SCHEMA])).toMatchObject({
    result: 'invalid',
    message: expect.stringContaining('Cannot find source column for partition field') as string,
  })
  expect(commit(read('v2'), [addSchema(without)]).result).toBe('changed')
})

test('specs reuse what is equal, and ids of equal fields', () => {
  const spec = (fields: readonly Json[]): JsonObject => ({ action: 'add-spec', spec: { fields } })
  const day = { 'source-id': 2, name: 'at_day', transform: 'day' }
  const bucket = { 'source-id': 1, name: 'id_bucket', transform: 'bucket[16]' }
  expect(commit(read('v2'), [spec([day, bucket])])).toEqual({ result: 'unchanged' })
  const next = applied(read('v2'), spec([bucket, { 'source-id': 1, name: 'n', transform: 'truncate[9]' }]))
  expect(next['partition-specs'][2]).toMatchObject({
    'spec-id': 2,
    fields: [{ 'field-id': 1001 }, { 'field-id': 1003 }],
  })
  expect(next['last-partition-id']).toBe(1003)
})

test('specs of v1 count from 1000', () => {
  const spec = (id: number): JsonObject => ({
    action: 'add-spec',
    spec: { fields: [{ 'source-id': 1, 'field-id': id, name: 'x', transform: 'identity' }] },
  })
  expect(commit(read('v1'), [spec(1001)])).toMatchObject({ result: 'invalid' })
  const next = applied(read('v1'), spec(1000), { action: 'set-default-spec', 'spec-id': -1 })
  expect(next['partition-spec']).toEqual(next['partition-specs'][2]?.fields)
})

test('sort orders: unsorted is 0, others count from 1', () => {
  const order = (fields: readonly Json[], id: number): JsonObject => ({
    action: 'add-sort-order',
    'sort-order': { 'order-id': id, fields },
  })
  const byId = { 'source-id': 1, transform: 'identity', direction: 'asc', 'null-order': 'nulls-first' }
  const set = { action: 'set-default-sort-order', 'sort-order-id': -1 }
  expect(applied(read('v2'), order([], 0), set)).toMatchObject({ 'default-sort-order-id': 0 })
  expect(applied(read('v2'), order([byId], 9), set)).toMatchObject({ 'default-sort-order-id': 2 })
  expect(commit(read('v2'), [order([{ ...byId, 'source-id': 7 }], 1)])).toMatchObject({ result: 'invalid' })
})

test('what is in use is not removed', () => {
  expect(commit(read('v2'), [{ action: 'remove-schemas', 'schema-ids': [1] }])).toMatchObject({ result: 'invalid' })
  expect(commit(read('v2'), [{ action: 'remove-partition-specs', 'spec-ids': [1] }])).toMatchObject({
    result: 'invalid',
  })
  expect(applied(read('v2'), { action: 'remove-schemas', 'schema-ids': [0, 8] }).schemas).toHaveLength(1)
  expect(applied(read('v2'), { action: 'remove-partition-specs', 'spec-ids': [0] })['partition-specs']).toHaveLength(1)
})

test('an upgrade goes one way and leaves snapshots alone', () => {
  const up = (version: number): JsonObject => ({ action: 'upgrade-format-version', 'format-version': version })
  const next = applied(read('v1'), up(3))
  expect(next).toMatchObject({ 'format-version': 3, 'last-sequence-number': 0, 'next-row-id': 0 })
  expect(next.snapshots).toEqual(read('v1').snapshots)
  expect(writeTableMetadata(next)).not.toContain('"partition-spec":')
  readTableMetadata(writeTableMetadata(next))
  expect(commit(read('v2'), [up(1)])).toMatchObject({
    result: 'invalid',
    message: 'Cannot downgrade v2 table to v1 table',
  })
  expect(commit(read('v2'), [up(4)])).toMatchObject({ result: 'invalid' })
})

test('a table keeps its uuid', () => {
  const uuid = '11111111-2222-4333-8444-555555555555'
  expect(commit(read('v2'), [{ action: 'assign-uuid', uuid }])).toMatchObject({ result: 'invalid' })
})

test('the oldest tables get a uuid with their first commit', () => {
  const { 'table-uuid': _uuid, ...without } = read('v1')
  expect(applied(without, { action: 'set-properties', updates: { a: 'b' } })['table-uuid']).toMatch(/^9999/)
})

test('encryption keys come and go from v3 on', () => {
  const key = { action: 'add-encryption-key', 'encryption-key': { 'key-id': 'k', 'encrypted-key-metadata': 'a2V5' } }
  expect(commit(read('v2'), [key])).toMatchObject({ result: 'invalid' })
  const added = applied(read('v3'), key)
  expect(added['encryption-keys']).toEqual([key['encryption-key']])
  expect(commit(added, [key])).toEqual({ result: 'unchanged' })
  const removed = applied(added, { action: 'remove-encryption-key', 'key-id': 'k' })
  expect(Object.hasOwn(removed, 'encryption-keys')).toBe(false)
})

test('properties may be called anything', () => {
  const next = applied(read('v2'), { action: 'set-properties', updates: { constructor: 'a', toString: 'b' } })
  expect(next.properties).toMatchObject({ constructor: 'a', toString: 'b' })
  expect(applied(next, { action: 'remove-properties', removed: ['constructor'] }).properties).not.toHaveProperty(
    'constructor',
    'a',
  )
})
