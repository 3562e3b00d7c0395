import { malformed } from './avro-bytes.ts'

/**
 * Decodes Snappy's raw format (no framing) into at most `bytesMax` bytes.
 * Source: google/snappy, format_description.txt.
 * @throws CatalogError `unprocessable`
 */
export function decodeSnappy(input: Uint8Array, bytesMax: number): Uint8Array {
  const { value: size, next } = readLength(input)
  if (size > bytesMax) throw malformed(`expected a Snappy block of at most ${bytesMax} bytes, found ${size}`)
  const output = new Uint8Array(size)
  let read = next
  let written = 0
  while (read < input.length) {
    const element = readElement(input, read)
    if (element.length > size - written) throw malformed('expected a Snappy block of its stated length, found more')
    read = element.next
    if (element.offset === 0) {
      if (element.length > input.length - read) throw malformed('expected the literal of a Snappy block, found its end')
      output.set(input.subarray(read, read + element.length), written)
      read += element.length
    } else {
      if (element.offset > written) throw malformed('expected a copy from within a Snappy block, found one before it')
      copyWithin(output, written, element)
    }
    written += element.length
  }
  if (written < size) throw malformed(`expected a Snappy block of ${size} bytes, found ${written}`)
  return output
}

/** `offset` is how far back a copy starts, and 0 for a literal, whose bytes start at `next`. */
interface Element {
  readonly length: number
  readonly offset: number
  readonly next: number
}

function readElement(input: Uint8Array, at: number): Element {
  const tag = littleEndian(input, at, 1)
  const high = tag >>> 2
  switch (tag & 3) {
    case 0: {
      const extra = high < 60 ? 0 : high - 59
      const length = extra === 0 ? high + 1 : littleEndian(input, at + 1, extra) + 1
      return { length, offset: 0, next: at + 1 + extra }
    }
    case 1:
      return copy(4 + (high & 7), ((tag >>> 5) << 8) + littleEndian(input, at + 1, 1), at + 2)
    case 2:
      return copy(1 + high, littleEndian(input, at + 1, 2), at + 3)
    default:
      return copy(1 + high, littleEndian(input, at + 1, 4), at + 5)
  }
}

function copy(length: number, offset: number, next: number): Element {
  if (offset === 0) throw malformed('expected a copy in a Snappy block to reach back, found offset 0')
  return { length, offset, next }
}

/** Byte by byte where source and target overlap: a copy may repeat what it is writing. */
function copyWithin(output: Uint8Array, at: number, { length, offset }: Element): void {
  if (offset >= length) output.copyWithin(at, at - offset, at - offset + length)
  else for (let index = at; index < at + length; index++) output[index] = output[index - offset] ?? 0
}

function littleEndian(input: Uint8Array, at: number, size: number): number {
  if (at + size > input.length) throw malformed('expected an element of a Snappy block, found its end')
  let value = 0
  for (let index = size - 1; index >= 0; index--) value = value * 256 + (input[at + index] ?? 0)
  return value
}

/** The length of the decoded data: a varint of up to 32 bits. */
function readLength(input: Uint8Array): { value: number; next: number } {
  let value = 0
  for (let index = 0; index < 5; index++) {
    const byte = littleEndian(input, index, 1)
    value += (byte & 0x7f) * 2 ** (7 * index)
    if (byte < 0x80) return { value, next: index + 1 }
  }
  throw malformed('expected the length of a Snappy block, found a number of more than 32 bits')
}
