// Contract: a new table has ids of the catalog's choosing in Java's order, no reserved properties, and a version that
// knows its types. From: iceberg-rest §1.4, §2.3 add-schema.
import { expect, test } from 'vitest'
import { newTableMetadata, parseCreateRequest } from '#iceberg/create'
import { parseRequest, writeJson, type Json, type JsonObject } from '#iceberg/json'
import { readTableMetadata, writeTableMetadata, type TableMetadata } from '#iceberg/metadata'

const UUID = '11111111-2222-4333-8444-555555555555'

function field(id: number, name: string, type: Json, more: JsonObject = {}): JsonObject {
  return { id, name, required: false, type, ...more }
}

function struct(fields: readonly Json[], more: JsonObject = {}): JsonObject {
  return { type: 'struct', fields, ...more }
}

const SCHEMA = struct([field(1, 'a', 'long', { required: true }), field(2, 'b', 'string')])

function create(body: JsonObject): TableMetadata {
  const request = parseCreateRequest(parseRequest(writeJson({ name: 't', schema: SCHEMA, ...body }), 200))
  return newTableMetadata({ ...request, location: 's3://lake/t', uuid: UUID, nowMs: 5 })
}

test('columns are numbered level by level', () => {
  const metadata = create({
    schema: struct(
      [
        field(10, 'list', {
          type: 'list',
          'element-id': 70,
          'element-required': true,
          element: struct([field(71, 'x', 'int')]),
        }),
        field(20, 'map', {
          type: 'map',
          'key-id': 80,
          key: 'string',
          'value-id': 81,
          'value-required': false,
          value: struct([field(82, 'y', 'int')]),
        }),
        field(30, 'key', 'int', { required: true, doc: 'kept', vendor: 1 }),
      ],
      { 'schema-id': 9, 'identifier-field-ids': [30] },
    ),
  })
  expect(metadata.schemas).toEqual([
    struct(
      [
        field(1, 'list', {
          type: 'list',
          'element-id': 4,
          'element-required': true,
          element: struct([field(5, 'x', 'int')]),
        }),
        field(2, 'map', {
          type: 'map',
          'key-id': 6,
          key: 'string',
          'value-id': 7,
          'value-required': false,
          value: struct([field(8, 'y', 'int')]),
        }),
        field(3, 'key', 'int', { required: true, doc: 'kept', vendor: 1 }),
      ],
      { 'schema-id': 0, 'identifier-field-ids': [3] },
    ),
  ])
  expect(metadata['last-column-id']).toBe(8)
})

test('specs and orders follow their columns', () => {
  const metadata = create({
    schema: struct([field(7, 'a', 'long'), field(5, 'b', 'date')]),
    'partition-spec': {
      'spec-id': 4,
      fields: [
        { 'source-id': 5, 'field-id': 2000, name: 'b_day', transform: 'day' },
        { 'source-id': 7, 'field-id': 2001, name: 'a_bucket', transform: 'bucket[8]' },
      ],
    },
    'write-order': {
      'order-id': 3,
      fields: [{ 'source-id': 7, transform: 'identity', direction: 'asc', 'null-order': 'nulls-first' }],
    },
  })
  expect(metadata['partition-specs']).toEqual([
    {
      'spec-id': 0,
      fields: [
        { 'source-id': 2, 'field-id': 1000, name: 'b_day', transform: 'day' },
        { 'source-id': 1, 'field-id': 1001, name: 'a_bucket', transform: 'bucket[8]' },
      ],
    },
  ])
  expect(metadata['last-partition-id']).toBe(1001)
  expect(metadata['sort-orders']).toMatchObject([{ 'order-id': 1, fields: [{ 'source-id': 1 }] }])
  expect(metadata['default-sort-order-id']).toBe(1)
})

test('a new table of each version can be read back', () => {
  for (const version of ['1', '2', '3']) {
    const metadata = create({
      properties: { 'format-version': version, uuid: 'x', 'current-schema': 'x', owner: 'me' },
    })
    expect(metadata['format-version']).toBe(Number(version))
    expect(metadata.properties).toEqual({ owner: 'me' })
    const text = writeTableMetadata(metadata)
    expect(writeTableMetadata(readTableMetadata(text))).toBe(text)
    expect(text.includes('"current-snapshot-id":null')).toBe(version === '3')
    expect(text.includes('"partition-spec":[]')).toBe(version === '1')
    expect(text.includes('last-sequence-number')).toBe(version !== '1')
  }
  expect(create({})['format-version']).toBe(2)
})

