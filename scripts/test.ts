import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endProcessesWith } from './processes.ts'
import { runCheck, runPytest, runRck, runVitest } from './test/parts.ts'
import { jobsOf, parseTestOptions, type Part } from './test/options.ts'
import { RUN_VARIABLE, type Run } from './test/run.ts'
import { runSpark } from './test/spark.ts'
import { told, type Tally } from './test/tally.ts'

const RUN: Record<Part, (run: Run) => Promise<Tally>> = {
  check: runCheck,
  node: (run) => runVitest(run, 'node'),
  worker: (run) => runVitest(run, 'worker'),
  postgres: (run) => runVitest(run, 'postgres'),
  mongo: (run) => runVitest(run, 'mongo'),
  interop: runPytest,
  rck: runRck,
  spark: runSpark,
}

process.exitCode = await main(process.argv.slice(2))

/** Runs every part of the suite, or the one that `--only` names; the last lines say what failed and how it went. */
async function main(args: readonly string[]): Promise<number> {
  const options = parseTestOptions(args)
  if (options instanceof Error) {
    process.stderr.write(`${options.message}\n`)
    return 1
  }
  const stopping = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => stopping.abort(signal))
  }
  const all: Run = { id: randomUUID(), reports: mkdtempSync(join(tmpdir(), 'pangolin-test-')), stop: stopping.signal }
  const total = { passed: 0, failed: 0 }
  const lines: string[] = []
  const failed: string[] = []
  try {
    for (const { part, store, isRepeated } of jobsOf(options)) {
      if (stopping.signal.aborted) break
      const name = store === undefined ? part : `${part} on ${store}`
      process.stdout.write(`\n=== ${name}\n`)
      const startMs = Date.now()
      const { passed, failures } = await RUN[part](store === undefined ? all : { ...all, store, isRepeated })
      lines.push(lineOf(name, passed, failures.length, Date.now() - startMs))
      failed.push(told(name, failures))
      total.passed += passed
      total.failed += failures.length
    }
  } finally {
    await endProcessesWith(RUN_VARIABLE, all.id)
    rmSync(all.reports, { recursive: true, force: true })
  }
  if (stopping.signal.aborted) {
    process.stdout.write('\nStopped before the end.\n')
  }
  process.stdout.write(`\n${failed.join('')}${lines.join('')}${total.passed} passed, ${total.failed} failed\n`)
  return total.failed === 0 && !stopping.signal.aborted ? 0 : 1
}

function lineOf(name: string, passed: number, failed: number, ms: number): string {
  return `${name.padEnd(20)} ${passed} passed, ${failed} failed in ${Math.round(ms / 1000)} s\n`
}
