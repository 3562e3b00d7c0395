const HEAD_END = Buffer.from('\r\n\r\n')
const LINE_END = Buffer.from('\r\n')

/**
 * Cuts a connection's bytes into answers (RFC 9112 §6): `done` is called with the status of each one that is complete.
 * Answers come one at a time, with a content length or chunked; there are no trailers and no interim answers.
 */
export function answerReader(done: (status: number) => void): (bytes: Uint8Array) => void {
  let buffered = Buffer.alloc(0)
  let answer: { status: number; chunked: boolean; missing: number } | null = null

  function head(): boolean {
    const end = buffered.indexOf(HEAD_END)
    if (end < 0) return false
    const text = buffered.toString('latin1', 0, end).toLowerCase()
    const chunked = /\r\ntransfer-encoding: *chunked/.test(text)
    const length = Number(/\r\ncontent-length: *(\d+)/.exec(text)?.[1] ?? 0)
    answer = { status: Number(text.slice(9, 12)), chunked, missing: chunked ? 0 : length }
    buffered = buffered.subarray(end + HEAD_END.length)
    return true
  }

  /** Whether a chunk was taken; the last one, of no length, ends the answer. */
  function chunk(): boolean {
    const end = buffered.indexOf(LINE_END)
    if (end < 0) return false
    const size = Number.parseInt(buffered.toString('latin1', 0, end), 16)
    const whole = end + LINE_END.length + size + LINE_END.length
    if (buffered.length < whole) return false
    buffered = buffered.subarray(whole)
    if (size === 0) finish()
    return true
  }

  function plain(): boolean {
    if (!answer || buffered.length < answer.missing) return false
    buffered = buffered.subarray(answer.missing)
    finish()
    return true
  }

  function finish(): void {
    const { status } = answer ?? { status: 0 }
    answer = null
    done(status)
  }

  return (bytes) => {
    buffered = buffered.length === 0 ? Buffer.from(bytes) : Buffer.concat([buffered, bytes])
    while (answer === null ? buffered.length > 0 && head() : answer.chunked ? chunk() : plain()) continue
  }
}
