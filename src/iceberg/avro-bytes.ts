import { CatalogError } from '#domain/errors'

/** An Avro file that can't be read: `Invalid Avro file: expected …, found …`. Kind `unprocessable`. */
export function malformed(reason: string, cause?: unknown): CatalogError {
  return new CatalogError('unprocessable', `Invalid Avro file: ${reason}`, cause)
}

/** A long of 64 bits takes at most ten bytes of seven bits. */
const VARINT_BYTES_MAX = 10

/**
 * Values per byte of a block, and for a block of next to no bytes. Most values take a byte or more; one byte can begin
 * several nested ones, and a null in a union is two values in one byte. Schemas that nest empty records
 * could otherwise ask for 2^64 values in no bytes at all.
 */
const VALUES_PER_BYTE_MAX = 8
const VALUES_MIN = 1024

/** Values that one record may hold in memory at a time: the column statistics of 10,000 columns have 150,000. */
const VALUES_KEPT_MAX = 500_000

/** Takes exact numbers of bytes from a stream, holding no more than asked for plus the stream's last chunk. */
export class ByteSource {
  /** Bytes taken so far. */
  taken = 0
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  #chunk: Uint8Array = new Uint8Array()
  #at = 0

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader()
  }

  /** Whether the stream ends here. */
  async ended(): Promise<boolean> {
    while (this.#at === this.#chunk.length) {
      const next = await this.#reader.read()
      if (next.done) return true
      this.#chunk = next.value
      this.#at = 0
    }
    return false
  }

  /** The next `size` bytes; valid until the next call. @throws CatalogError `unprocessable` if the stream ends before */
  async take(size: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = []
    let missing = size
    while (missing > 0) {
      if (await this.ended()) throw malformed(`expected ${missing} more bytes, found the end of the file`)
      const part = this.#chunk.subarray(this.#at, this.#at + missing)
      this.#at += part.length
      missing -= part.length
      parts.push(part)
    }
    this.taken += size
    return parts.length === 1 && parts[0] ? parts[0] : joined(parts, size)
  }

  /** The bytes of one variable-length number, up to and including its last. */
  async takeVarint(): Promise<Uint8Array> {
    const bytes: number[] = []
    for (;;) {
      const [byte = 0] = await this.take(1)
      bytes.push(byte)
      if (byte < 0x80 || bytes.length > VARINT_BYTES_MAX) return Uint8Array.from(bytes)
    }
  }

  /** Tells the stream that nothing more is wanted. */
  async cancel(): Promise<void> {
    await this.#reader.cancel().catch(() => undefined)
  }
}

function joined(parts: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** Reads Avro's primitive encodings from one decoded block, and refuses to leave it. */
export class Cursor {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0
  #values: number
  #kept = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#values = bytes.length * VALUES_PER_BYTE_MAX + VALUES_MIN
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  /** To be called before each record: what the one before it held is the caller's now. */
  startRecord(): void {
    this.#kept = 0
  }

  /** To be called for each value, read or skipped. It keeps values without bytes from running for ever. */
  spend(): void {
    this.#values -= 1
    if (this.#values < 0) throw malformed('expected a block to hold about as many values as bytes, found many more')
  }

  /** To be called for each value that stays in memory. */
  keep(): void {
    this.spend()
    this.#kept += 1
    if (this.#kept > VALUES_KEPT_MAX)
      throw malformed(`expected at most ${VALUES_KEPT_MAX} values in a record, found more`)
  }

  readByte(): number {
    const byte = this.#bytes[this.#at]
    if (byte === undefined) throw malformed('expected another byte, found the end of a block')
    this.#at += 1
    return byte
  }

  /** The next bytes, as a view into the block. */
  readBytes(size: number): Uint8Array {
    const start = this.#at
    this.skip(size)
    return this.#bytes.subarray(start, this.#at)
  }

  skip(size: number): void {
    if (size > this.left) throw malformed(`expected ${size} more bytes, found the end of a block after ${this.left}`)
    this.#at += size
  }

  /** A zigzag varint of up to 64 bits. */
  readLong(): bigint {
    const start = this.#at
    const small = this.#smallVarint()
    if (small !== undefined) return BigInt((small >>> 1) ^ -(small & 1))
    this.#at = start
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.readByte()
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) {
        if (value >= 1n << 64n) break
        return (value >> 1n) ^ -(value & 1n)
      }
    }
    throw malformed('expected a number of at most 64 bits, found a longer one')
  }

  /** A zigzag varint of up to 32 bits. */
  readInt(): number {
    const value = this.readLong()
    if (value !== BigInt.asIntN(32, value)) throw malformed(`expected a number of at most 32 bits, found ${value}`)
    return Number(value)
  }

  /** A length in bytes: not negative, and no more than what is left of the block. */
  readSize(): number {
    const size = this.readLong()
    if (size < 0n || size > BigInt(this.left))
      throw malformed(`expected a length of 0 to ${this.left} bytes, found ${size}`)
    return Number(size)
  }

  readFloat(): number {
    const start = this.#at
    this.skip(4)
    return this.#view.getFloat32(start, true)
  }

  readDouble(): number {
    const start = this.#at
    this.skip(8)
    return this.#view.getFloat64(start, true)
  }

  /** A varint of up to 28 bits, which most are; undefined for longer ones. */
  #smallVarint(): number | undefined {
    let value = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.readByte()
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    return undefined
  }
}
