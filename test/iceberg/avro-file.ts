/** Writes Avro object container files byte by byte, so that tests can make files that no library would write. */

const encoder = new TextEncoder()

/** A zigzag varint. */
export function long(value: bigint | number): number[] {
  const bytes: number[] = []
  let left = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n))
  for (; left >= 0x80n; left >>= 7n) bytes.push(Number(left & 0x7fn) | 0x80)
  return [...bytes, Number(left)]
}

/** A length and the bytes, as strings and bytes are written. */
export function text(value: string): number[] {
  const bytes = encoder.encode(value)
  return [...long(bytes.length), ...bytes]
}

export const SYNC = Array.from({ length: 16 }, (_, index) => index)

export function header(schema: unknown, codec = 'null'): number[] {
  const json = typeof schema === 'string' ? schema : JSON.stringify(schema)
  const pairs = [...text('avro.codec'), ...text(codec), ...text('avro.schema'), ...text(json)]
  return [...encoder.encode('Obj\u0001'), ...long(2), ...pairs, ...long(0), ...SYNC]
}

export function block(count: bigint | number, bytes: ArrayLike<number>): number[] {
  return [...long(count), ...long(bytes.length), ...Array.from(bytes), ...SYNC]
}

/** A schema of one record with these fields. */
export function record(fields: Readonly<Record<string, unknown>>): unknown {
  return { type: 'record', name: 'r', fields: Object.entries(fields).map(([name, type]) => ({ name, type })) }
}

/** The bytes as a stream of chunks of at most `chunkBytes`. */
export function streamOf(bytes: ArrayLike<number>, chunkBytes = Infinity): ReadableStream<Uint8Array> {
  const whole = Uint8Array.from(bytes)
  let at = 0
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at >= whole.length) return controller.close()
      controller.enqueue(whole.slice(at, Math.min(at + chunkBytes, whole.length)))
      at += chunkBytes
    },
  })
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
