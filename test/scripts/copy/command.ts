import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'

/** What a run of a command has said, and cost: seconds, and the most memory it had, in MB (NaN where there is no /proc). */
export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
  readonly seconds: number
  readonly peakMb: number
}

/** Runs one of the commands as npm does; `signal` is sent once it has said so many lines of its progress. */
export async function command(
  args: readonly string[],
  { signal, afterLines = 1, env = {} }: { signal?: NodeJS.Signals; afterLines?: number; env?: NodeJS.ProcessEnv } = {},
): Promise<Ran> {
  const began = Date.now()
  const child = spawn(process.execPath, ['scripts/store-copy.ts', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  let [out, err, peakMb] = ['', '', Number.NaN]
  const watching = setInterval(() => {
    peakMb = memoryPeak(child.pid) ?? peakMb
  }, 100)
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
    if (signal && !child.killed && err.split('\n').length > afterLines) child.kill(signal)
  })
  await once(child, 'close')
  clearInterval(watching)
  return { code: child.exitCode, out, err, seconds: (Date.now() - began) / 1000, peakMb }
}

function memoryPeak(pid = 0): number | undefined {
  try {
    const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return kilobytes === undefined ? undefined : Number(kilobytes) / 1024
  } catch {
    return undefined
  }
}
