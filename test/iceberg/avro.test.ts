// Contract: Avro object container files are read as their writer's schema says, block by block and only what is wanted.
// From: Avro 1.12 specification; files written by fastavro and by hand.
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from 'vitest'
import { readAvro } from '#iceberg/avro'
import { block, collect, header, long, record, streamOf, text } from './avro-file.ts'

const FIXTURES = path.join(import.meta.dirname, 'fixtures/avro/by-fastavro')

const ALL = 'nothing flag small large single real raw text hash again color either numbers points origin chain'.split(
  ' ',
)

test('every type of Avro is read', async () => {
  const bytes = await readFile(path.join(FIXTURES, 'types-null.avro'))
  const rows = await collect(readAvro(streamOf(bytes), ALL))
  expect(rows.map((row) => row['either'])).toEqual([null, 'text', 5n])
  expect({ ...rows[0] }).toEqual({
    nothing: null,
    flag: true,
    small: -(2 ** 31),
    large: 2n ** 63n - 1n,
    single: 0.5,
    real: -1e300,
    raw: Uint8Array.of(0, 255),
    text: '\ufeffgrüße 🧊',
    hash: new TextEncoder().encode('abcd'),
    again: new TextEncoder().encode('efgh'),
    color: 'green',
    either: null,
    numbers: [0n, -1n, 2n ** 40n, -(2n ** 63n)],
    points: new Map([['__proto__', { x: 1, y: 2n }]]),
    origin: { x: 0, y: 0n },
    chain: { value: 'a', next: { value: 'b', next: null } },
  })
})

test('only wanted fields are there, through nested records too', async () => {
  const bytes = await readFile(path.join(FIXTURES, 'types-null.avro'))
  const [row] = await collect(readAvro(streamOf(bytes), ['origin.y', 'chain.next.value', 'large', 'unknown']))
  expect({ ...row }).toEqual({ origin: { y: 0n }, chain: { next: { value: 'b' } }, large: 2n ** 63n - 1n })
  expect(await collect(readAvro(streamOf(bytes), []))).toEqual([{}, {}, {}])
})

test.each(['null', 'deflate', 'snappy'])('the codec %s gives what the others give', async (codec) => {
  const wanted = ['status', 'data_file']
  const expected = await collect(readAvro(streamOf(await readFile(path.join(FIXTURES, 'v2-many-null.avro'))), wanted))
  const bytes = await readFile(path.join(FIXTURES, `v2-many-${codec}.avro`))
  const found = await collect(readAvro(streamOf(bytes, 1000), wanted))
  expect(found).toHaveLength(400)
  expect(found).toEqual(expected)
})

test('an unknown codec is named, and so are the known ones', async () => {
  const bytes = await readFile(path.join(FIXTURES, 'v2-many-bzip2.avro'))
  await expect(collect(readAvro(streamOf(bytes), ['status']))).rejects.toThrow(
    /^Invalid Avro file: expected one of the codecs null, deflate, snappy, .*found "bzip2"$/,
  )
})

test.each([1, 2, 3, 7, 64])('chunks of %d bytes make no difference', async (chunkBytes) => {
  const bytes = await readFile(path.join(FIXTURES, 'types-null.avro'))
  const whole = await collect(readAvro(streamOf(bytes), ALL))
  expect(await collect(readAvro(streamOf(bytes, chunkBytes), ALL))).toEqual(whole)
})

test('runs of an array with their length in bytes are read, and skipped without looking inside', async () => {
  const schema = record({ skipped: { type: 'array', items: 'long' }, kept: { type: 'map', values: 'string' } })
  const damaged = [...long(-1_000_000), ...long(2), 0xff, 0xff, ...long(0)]
  const kept = [...long(-1), ...long(4), ...text('k'), ...text('v'), ...long(1), ...text('l'), ...text('w'), ...long(0)]
  const bytes = [...header(schema), ...block(1, [...damaged, ...kept])]
  const [row] = await collect(readAvro(streamOf(bytes), ['kept']))
  expect(row?.['kept']).toEqual(
    new Map([
      ['k', 'v'],
      ['l', 'w'],
    ]),
  )
})

test('a file without blocks has no records, and a block may be empty', async () => {
  const start = header(record({ a: 'long' }))
  expect(await collect(readAvro(streamOf(start), ['a']))).toEqual([])
  expect(await collect(readAvro(streamOf([...start, ...block(0, []), ...block(1, long(5))]), ['a']))).toEqual([
    { a: 5n },
  ])
})

test('one block at a time is taken from the stream, which is cancelled when the reader stops', async () => {
  const start = header(record({ a: 'long' }))
  const chunks = [start, block(1, long(1)), block(1, long(2)), block(1, long(3))].map((part) => Uint8Array.from(part))
  let pulled = 0
  let cancelled = false
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const chunk = chunks[pulled++]
        if (chunk) controller.enqueue(chunk)
        else controller.close()
      },
      cancel() {
        cancelled = true
      },
    },
    { highWaterMark: 0 },
  )
  for await (const row of readAvro(stream, ['a'])) {
    expect(row['a']).toBe(1n)
    break
  }
  expect({ pulled, cancelled }).toEqual({ pulled: 2, cancelled: true })
})

test('an error of the stream comes through unchanged', async () => {
  const broken = new Error('connection reset')
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(Uint8Array.from(header(record({ a: 'long' }))))
    },
    pull() {
      throw broken
    },
  })
  await expect(collect(readAvro(stream, ['a']))).rejects.toBe(broken)
})
