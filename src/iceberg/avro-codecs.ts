import zlib from 'node:zlib'
import { malformed } from './avro-bytes.ts'
import { decodeSnappy } from './snappy.ts'

/** One block after decoding: with the stored block beside it, still a part of an isolate's 128 MB. */
const BLOCK_DECODED_BYTES_MAX = 32 * 1024 * 1024

/** What stores a checksum of the decoded block behind a Snappy block: CRC-32, big-endian. */
const CRC_BYTES = 4

type Decoder = (block: Uint8Array) => Uint8Array

const CODECS: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([
  ['null', (block) => block],
  ['deflate', inflate],
  ['snappy', decodeSnappyBlock],
  ...(typeof zlib.zstdDecompressSync === 'function' ? [['zstandard', decodeZstandard] as const] : []),
])

/** Undoes a container's `avro.codec` on one block. @throws CatalogError `unprocessable` */
export function decodeBlock(codec: string, block: Uint8Array): Uint8Array {
  const decode = CODECS.get(codec)
  if (!decode)
    throw malformed(`expected one of the codecs ${[...CODECS.keys()].join(', ')}, found ${JSON.stringify(codec)}`)
  return decode(block)
}

/**
 * PyIceberg leaves three bytes of a checksum behind the deflated data. `inflateRawSync` stops at the end of the data;
 * a `DecompressionStream` refuses whatever follows it, so it can't read these files.
 */
function inflate(block: Uint8Array): Uint8Array {
  return bounded('deflate', () => zlib.inflateRawSync(block, { maxOutputLength: BLOCK_DECODED_BYTES_MAX }))
}

function decodeZstandard(block: Uint8Array): Uint8Array {
  return bounded('zstandard', () => zlib.zstdDecompressSync(block, { maxOutputLength: BLOCK_DECODED_BYTES_MAX }))
}

function decodeSnappyBlock(block: Uint8Array): Uint8Array {
  if (block.length < CRC_BYTES) throw malformed('expected a checksum behind a Snappy block, found the end of the block')
  const end = block.length - CRC_BYTES
  const decoded = decodeSnappy(block.subarray(0, end), BLOCK_DECODED_BYTES_MAX)
  const expected = new DataView(block.buffer, block.byteOffset + end, CRC_BYTES).getUint32(0)
  if (zlib.crc32(decoded) !== expected) throw malformed('expected a Snappy block to match its checksum')
  return decoded
}

function bounded(codec: string, decode: () => Uint8Array): Uint8Array {
  try {
    return decode()
  } catch (cause) {
    throw malformed(`expected a ${codec} block of at most ${BLOCK_DECODED_BYTES_MAX} bytes when decoded`, cause)
  }
}
