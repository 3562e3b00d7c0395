// Contract: every manifest of a list and every file of a manifest is found, in all format versions and shapes.
// From: Iceberg specification, Manifests and Manifest Lists; files written by PyIceberg 0.12.0 and fastavro.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { filePaths, manifestPaths } from '#iceberg/manifests'
import { block, collect, header, long, record, streamOf, text } from './avro-file.ts'
import inventory from './fixtures/avro/inventory.json' with { type: 'json' }

const FIXTURES = join(import.meta.dirname, 'fixtures/avro')

async function stream(uri: string): Promise<ReadableStream<Uint8Array>> {
  return streamOf(await readFile(join(FIXTURES, uri.replace('s3://', ''))), 4096)
}

describe.each(Object.entries(inventory))('the table %s of PyIceberg', (_, table) => {
  test('its manifest lists name its manifests', async () => {
    for (const [list, expected] of Object.entries(table.lists)) {
      const found = await collect(manifestPaths(await stream(list)))
      expect(found).toEqual(expected.map(([path, content]) => ({ path, content })))
    }
  })

  test('its manifests name its files, whatever their status', async () => {
    for (const [manifest, expected] of Object.entries<string[][]>(table.manifests)) {
      const found = await collect(filePaths(await stream(manifest)))
      expect(found).toEqual(expected.map(([path, status]) => ({ path, status })))
    }
  })
})

test('the tables have what makes them worth reading', () => {
  const statuses = Object.values(inventory.orders.manifests).flatMap((entries) => entries.map(([, status]) => status))
  expect(new Set(statuses)).toEqual(new Set(['added', 'existing', 'deleted']))
  expect(Object.keys(inventory.legacy.lists)).toHaveLength(2)
})

test('delete files are files', async () => {
  expect(await collect(filePaths(await stream('s3://by-fastavro/v2-deletes-null.avro')))).toEqual([
    { path: 's3://lake/events/data/00000-delete.parquet', status: 'added' },
    { path: 's3://lake/events/data/00001-equality.parquet', status: 'added' },
    { path: 's3://lake/events/data/00002-delete.parquet', status: 'deleted' },
  ])
})

test('deletion vectors that share a Puffin file name it once', async () => {
  expect(await collect(filePaths(await stream('s3://by-fastavro/v3-vectors-snappy.avro')))).toEqual([
    { path: 's3://lake/events/data/shared.puffin', status: 'added' },
  ])
})

test('manifests of deletes are told from manifests of data; a list without the field has data', async () => {
  const named = header(record({ manifest_path: 'string', content: 'int' }))
  const rows = [...text('s3://b/a.avro'), ...long(0), ...text('s3://b/b.avro'), ...long(1)]
  expect(await collect(manifestPaths(streamOf([...named, ...block(2, rows)])))).toEqual([
    { path: 's3://b/a.avro', content: 'data' },
    { path: 's3://b/b.avro', content: 'deletes' },
  ])
  const older = header(record({ manifest_path: 'string' }))
  expect(await collect(manifestPaths(streamOf([...older, ...block(1, text('s3://b/a.avro'))])))).toEqual([
    { path: 's3://b/a.avro', content: 'data' },
  ])
})

test.each([
  ['no data_file', record({ status: 'int' }), long(1), /record in the field 'data_file'/],
  ['no file_path', record({ status: 'int', data_file: record({ a: 'int' }) }), [2, 2], /string in the field/],
  ['a status of 9', statusAndPath(), [...long(9), ...text('p')], /expected a status from 0 to 2, found 9/],
])('a manifest with %s is refused', async (_, schema, row, message) => {
  const read = collect(filePaths(streamOf([...header(schema), ...block(1, row)])))
  await expect(read).rejects.toMatchObject({ kind: 'unprocessable', message: expect.stringMatching(message) })
})

function statusAndPath(): unknown {
  return record({ status: 'int', data_file: { ...(record({ file_path: 'string' }) as object), name: 'd' } })
}
