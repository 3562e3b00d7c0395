// Contract: workerd decodes every codec that Node does, also the deflate of PyIceberg, which leaves bytes behind the data.
// From: Avro 1.12 specification, Required and Optional Codecs; pyiceberg/avro/codecs/deflate.py.
import zlib from 'node:zlib'
import { expect, test } from 'vitest'
import { readAvro } from '#iceberg/avro'
import { block, collect, header, record, streamOf, text } from './avro-file.ts'

const ROWS = Array.from({ length: 5000 }, (_, index) => `s3://lake/t/data/${index % 100}.parquet`)
const PLAIN = Uint8Array.from(ROWS.flatMap((row) => text(row)))

const CODECS = {
  null: PLAIN,
  deflate: zlib.deflateRawSync(PLAIN),
  'deflate with bytes behind it': zlib.deflateSync(PLAIN).subarray(2, -1),
  zstandard: zlib.zstdCompressSync(PLAIN),
}

test.each(Object.entries(CODECS))('%s', async (name, packed) => {
  const codec = name.split(' ', 1)[0] ?? name
  const bytes = [...header(record({ path: 'string' }), codec), ...block(ROWS.length, packed)]
  const found = await collect(readAvro(streamOf(bytes, 1000), ['path']))
  expect(found.map((row) => row['path'])).toEqual(ROWS)
})

test('a bomb is refused', async () => {
  const packed = zlib.deflateRawSync(new Uint8Array(33 * 1024 * 1024))
  const bytes = [...header(record({ path: 'string' }), 'deflate'), ...block(1, packed)]
  await expect(collect(readAvro(streamOf(bytes), ['path']))).rejects.toMatchObject({ kind: 'unprocessable' })
})

test('damaged blocks are refused', async () => {
  for (const codec of ['deflate', 'zstandard', 'snappy']) {
    const bytes = [...header(record({ path: 'string' }), codec), ...block(1, [255, 255, 255, 7, 7, 7, 7, 7])]
    const read = collect(readAvro(streamOf(bytes), ['path']))
    await expect(read).rejects.toMatchObject({ kind: 'unprocessable' })
  }
})
