import { S3_STREAM_PIECE_BYTES } from '#src/limits'
import { S3Error } from './errors.ts'

const LINE_BYTES_MAX = 4096
const LF = 0x0a

/** A body read in large pieces and handed out as lines and runs of bytes. Nothing is copied. */
export class ByteSource {
  readonly #reader: ReadableStreamBYOBReader | null
  #piece = new Uint8Array(0)

  constructor(stream: ReadableStream<Uint8Array> | null) {
    this.#reader = stream?.getReader({ mode: 'byob' }) ?? null
  }

  /** The next 1 to `bytesMax` bytes; none at the end. */
  async bytes(bytesMax: number): Promise<Uint8Array> {
    if (this.#piece.length === 0) await this.#fill()
    return this.#take(Math.min(bytesMax, this.#piece.length))
  }

  /** The next line of ASCII without its CRLF; the rest if the body ends first. @throws S3Error for one too long */
  async line(): Promise<string> {
    let line = ''
    for (;;) {
      if (this.#piece.length === 0) await this.#fill()
      if (this.#piece.length === 0) return line
      const end = this.#piece.indexOf(LF)
      const part = this.#take(end === -1 ? this.#piece.length : end + 1)
      if (line.length + part.length > LINE_BYTES_MAX)
        throw new S3Error(
          'IncompleteBody',
          `Expected a line of the aws-chunked encoding, of at most ${LINE_BYTES_MAX} bytes.`,
        )
      line += String.fromCharCode(...part)
      if (end !== -1) return line.replace(/\r?\n$/, '')
    }
  }

  /** Lets go of a body that nobody will read to its end; one that failed has let go already. */
  async cancel(): Promise<void> {
    await this.#reader?.cancel().catch(() => {})
  }

  #take(count: number): Uint8Array {
    const taken = this.#piece.subarray(0, count)
    this.#piece = this.#piece.subarray(count)
    return taken
  }

  async #fill(): Promise<void> {
    if (!this.#reader) return
    const { value } = await this.#reader.readAtLeast(S3_STREAM_PIECE_BYTES, new Uint8Array(S3_STREAM_PIECE_BYTES))
    this.#piece = value ?? new Uint8Array(0)
  }
}
