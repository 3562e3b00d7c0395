import { setTimeout as delay } from 'node:timers/promises'
import { Refusal } from './refusal.ts'

const EVERY_MS = 3_000
const ANSWER_MS_MAX = 5_000
/** As many in a row mean that it is not busy but gone: wrangler itself survives the death of the process that listens. */
const FAILURES_MAX = 6

/** Rejects with one sentence once the server has stopped answering; never resolves but when `stop` fires. */
export async function untilSilent(uri: string, stop: AbortSignal): Promise<void> {
  let failures = 0
  while (!stop.aborted) {
    failures = (await answers(uri, stop)) ? 0 : failures + 1
    if (failures >= FAILURES_MAX) throw new Refusal(`The server at ${uri} stopped answering: start it again.`)
    await delay(EVERY_MS, undefined, { signal: stop, ref: false }).catch(() => {})
  }
}

async function answers(uri: string, stop: AbortSignal): Promise<boolean> {
  try {
    const signal = AbortSignal.any([stop, AbortSignal.timeout(ANSWER_MS_MAX)])
    const answer = await fetch(`${uri}/health/live`, { signal })
    await answer.body?.cancel()
    return answer.ok
  } catch {
    return false
  }
}
