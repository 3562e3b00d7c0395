import { ByteSource, Cursor, malformed } from './avro-bytes.ts'
import { decodeBlock } from './avro-codecs.ts'
import { parseAvroSchema, type AvroType } from './avro-schema.ts'
import { projection, readValue, type AvroRecord } from './avro-values.ts'

/**
 * The key-value pairs before the first block. Iceberg writes the table's schema as JSON into them: a table of 10,000
 * columns needs about 1 MB.
 */
const HEADER_BYTES_MAX = 8 * 1024 * 1024

/**
 * One block as stored. Most writers cut blocks at 16 to 64 KB, but PyIceberg writes a whole manifest list as one block:
 * this holds tens of thousands of manifests, and stays a small part of an isolate (128 MB) together with what it decodes to.
 */
const BLOCK_BYTES_MAX = 16 * 1024 * 1024

const MAGIC = [0x4f, 0x62, 0x6a, 0x01]
const SYNC_BYTES = 16

/**
 * Reads an Avro object container file block by block; never more than one block is in memory. `wanted` lists the fields
 * to materialise, as dotted paths through records (`data_file.file_path`); all others are skipped. Fields that the
 * writer's schema lacks are absent from the records. Values are the writer's: longs are bigint, logical types are ignored.
 * Source: Avro 1.12 specification, Object Container Files.
 * @throws CatalogError `unprocessable` when the bytes are not such a file or exceed a limit; errors of the stream itself
 *   pass through unchanged
 */
export async function* readAvro(
  stream: ReadableStream<Uint8Array>,
  wanted: readonly string[],
): AsyncGenerator<AvroRecord> {
  const source = new ByteSource(stream)
  try {
    const { type, codec, sync } = await readHeader(source)
    const fields = projection(wanted)
    while (!(await source.ended())) {
      const count = await readCount(source, 'records in a block', Number.MAX_SAFE_INTEGER)
      const size = await readCount(source, 'bytes in a block', BLOCK_BYTES_MAX)
      const cursor = new Cursor(decodeBlock(codec, await source.take(size)))
      if (!equal(await source.take(SYNC_BYTES), sync))
        throw malformed('expected the sync marker of the header after a block, found other bytes')
      for (let record = 0; record < count; record++) {
        cursor.startRecord()
        yield readValue(type, fields, cursor) as AvroRecord
      }
      if (cursor.left > 0)
        throw malformed(`expected a block to end with its last record, found ${cursor.left} more bytes`)
    }
  } finally {
    await source.cancel()
  }
}

interface Header {
  readonly type: AvroType
  readonly codec: string
  readonly sync: Uint8Array
}

async function readHeader(source: ByteSource): Promise<Header> {
  if (!equal(await source.take(MAGIC.length), MAGIC)) throw malformed("expected 'Obj' and version 1 at the start")
  const pairs = await readPairs(source)
  const schema = pairs.get('avro.schema')
  if (schema === undefined) throw malformed("expected 'avro.schema' in the header, found none")
  const type = parseAvroSchema(schema)
  if (type.kind !== 'record') throw malformed(`expected a schema of records, found ${type.kind}`)
  return { type, codec: pairs.get('avro.codec') ?? 'null', sync: await source.take(SYNC_BYTES) }
}

/** The header's map of string to bytes, of which only the schema and the codec are kept. */
async function readPairs(source: ByteSource): Promise<ReadonlyMap<string, string>> {
  const pairs = new Map<string, string>()
  const start = source.taken
  const room = (): number => HEADER_BYTES_MAX - (source.taken - start)
  for (;;) {
    const count = await readLong(source)
    if (count === 0n) return pairs
    if (count < 0n) await readLong(source)
    for (let left = count < 0n ? -count : count; left > 0n; left--) {
      const key = await readBytes(source, room())
      const value = await readBytes(source, room())
      if (room() < 0) throw malformed(`expected a header of at most ${HEADER_BYTES_MAX} bytes`)
      if (key === 'avro.schema' || key === 'avro.codec') pairs.set(key, value)
    }
  }
}

async function readBytes(source: ByteSource, bytesMax: number): Promise<string> {
  const size = await readCount(source, 'bytes in the header', bytesMax)
  return new TextDecoder().decode(await source.take(size))
}

async function readCount(source: ByteSource, what: string, max: number): Promise<number> {
  const count = await readLong(source)
  if (count < 0n || count > BigInt(Math.max(max, 0)))
    throw malformed(`expected 0 to ${Math.max(max, 0)} ${what}, found ${count}`)
  return Number(count)
}

async function readLong(source: ByteSource): Promise<bigint> {
  return new Cursor(await source.takeVarint()).readLong()
}

function equal(found: Uint8Array, expected: ArrayLike<number>): boolean {
  return found.length === expected.length && found.every((byte, index) => byte === expected[index])
}
