import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/** Every process that serves a data folder carries this variable, so that it is found when its parent is gone. */
export const DATA_VARIABLE = 'PANGOLIN_DATA'

const TERM_MS = 3000
const KILL_MS = 3000
const POLL_MS = 20

/**
 * Ends the processes that serve a data folder: what wrangler leaves when it dies, or what a killed start left. The
 * caller holds the folder's lock. Only Linux tells the environment of a process; elsewhere this finds nothing.
 */
export async function endProcessesOf(data: string): Promise<void> {
  for (const [signal, waitMs] of [
    ['SIGTERM', TERM_MS],
    ['SIGKILL', KILL_MS],
  ] as const) {
    for (const pid of processesOf(data)) {
      send(pid, signal)
    }
    if (await untilGone(data, waitMs)) {
      return
    }
  }
}

async function untilGone(data: string, waitMs: number): Promise<boolean> {
  const end = Date.now() + waitMs
  while (processesOf(data).length > 0) {
    if (Date.now() > end) {
      return false
    }
    await delay(POLL_MS)
  }
  return true
}

function processesOf(data: string): number[] {
  if (!existsSync('/proc/self/environ')) {
    return []
  }
  const mark = `\0${DATA_VARIABLE}=${data}\0`
  return readdirSync('/proc')
    .filter((entry) => /^[0-9]+$/.test(entry))
    .filter((pid) => `\0${environmentOf(pid)}`.includes(mark))
    .map(Number)
}

/** Empty for a process that ended, or that belongs to somebody else. */
function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8')
  } catch {
    return ''
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It ended between being found and being told.
  }
}
