/** How long nobody may have asked for anything before it is taken that all wait. */
const QUIET_MS = 100

/** A timer that is later than this tells of a machine that is busy with something else: nobody's silence counts then. */
const LATE_MS = 30

/**
 * Answers to requests, held back until whoever sends them sends no more: those that were sent together are let go together,
 * and each such round is one wait for the server, however many requests it has. `onRound` is called for each.
 */
export function lockstep(onRound: () => void): () => Promise<void> {
  let waiting: (() => void)[] = []
  let timer: ReturnType<typeof setTimeout> | undefined

  function listen(): void {
    clearTimeout(timer)
    const dueMs = performance.now() + QUIET_MS
    timer = setTimeout(() => {
      if (performance.now() - dueMs > LATE_MS) listen()
      else release()
    }, QUIET_MS)
  }

  function release(): void {
    const round = waiting
    waiting = []
    onRound()
    for (const go of round) go()
  }

  return async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    waiting.push(resolve)
    listen()
    await promise
  }
}
