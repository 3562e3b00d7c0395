// Contract: an object named by an engine's own files is found by its literal key, and only inside the warehouse.
// From: security-cases.md 6, 11 and 39; partition paths as PyIceberg 0.12.0 writes them.
import { expect, test } from 'vitest'
import { isWithin, isWithinFolder, locateObject, validateFile, validateFolder } from '#domain/location'
import type { R2Storage } from '#domain/records'

const STORAGE: R2Storage = { kind: 'r2', bucket: 'lake', prefix: 'sales/' }

test.each([
  ['s3://lake/sales/t/data/1.parquet', 'sales/t/data/1.parquet'],
  ['s3a://lake/sales/t/data/1.parquet', 'sales/t/data/1.parquet'],
  ['s3://lake/sales/t/region=a%2Fb+c%25d../1.parquet', 'sales/t/region=a%2Fb+c%25d../1.parquet'],
  ['s3://lake/sales/t/region=%C3%A9%3F%23%5C/1.parquet', 'sales/t/region=%C3%A9%3F%23%5C/1.parquet'],
  ['s3://lake/sales/%2e%2e/1.parquet', 'sales/%2e%2e/1.parquet'],
])('%s', (uri, key) => {
  expect(locateObject(uri, STORAGE)).toEqual({ uri: `s3://lake/${key}`, bucket: 'lake', key })
})

test.each([
  's3://lake/sales/../other/1.parquet',
  's3://lake/sales/./1.parquet',
  's3://lake/sales//1.parquet',
  's3://lake/sales/folder/',
  's3://lake/sales/',
  's3://lake/sales2/1.parquet',
  's3://lake2/sales/1.parquet',
  'gs://lake/sales/1.parquet',
  's3://lake/sales/a\\b',
  's3://lake/sales/a\u0000b',
  's3://lake/sales/a\ud800b',
  `s3://lake/sales/${'x'.repeat(1025)}`,
  'sales/1.parquet',
  '',
  null,
])('%s is no object of the warehouse', (uri) => {
  expect(locateObject(uri, STORAGE)).toBeNull()
})

test('what a client names must do without escapes', () => {
  expect(() => validateFile('s3://lake/sales/t/region=a%2Fb/1.parquet', STORAGE, 'location')).toThrow(
    /encoded separators, dots and percent signs are not allowed/,
  )
})

test.each(['s3://lake/sales/\u212aonto/9', 's3://lake/sales/cafe\u0301/9'])(
  '%s is a second name of a folder',
  (uri) => {
    expect(() => validateFolder(uri, STORAGE, 'location')).toThrow('normalization form NFC')
    expect(() => validateFile(uri, STORAGE, 'location')).toThrow('normalization form NFC')
    expect(validateFolder(uri.normalize('NFC'), STORAGE, 'location').uri).toBe(`${uri.normalize('NFC')}/`)
  },
)

test('an object lies where R2 puts it, whatever an older row says', () => {
  const [konto, kelvin] = ['s3://lake/sales/Konto/', 's3://lake/sales/\u212aonto/']
  const folder = validateFolder(konto, STORAGE, 'location')
  const objects = [`${konto}city=e\u0301/x`, `${kelvin}x`].flatMap((uri) => locateObject(uri, STORAGE) ?? [])
  expect(objects.map((object) => isWithin(object, folder))).toEqual([true, false])
  expect(objects.map((object) => isWithinFolder(object, konto))).toEqual([true, false])
  expect(objects.map((object) => isWithinFolder(object, kelvin))).toEqual([false, false])
})
