// Contract: what is not a sound Avro file is refused with a sentence, in bounded time and memory, never with another error.
// From: Avro 1.12 specification; hostile files made by hand, and real ones damaged at random.
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from 'vitest'
import { CatalogError } from '#domain/errors'
import { readAvro } from '#iceberg/avro'
import { block, collect, header, long, record, streamOf, SYNC, text } from './avro-file.ts'

const START = header(record({ a: 'long' }))
const NUMBERS = header(record({ a: { type: 'array', items: 'long' } }))
const NULLS = header(record({ a: { type: 'array', items: 'null' } }))
const MIXED = header(
  record({
    chain: ['null', 'string', 'r'],
    points: { type: 'map', values: { type: 'array', items: ['null', 'bytes', 'double'] } },
    skipped: { type: 'array', items: { type: 'map', values: 'r' } },
  }),
)
const MAGIC = [0x4f, 0x62, 0x6a, 1]

/** Sixty levels, each holding the one below twice: one value of it is 2^60 values in no bytes. */
const DOUBLING = Array.from({ length: 60 }).reduce<unknown>(
  (below, _, level) => ({
    type: 'record',
    name: `n${level}`,
    fields: [
      { name: 'a', type: below },
      { name: 'b', type: level === 0 ? 'null' : `n${level - 1}` },
    ],
  }),
  'null',
)

const HOSTILE: Readonly<Record<string, readonly [bytes: readonly number[], message: RegExp]>> = {
  'an empty file': [[], /expected 4 more bytes, found the end of the file/],
  'another format': [[...new TextEncoder().encode('PAR1PAR1')], /expected 'Obj' and version 1/],
  'no schema': [[...MAGIC, ...long(0), ...SYNC], /expected 'avro.schema' in the header/],
  'a header of 2^62 pairs': [[...MAGIC, ...long(2n ** 62n)], /end of the file/],
  'a header with a negative length': [[...MAGIC, ...long(1), ...long(-5)], /bytes in the header, found -5/],
  'a header of 1 TB': [[...MAGIC, ...long(1), ...long(2n ** 40n)], /bytes in the header, found 1099511627776/],
  'a schema that is no JSON': [header('{'), /expected JSON/],
  'a schema of a million levels': [header('['.repeat(1_000_000)), /expected (JSON|a schema of at most)/],
  'a schema of 1,000 closed levels': [header(`${'['.repeat(1000)}${']'.repeat(1000)}`), /at most 64 levels/],
  'a schema without records': [header({ type: 'array', items: 'long' }), /expected a schema of records, found array/],
  'an unknown type': [header(record({ a: 'constructor' })), /expected the name of a type, found "constructor"/],
  'a type of a number': [header(record({ a: 5 })), /expected a type in the schema, found 5/],
  'a record without fields': [header({ type: 'record', name: 'r' }), /expected the fields of a record, found nothing/],
  'a field without a name': [header({ type: 'record', name: 'r', fields: [{}] }), /expected a field with a name/],
  'a fixed type of -1': [header(record({ a: { type: 'fixed', name: 'f', size: -1 } })), /expected the size/],
  'an enum without symbols': [header(record({ a: { type: 'enum', name: 'e' } })), /expected the symbols/],
  'an unknown codec': [[...header(record({}), 'constructor'), ...block(0, [])], /expected one of the codecs/],
  'a block of 1 TB': [[...START, ...long(1), ...long(2n ** 40n)], /bytes in a block, found 1099511627776/],
  'a block of -1 bytes': [[...START, ...long(1), ...long(-1)], /bytes in a block, found -1/],
  'a block of -1 records': [[...START, ...block(-1, long(1))], /records in a block, found -1/],
  'a block of 2^60 records': [[...START, ...block(2n ** 60n, long(1))], /records in a block/],
  'a block of 2^50 records': [[...START, ...block(2n ** 50n, long(1))], /expected another byte/],
  'a block with another marker': [[...START, ...long(1), ...long(1), 2, ...SYNC.toReversed()], /sync marker/],
  'a block with bytes to spare': [[...START, ...block(1, [2, 2, 2])], /found 2 more bytes/],
  'a number of 80 bits': [[...START, ...block(1, Array(12).fill(0xff))], /at most 64 bits/],
  'a count of 80 bits': [[...START, ...Array(12).fill(0xff)], /at most 64 bits/],
  'a run of 2^62 items': [[...NUMBERS, ...block(1, long(2n ** 62n))], /expected another byte/],
  'a run of 2^62 items without bytes': [[...NULLS, ...block(1, long(2n ** 62n))], /about as many values as bytes/],
  'a run of -2^63 items': [[...NULLS, ...block(1, [...long(-(2n ** 63n)), ...long(0)])], /about as many values/],
  'a run of negative length': [[...NUMBERS, ...block(1, [...long(-1), ...long(-1)])], /expected a length/],
  '2^50 records without fields': [[...header(record({})), ...block(2n ** 50n, [])], /about as many values as bytes/],
  'a record of 2^60 records': [[...header(record({ a: DOUBLING })), ...block(1, [])], /about as many values as bytes/],
  'a record within itself': [[...header(record({ a: 'r' })), ...block(1, [])], /at most 128 levels/],
  'a chain of 100,000 records': [
    [...header(record({ a: ['null', 'r'] })), ...block(1, [...Array(100_000).fill(2), 0])],
    /at most 128 levels/,
  ],
  'a string longer than the block': [[...header(record({ a: 'string' })), ...block(1, long(5))], /expected a length/],
  'a string of -1 bytes': [[...header(record({ a: 'string' })), ...block(1, long(-1))], /expected a length/],
  'a string that is no UTF-8': [[...header(record({ a: 'string' })), ...block(1, [2, 0xff])], /in UTF-8/],
  'a branch that is not there': [[...header(record({ a: ['null'] })), ...block(1, long(1))], /branch of a union/],
  'a branch of a negative number': [[...header(record({ a: ['null'] })), ...block(1, long(-1))], /branch of a union/],
  'an int of 64 bits': [[...header(record({ a: 'int' })), ...block(1, long(2n ** 40n))], /at most 32 bits/],
  'damaged deflate': [[...header(record({}), 'deflate'), ...block(0, [255, 255, 1])], /expected a deflate block/],
  'damaged zstandard': [[...header(record({}), 'zstandard'), ...block(0, [1, 2, 3])], /expected a zstandard block/],
  'snappy without a checksum': [[...header(record({}), 'snappy'), ...block(0, [0])], /expected a checksum/],
  'snappy with another checksum': [[...header(record({}), 'snappy'), ...block(0, [0, 1, 1, 1, 1])], /its checksum/],
  'snappy of 4 GB': [
    [...header(record({}), 'snappy'), ...block(0, [255, 255, 255, 255, 15, 0, 0, 0, 0])],
    /at most 33554432 bytes, found 4294967295/,
  ],
  'snappy that copies from before': [
    [...header(record({}), 'snappy'), ...block(0, [8, 0, 65, 1, 9, 0, 0, 0, 0])],
    /from within a Snappy block/,
  ],
}

