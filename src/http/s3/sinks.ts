import { S3_STREAM_PIECE_BYTES } from '#src/limits'
import { S3Error } from './errors.ts'

/** Where the bytes of an object go while its body is read. */
export interface Sink {
  /** @throws S3Error `IncompleteBody` for more bytes than announced */
  write(bytes: Uint8Array): Promise<void>
}

/** Collects a small object whole. */
export class Collector implements Sink {
  readonly #content: Uint8Array
  #written = 0

  /** `length` is the number of bytes that must come, no more and no less. */
  constructor(length: number) {
    this.#content = new Uint8Array(length)
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#written + bytes.length > this.#content.length) throw incomplete(this.#content.length)
    this.#content.set(bytes, this.#written)
    this.#written += bytes.length
  }

  /** The object. @throws S3Error `IncompleteBody` if bytes are missing */
  finish(): Uint8Array {
    if (this.#written !== this.#content.length) throw incomplete(this.#content.length)
    return this.#content
  }
}

/**
 * Writes an object's bytes in large pieces and keeps the last one back until {@link finish}. Storage therefore never
 * has a whole object before the object has been verified, and an upload that turns out wrong stores nothing.
 */
export class HeldWriter implements Sink {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>
  readonly #length: number
  #held: Uint8Array
  #heldBytes = 0
  #written = 0
  #inFlight: Promise<void> = Promise.resolve()

  /** `length` is the number of bytes that must come, no more and no less. */
  constructor(writable: WritableStream<Uint8Array>, length: number) {
    this.#writer = writable.getWriter()
    this.#length = length
    this.#held = new Uint8Array(S3_STREAM_PIECE_BYTES)
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#written += bytes.length
    if (this.#written > this.#length) throw incomplete(this.#length)
    for (let rest = bytes; rest.length > 0;) {
      if (this.#heldBytes === this.#held.length) await this.#flush()
      const part = rest.subarray(0, this.#held.length - this.#heldBytes)
      this.#held.set(part, this.#heldBytes)
      this.#heldBytes += part.length
      rest = rest.subarray(part.length)
    }
  }

  /** Lets the last bytes go: everything about them was right. @throws S3Error `IncompleteBody` if some are missing */
  async finish(): Promise<void> {
    if (this.#written !== this.#length) throw incomplete(this.#length)
    await this.#flush()
    await this.#inFlight
    await this.#writer.close()
  }

  async abort(reason: unknown): Promise<void> {
    await this.#writer.abort(reason)
  }

  /** One write is under way while the next piece is collected. */
  async #flush(): Promise<void> {
    await this.#inFlight
    if (this.#heldBytes === 0) return
    this.#inFlight = this.#writer.write(this.#held.subarray(0, this.#heldBytes))
    this.#inFlight.catch(() => {})
    this.#held = new Uint8Array(this.#held.length)
    this.#heldBytes = 0
  }
}

function incomplete(length: number): S3Error {
  return new S3Error('IncompleteBody', `Expected exactly the announced ${length} bytes of content.`)
}
