import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

const TERM_MS = 3000
const KILL_MS = 3000
const POLL_MS = 20

/**
 * Ends every process whose environment holds `name=value`: whoever puts that into the environment of what it starts
 * finds all of it again, also when a process in between has died. Only Linux tells the environment of a process;
 * elsewhere this finds nothing.
 */
export async function endProcessesWith(name: string, value: string): Promise<void> {
  const mark = `\0${name}=${value}\0`
  for (const [signal, waitMs] of [
    ['SIGTERM', TERM_MS],
    ['SIGKILL', KILL_MS],
  ] as const) {
    for (const pid of processesWith(mark)) {
      send(pid, signal)
    }
    if (await untilGone(mark, waitMs)) {
      return
    }
  }
}

async function untilGone(mark: string, waitMs: number): Promise<boolean> {
  const end = Date.now() + waitMs
  while (processesWith(mark).length > 0) {
    if (Date.now() > end) {
      return false
    }
    await delay(POLL_MS)
  }
  return true
}

function processesWith(mark: string): number[] {
  if (!existsSync('/proc/self/environ')) {
    return []
  }
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
