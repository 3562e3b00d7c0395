import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { preparePython } from './python.ts'
import { succeeds, type Run } from './run.ts'

export interface Tally {
  readonly passed: number
  readonly failed: number
}

/** `npm run check`, counted as one test. */
export async function runCheck(run: Run): Promise<Tally> {
  const isClean = await succeeds(run, [process.execPath, ...process.execArgv, join('scripts', 'check.ts')])
  return isClean ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }
}

/** The tests of one project of `vitest.config.ts`. */
export async function runVitest(run: Run, project: string): Promise<Tally> {
  const report = join(run.reports, `${project}.json`)
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const isClean = await succeeds(run, ['vitest', 'run', '--project', project, ...reporters])
  return tally(isClean, existsSync(report) ? readVitest(readFileSync(report, 'utf8')) : undefined)
}

/** The tests that drive `npm start` with real engines, from Python. */
export async function runPytest(run: Run): Promise<Tally> {
  const python = await preparePython(run)
  if (python === undefined) {
    return { passed: 0, failed: 1 }
  }
  const report = join(run.reports, 'pytest.xml')
  const args = ['-m', 'pytest', '-p', 'no:cacheprovider', `--junitxml=${report}`, join('test', 'interop')]
  const isClean = await succeeds(run, [python, ...args], engineEnvironment())
  return tally(isClean, existsSync(report) ? readPytest(readFileSync(report, 'utf8')) : undefined)
}

/** The REST Compatibility Kit, where there are Java and Maven. */
export async function runRck(run: Run): Promise<Tally> {
  const report = join(run.reports, 'rck.json')
  const script = [join('test', 'rck', 'run.ts'), '--report', report]
  const isClean = await succeeds(run, [process.execPath, ...process.execArgv, ...script])
  return tally(isClean, existsSync(report) ? (JSON.parse(readFileSync(report, 'utf8')) as Tally) : undefined)
}

/** A runner that fails without naming a failed test (nothing found, a file that does not load) counts as one. */
function tally(isClean: boolean, counts: Tally | undefined): Tally {
  const { passed, failed } = counts ?? { passed: 0, failed: 0 }
  return { passed, failed: isClean ? failed : Math.max(failed, 1) }
}

function readVitest(report: string): Tally {
  const { numPassedTests, numFailedTests } = JSON.parse(report) as { numPassedTests: number; numFailedTests: number }
  return { passed: numPassedTests, failed: numFailedTests }
}

function readPytest(report: string): Tally {
  const count = (name: string): number => Number(new RegExp(` ${name}="([0-9]+)"`).exec(report)?.[1] ?? 0)
  const failed = count('failures') + count('errors')
  return { passed: count('tests') - failed - count('skipped'), failed }
}

/** What the machine's owner set for a cloud or for PyIceberg must not help an engine that is told three words only. */
function engineEnvironment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(?:AWS|PYICEBERG)_/.test(name))
  const loopback = '127.0.0.1,localhost,::1'
  return { ...Object.fromEntries(own), PYTHONDONTWRITEBYTECODE: '1', NO_PROXY: loopback, no_proxy: loopback }
}