test('types and defaults of v3 are refused before it', () => {
  const schema = struct([field(1, 'data', 'variant'), field(2, 'n', 'int', { 'initial-default': 1 })])
  expect(() => create({ schema })).toThrow(
    'Invalid schema for v2:\n- Invalid type for data: variant is not supported until v3\n- Invalid initial default for n',
  )
  expect(create({ schema, properties: { 'format-version': '3' } }).schemas).toHaveLength(1)
})

test.each<[string, JsonObject, string]>([
  ['no schema', { schema: null }, "'schema' is missing"],
  ['a name that is no text', { name: 1 }, "'name'"],
  ['properties that are no text', { properties: { a: 1 } }, 'properties.a'],
  ['a version from the future', { properties: { 'format-version': '4' } }, "'format-version'"],
  ['an empty location', { location: '' }, "'location'"],
  ['an unknown type', { schema: struct([field(1, 'a', 'integer')]) }, 'integer'],
  ['an unknown nested type', { schema: struct([field(1, 'a', { type: 'set' })]) }, 'struct, list or map'],
  ['a field without an id', { schema: struct([{ name: 'a', required: true, type: 'int' }]) }, "'id' is missing"],
  ['two fields of one id', { schema: struct([field(1, 'a', 'int'), field(1, 'b', 'int')]) }, 'both have id 1'],
  [
    'two fields of one name',
    { schema: struct([field(1, 'a', 'int'), field(2, 'a', 'int')]) },
    'multiple fields for name a',
  ],
  [
    'a dotted name that is taken',
    { schema: struct([field(1, 'a.b', 'int'), field(2, 'a', struct([field(3, 'b', 'int')]))]) },
    'multiple fields for name a.b',
  ],
  ['an optional identifier', { schema: { ...SCHEMA, 'identifier-field-ids': [2] } }, 'not required'],
  ['an identifier that is not there', { schema: { ...SCHEMA, 'identifier-field-ids': [5] } }, 'identifier field 5'],
  ['too large a decimal', { schema: struct([field(1, 'a', 'decimal(39,2)')]) }, 'decimal'],
  [
    'an integer as a default of a double',
    { schema: struct([field(1, 'a', 'double', { 'write-default': 1 })]) },
    'such as 1.0 for type double, found 1',
  ],
  [
    'a day that is not in the calendar',
    { schema: struct([field(1, 'a', 'date', { 'write-default': '2023-02-29' })]) },
    'a date',
  ],
  [
    'a partition of a missing column',
    { 'partition-spec': { fields: [{ 'source-id': 9, name: 'p', transform: 'identity' }] } },
    'Cannot find source column',
  ],
  [
    'a transform for another type',
    { 'partition-spec': { fields: [{ 'source-id': 1, name: 'p', transform: 'day' }] } },
    'Invalid source type long',
  ],
  [
    'an unknown transform',
    { 'partition-spec': { fields: [{ 'source-id': 1, name: 'p', transform: 'zorder' }] } },
    'not a transform',
  ],
  [
    'a partition named like another column',
    { 'partition-spec': { fields: [{ 'source-id': 1, name: 'b', transform: 'bucket[4]' }] } },
    'another column',
  ],
  [
    'a partition without a name',
    { 'partition-spec': { fields: [{ 'source-id': 1, name: '', transform: 'identity' }] } },
    'needs a name',
  ],
  [
    'a sort direction that is none',
    {
      'write-order': {
        'order-id': 1,
        fields: [{ 'source-id': 1, transform: 'identity', direction: 'up', 'null-order': 'nulls-first' }],
      },
    },
    'asc or desc',
  ],
  [
    'order 0 with fields',
    {
      'write-order': {
        'order-id': 0,
        fields: [{ 'source-id': 1, transform: 'identity', direction: 'asc', 'null-order': 'nulls-first' }],
      },
    },
    'reserved',
  ],
])('a create with %s is refused', (_what, body, message) => {
  expect(() => create(body)).toThrow(message)
})

test('types nested 51 levels deep are refused', () => {
  const nested = (levels: number): Json => (levels === 0 ? 'int' : struct([field(levels, 'f', nested(levels - 1))]))
  expect(create({ schema: nested(50) })['last-column-id']).toBe(50)
  expect(() => create({ schema: nested(52) })).toThrow('nest at most 50')
})
