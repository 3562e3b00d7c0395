// Contract: a view's file is read, checked and written back byte for byte; a file that contradicts itself is refused.
// From: Iceberg view specification, version 1; iceberg-rest §2.5 and §3; a file of PyIceberg 0.12.0 (fixtures/generate.py).
import { describe, expect, it, test } from 'vitest'
import { parseJson, writeJson, type Json, type JsonObject } from '#iceberg/json'
import { currentVersion, readViewMetadata, writeViewMetadata } from '#iceberg/view-metadata'
import { dialectsOf } from '#iceberg/view-version'
import { newView, NOW_MS, viewFixture, viewSchema, viewVersion, VIEW_UUID } from './view-live.ts'
import { parseCreateViewRequest } from '#iceberg/view-create'

const version = JSON.parse(writeJson(viewVersion('select 1', ['spark'], { 'schema-id': 0 }))) as JsonObject

function spoiled(change: JsonObject): string {
  return writeJson({ ...(parseJson(viewFixture()) as JsonObject), ...change })
}

test('what PyIceberg wrote is written back as it was read', () => {
  const text = viewFixture()
  const metadata = readViewMetadata(text)
  expect(writeViewMetadata(metadata)).toBe(text)
  expect(dialectsOf(currentVersion(metadata))).toEqual(['spark', 'trino'])
})

test('what nobody specified is kept: unknown fields, other representations, exact numbers', () => {
  const other = { ...version, 'version-id': 2, representations: [{ type: 'plan', bytes: 'AAA=' }] }
  const text = spoiled({ versions: [other], vendor: { deep: [1] } })
  const exact = text.replace('"deep":[1]', '"deep":[1.0,9223372036854775807]')
  expect(writeViewMetadata(readViewMetadata(exact))).toBe(exact)
})

describe('a file is refused with', () => {
  it.each<[string, JsonObject, RegExp]>([
    ['no uuid', { 'view-uuid': null }, /'view-uuid' is missing/],
    ['a uuid that is none', { 'view-uuid': 'x' }, /a UUID/],
    ['a format version of the future', { 'format-version': 2 }, /expected 'format-version' 1, found 2/],
    ['no location', { location: '' }, /location/],
    ['a property that is no string', { properties: { a: 1 } }, /properties\.a/],
    ['no versions', { versions: [] }, /'current-version-id' is 2/],
    ['a current version that is not there', { 'current-version-id': 9 }, /'current-version-id' is 9/],
    [
      'two versions of one id',
      {
        versions: [
          { ...version, 'version-id': 2 },
          { ...version, 'version-id': 2 },
        ],
      },
      /two/,
    ],
    [
      'a current version without its schema',
      { versions: [{ ...version, 'version-id': 2, 'schema-id': 8 }] },
      /schema 8/,
    ],
    ['two schemas of one id', { schemas: [viewSchema('a'), viewSchema('b')] }, /two of 'schemas'/],
    ['a column id twice', { schemas: [{ ...viewSchema('a', 'a'), 'schema-id': 1 }] }, /multiple fields for name a/],
    ['a log that is none', { 'version-log': {} }, /'version-log' to be a list/],
    ['a log entry without a time', { 'version-log': [{ 'version-id': 1 }] }, /'timestamp-ms' is missing/],
    [
      'a query without a dialect',
      { versions: [{ ...version, representations: [{ type: 'sql', sql: 'x' }] }] },
      /dialect/,
    ],
  ])('%s', (_, change, message) => {
    expect(() => readViewMetadata(spoiled(change))).toThrow(message)
  })

  it('no JSON, or JSON of something else', () => {
    for (const text of ['', '{', '[]', '"x"', '{"format-version":2}'])
      expect(() => readViewMetadata(text)).toThrow(expect.objectContaining({ kind: 'bad-request' }))
  })
})

describe('a new view', () => {
  it('has schema 0, version 1 and one log entry of the server, and the columns, summary and queries of the client', () => {
    const view = newView({ owner: 'ann' })
    expect(view).toEqual({
      'view-uuid': VIEW_UUID,
      'format-version': 1,
      location: 's3://lake/wh/v',
      properties: { owner: 'ann' },
      schemas: [{ ...viewSchema('id'), 'schema-id': 0 }],
      'current-version-id': 1,
      versions: [viewVersion('select 1', ['spark'], { 'schema-id': 0, 'timestamp-ms': NOW_MS - 1000 })],
      'version-log': [{ 'timestamp-ms': NOW_MS - 1000, 'version-id': 1 }],
    })
    expect(readViewMetadata(writeViewMetadata(view))).toEqual(view)
  })

  it('leaves out what is empty or null, as Java does', () => {
    const body = {
      name: 'v',
      location: null,
      schema: viewSchema('id'),
      'view-version': viewVersion('select 1', ['spark'], { 'default-catalog': null }),
    }
    expect(newView()).not.toHaveProperty('properties')
    expect(parseCreateViewRequest(body).version).not.toHaveProperty('default-catalog')
  })

  it.each<[string, Json, RegExp]>([
    ['no query', viewVersion('x', []), /expected at least one query/],
    [
      'two queries of one dialect',
      viewVersion('x', ['trino', 'TRINO']),
      /Cannot add multiple queries for dialect trino/,
    ],
    ['a representation of another type', { ...version, representations: [{ type: 'plan' }] }, /\[plan\]/],
    ['no default namespace', { ...version, 'default-namespace': null }, /'default-namespace' is missing/],
    ['an empty query', viewVersion('', ['spark']), /'sql'/],
  ])('is refused with %s', (_, given, message) => {
    const body = { name: 'v', schema: viewSchema('id'), 'view-version': given }
    expect(() => parseCreateViewRequest(body)).toThrow(message)
  })
})
