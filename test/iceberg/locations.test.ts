// Contract: metadata files are named as Java names them, and every location in metadata is found for checking.
// From: iceberg-rest §3 (naming), §2.3 (location rules); security cases 1, 4, 16.
import { expect, test } from 'vitest'
import { isGzipName, metadataFileName, metadataFolder } from '#iceberg/files'
import { tableFolders, uriFields } from '#iceberg/locations'
import { applied, read } from './commits.ts'

test.each([
  [null, false, '00000-u.metadata.json'],
  ['s3://lake/t/metadata/00000-x.metadata.json', false, '00001-u.metadata.json'],
  ['s3://lake/t/metadata/00009-x.gz.metadata.json', true, '00010-u.gz.metadata.json'],
  ['s3://lake/t/metadata/99999-x.metadata.json', false, '100000-u.metadata.json'],
  ['s3://lake/t-1/v3.metadata.json', false, '00000-u.metadata.json'],
  ['s3://lake/12-t/metadata/x-1.metadata.json', false, '00000-u.metadata.json'],
])('after %s (gzip: %s) comes %s', (previous, gzip, name) => {
  expect(metadataFileName(previous, 'u', gzip)).toBe(name)
})

test('gzip is told by the name', () => {
  expect(isGzipName('a/00000-u.gz.metadata.json')).toBe(true)
  expect(isGzipName('a/00000-u.metadata.json.gz')).toBe(true)
  expect(isGzipName('a/00000-u.metadata.json')).toBe(false)
})

test('metadata goes below the location, or where the property says', () => {
  expect(metadataFolder({ location: 's3://lake/t/', properties: {} })).toBe('s3://lake/t/metadata')
  expect(metadataFolder({ location: 's3://lake/t', properties: { 'write.metadata.path': 's3://lake/m/' } })).toBe(
    's3://lake/m',
  )
})

test('every location is listed, property names in any case', () => {
  const metadata = applied(read('v3'), {
    action: 'set-properties',
    updates: {
      'Write.Data.Path': 's3://lake/d',
      'write.metadata.path': 's3://lake/m',
      'write.object-storage.path': 's3://lake/o',
      'write.folder-storage.path': 's3://lake/f',
      other: 's3://x',
    },
  })
  const fields = uriFields(metadata)
  expect(fields.filter(({ shape }) => shape === 'folder')).toEqual([
    { field: 'location', uri: 's3://lake/wh/ns/v2', shape: 'folder' },
    { field: 'Write.Data.Path', uri: 's3://lake/d', shape: 'folder' },
    { field: 'write.metadata.path', uri: 's3://lake/m', shape: 'folder' },
    { field: 'write.object-storage.path', uri: 's3://lake/o', shape: 'folder' },
    { field: 'write.folder-storage.path', uri: 's3://lake/f', shape: 'folder' },
  ])
  const files = Object.groupBy(fields, ({ field }) => field)
  expect(files['manifest-list']).toHaveLength(metadata.snapshots.length)
  expect(files['statistics-path']).toHaveLength(2)
  expect(files['metadata-file']).toHaveLength(5)
  expect(tableFolders(metadata)).toEqual([
    's3://lake/wh/ns/v2',
    's3://lake/d',
    's3://lake/m',
    's3://lake/o',
    's3://lake/f',
  ])
})