test.each(Object.entries(HOSTILE))('%s', async (_, [bytes, message]) => {
  const read = collect(readAvro(streamOf(bytes), ['a']))
  await expect(read).rejects.toMatchObject({ kind: 'unprocessable', message: expect.stringMatching(message) })
  await expect(read).rejects.toThrow(/^Invalid Avro file: /)
})

test('a deflated block may not grow past its limit', async () => {
  const zeros = new Blob([new Uint8Array(33 * 1024 * 1024)]).stream().pipeThrough(new CompressionStream('deflate-raw'))
  const packed = new Uint8Array(await new Response(zeros).arrayBuffer())
  const bytes = [...header(record({ a: 'long' }), 'deflate'), ...block(1, packed)]
  await expect(collect(readAvro(streamOf(bytes), ['a']))).rejects.toThrow(/at most 33554432 bytes when decoded/)
})

test('a skipped field is checked like a wanted one', async () => {
  const schema = record({ skipped: { type: 'map', values: ['null', 'bytes'] }, a: 'long' })
  const bytes = [...header(schema), ...block(1, [...long(2n ** 62n), ...text('k'), ...long(0)])]
  await expect(collect(readAvro(streamOf(bytes), ['a']))).rejects.toMatchObject({ kind: 'unprocessable' })
})

test('damaged files are read or refused', async () => {
  const seed = Number(process.env['AVRO_SEED'] ?? Date.now() % 1_000_000)
  const rounds = Number(process.env['AVRO_ROUNDS'] ?? 1500)
  const random = mulberry(seed)
  const names = ['types-null', 'v2-many-deflate', 'v2-many-snappy', 'v3-vectors-snappy', 'v2-many-null']
  const files = await Promise.all(
    names.map((name) => readFile(path.join(import.meta.dirname, `fixtures/avro/by-fastavro/${name}.avro`))),
  )
  let refused = 0
  for (let round = 0; round < rounds; round++) {
    const bytes = damaged(files[random(files.length)] ?? new Uint8Array(), random)
    try {
      for await (const row of readAvro(streamOf(bytes, 1 + random(5000)), ['data_file', 'chain', 'points'])) void row
    } catch (cause) {
      if (!(cause instanceof CatalogError) || cause.kind !== 'unprocessable')
        throw new Error(`AVRO_SEED=${seed}, round ${round}`, { cause })
      refused += 1
    }
  }
  console.info(`AVRO_SEED=${seed}: refused ${refused} of ${rounds}`)
  expect(refused).toBeGreaterThan(rounds / 4)
})

/** Cut short, or with some bytes changed, or a header with anything behind it, or no Avro at all. */
function damaged(file: Uint8Array, random: (below: number) => number): Uint8Array {
  const bytes = Uint8Array.from(file)
  const noise = Array.from({ length: random(200) }, () => random(256))
  switch (random(5)) {
    case 0:
      return bytes.subarray(0, random(bytes.length))
    case 1:
      return Uint8Array.from([...MAGIC, ...noise])
    case 2:
      return Uint8Array.from([...MIXED, ...block(random(4), noise)])
    default:
      for (let count = 1 + random(3); count > 0; count--) bytes[random(bytes.length)] = random(256)
      return bytes
  }
}

function mulberry(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}
