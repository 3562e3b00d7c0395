import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { setup } from '#test/store/mongo/program'
import { startMongo, type RealServer } from '#test/store/mongo/real-server'
import { endProcessesWith } from '../../scripts/processes.ts'
import { leaveOut } from '../../scripts/test/kits.ts'
import { STORE_VARIABLE } from '../../scripts/test/run.ts'
import type { Tally } from '../../scripts/test/tally.ts'
import { classPath, missingTool } from './client.ts'
import { EXPECTED } from './expected.ts'
import { judge, readReport, type Verdict } from './reports.ts'
import { startServer, type Access } from './server.ts'
import { SUITES, type Suite } from './suites.ts'

/** Everything a run starts carries its id in this variable, so that all of it can be ended. */
const RUN_VARIABLE = 'PANGOLIN_RCK_RUN'

/** Where the tests of our own may put tables. */
const LOCATION = 's3://lake/rck'

const SUITE_MS_MAX = 10 * 60_000

process.exitCode = await main()

/**
 * Runs Apache's REST Compatibility Kit and our subclasses of its tests with real Java clients against `npm start`.
 * `--only SUITE` runs one of them; `--report FILE` leaves the counts as JSON.
 */
async function main(): Promise<number> {
  const { values } = parseArgs({ options: { only: { type: 'string' }, report: { type: 'string' } } })
  const suites = SUITES.filter(({ name }) => values.only === undefined || values.only === name)
  if (suites.length === 0) {
    process.stderr.write(`There is no suite ${values.only}, only ${SUITES.map(({ name }) => name).join(', ')}.\n`)
    return 1
  }
  const missing = missingTool()
  if (missing !== null) return leaveOut('rck (REST Compatibility Kit)', missing) ? 0 : 1

  const store = process.env[STORE_VARIABLE]
  const mongo = store === 'mongo' ? await startOwnMongo() : null
  const storeOptions = (database: string): string[] => [
    ...(store === undefined ? [] : ['--store', store]),
    ...(mongo ? ['--database-url', mongo.url(database)] : []),
  ]
  const stopping = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stopping.abort())
  const verdicts: Verdict[] = []
  for (const suite of suites) {
    if (stopping.signal.aborted) break
    const verdict = await verdictOf(suite, storeOptions(suite.name.replaceAll('.', '-')), stopping.signal)
    verdicts.push(verdict)
    process.stdout.write(lineOf(suite, verdict))
  }
  await mongo?.stop()
  const passed = verdicts.reduce((sum, verdict) => sum + verdict.passed, 0)
  const failures = verdicts.flatMap(({ surprises }, i) => surprises.map((each) => `${suites[i]?.name}: ${each}`))
  if (values.report !== undefined) writeFileSync(values.report, JSON.stringify({ passed, failures } satisfies Tally))
  return failures.length === 0 && verdicts.length === suites.length ? 0 : 1
}

/** One for all suites, each of which has a database of its own. */
async function startOwnMongo(): Promise<RealServer> {
  await setup()
  return startMongo({ durable: false })
}

function lineOf({ name }: Suite, { found, passed, explained, surprises }: Verdict): string {
  const counts = `${found} found, ${passed} passed, ${explained} explained in test/rck/expected.ts`
  return `${name.padEnd(12)} ${counts}, ${surprises.length} surprises\n${surprises.map((each) => `  ${each}\n`).join('')}`
}

/** A suite that could not run is one surprise. */
async function verdictOf(suite: Suite, store: readonly string[], stop: AbortSignal): Promise<Verdict> {
  const folder = mkdtempSync(join(tmpdir(), 'rck-'))
  const mark = { [RUN_VARIABLE]: randomUUID() }
  try {
    const path = classPath(suite.client)
    const server = await startServer(join(folder, 'data'), suite.clientLocations, store, mark, stop)
    try {
      await runTests(suite, server, {
        path,
        folder,
        mark,
        stop: AbortSignal.any([stop, AbortSignal.timeout(SUITE_MS_MAX)]),
      })
    } finally {
      await server.stop()
    }
    return judge(suite.name, readReports(join(folder, 'reports')), EXPECTED)
  } catch (error) {
    return { found: 0, passed: 0, explained: 0, surprises: [error instanceof Error ? error.message : String(error)] }
  } finally {
    await endProcessesWith(RUN_VARIABLE, mark[RUN_VARIABLE] ?? '')
    rmSync(folder, { recursive: true, force: true })
  }
}

/** JUnit exits with 1 when a test failed, which the reports say better. */
async function runTests(
  { select, switches }: Suite,
  { uri, warehouse, token }: Access,
  run: { path: string; folder: string; mark: Readonly<Record<string, string>>; stop: AbortSignal },
): Promise<void> {
  const properties = {
    uri,
    warehouse,
    token,
    'header.X-Iceberg-Access-Delegation': 'vended-credentials',
    'rck.location': LOCATION,
    'org.slf4j.simpleLogger.defaultLogLevel': 'warn',
    ...switches,
  }
  const defined = Object.entries(properties).map(([name, value]) => `-D${name}=${value}`)
  const launcher = ['org.junit.platform.console.ConsoleLauncher', 'execute', ...select]
  const output = ['--details', 'none', '--disable-banner', '--reports-dir', join(run.folder, 'reports')]
  const log = openSync(join(run.folder, 'java.log'), 'a')
  const child = spawn('java', ['-cp', run.path, ...defined, ...launcher, ...output], {
    stdio: ['ignore', log, log],
    env: { ...engineEnvironment(), ...run.mark },
    signal: run.stop,
    killSignal: 'SIGKILL',
  })
  await once(child, 'close')
}

function readReports(folder: string) {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.xml'))
    .flatMap((name) => readReport(readFileSync(join(folder, name), 'utf8')))
}

/** What the machine's owner set for a cloud, for Java or for the kit must not help a client that is told three words only. */
function engineEnvironment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(?:AWS|CATALOG|JAVA_TOOL|JDK_JAVA)_/.test(name))
  return Object.fromEntries(own)
}
