import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { StoreName } from '../start/options.ts'

/** Everything a test run starts carries this variable with the run's id, so that all of it can be ended. */
export const RUN_VARIABLE = 'PANGOLIN_TEST_RUN'

/** Names the store of the servers that the tests start. */
export const STORE_VARIABLE = 'PANGOLIN_TEST_STORE'

/** One `npm test`: its id, the folder where runners leave their counts, and `stop`, whose reason is a signal's name. */
export interface Run {
  readonly id: string
  readonly reports: string
  readonly stop: AbortSignal
  /** Where the servers that the engines talk to keep their records; undefined where none are. */
  readonly store?: StoreName
  /** Whether this run has done the part on another store already: what cannot depend on the store is left out. */
  readonly isRepeated?: boolean
}

/** A runner gets this long to clean up after an interrupt. */
const STOP_MS_MAX = 10_000

/** Ctrl-C reaches the runner by itself, and a second interrupt would break off its cleaning up. */
const CTRL_C_MS = 4000

/** Runs a command to its end with its output going straight through; true if it exited with 0. */
export async function succeeds(
  run: Run,
  command: readonly [string, ...string[]],
  env: NodeJS.ProcessEnv = process.env,
): Promise<boolean> {
  const [program, ...args] = command
  const child = spawn(program, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...env, [RUN_VARIABLE]: run.id, ...(run.store === undefined ? {} : { [STORE_VARIABLE]: run.store }) },
  })
  // An interrupt makes every runner stop what it started; a plain end would leave servers behind.
  const interrupt = (): void => {
    setTimeout(() => child.kill('SIGINT'), run.stop.reason === 'SIGINT' ? CTRL_C_MS : 0).unref()
    setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX).unref()
  }
  run.stop.addEventListener('abort', interrupt)
  try {
    const [code] = await once(child, 'close')
    return code === 0
  } finally {
    run.stop.removeEventListener('abort', interrupt)
  }
}
