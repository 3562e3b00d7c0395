import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endProcessesWith } from './processes.ts'
import { runCheck, runPytest, runRck, runVitest } from './test/parts.ts'
import { parseTestOptions, PARTS, type Part } from './test/options.ts'
import { RUN_VARIABLE, STORE_VARIABLE, type Run } from './test/run.ts'
import { runSpark } from './test/spark.ts'
import type { Tally } from './test/tally.ts'

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

/** Runs every part of the suite, or the one that `--only` names; the last line says how it went. */
async function main(args: readonly string[]): Promise<number> {
  const options = parseTestOptions(args)
  if (options instanceof Error) {
    process.stderr.write(`${options.message}\n`)
    return 1
  }
  const { only, store } = options
  if (store !== undefined) process.env[STORE_VARIABLE] = store
  const stopping = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => stopping.abort(signal))
  }
  const run: Run = { id: randomUUID(), reports: mkdtempSync(join(tmpdir(), 'pangolin-test-')), stop: stopping.signal }
  const total = { passed: 0, failed: 0 }
  try {
    for (const part of PARTS.filter((name) => only === undefined || name === only)) {
      if (!stopping.signal.aborted) {
        process.stdout.write(`\n=== ${part}\n`)
        const tally = await RUN[part](run)
        total.passed += tally.passed
        total.failed += tally.failed
      }
    }
  } finally {
    await endProcessesWith(RUN_VARIABLE, run.id)
    rmSync(run.reports, { recursive: true, force: true })
  }
  if (stopping.signal.aborted) {
    process.stdout.write('\nStopped before the end.\n')
  }
  process.stdout.write(`\n${total.passed} passed, ${total.failed} failed\n`)
  return total.failed === 0 && !stopping.signal.aborted ? 0 : 1
}
