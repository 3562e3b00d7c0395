import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pytest } from './pytest.ts'
import { NO_PYTHON, preparePython } from './python.ts'
import { tallyOfVitest } from './reports.ts'
import { succeeds, type Run } from './run.ts'
import { tally, type Tally } from './tally.ts'

const VENV = '.venv'
const INTEROP = join('test', 'interop')

/** `npm run check`, counted as one test. */
export async function runCheck(run: Run): Promise<Tally> {
  const isClean = await succeeds(run, [process.execPath, ...process.execArgv, join('scripts', 'check.ts')])
  return isClean ? { passed: 1, failures: [] } : { passed: 0, failures: ['npm run check'] }
}

/** The tests of one project of `vitest.config.ts`. */
export async function runVitest(run: Run, project: string): Promise<Tally> {
  const report = join(run.reports, `${project}.json`)
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const isClean = await succeeds(run, ['vitest', 'run', '--project', project, ...reporters])
  return tally(isClean, existsSync(report) ? tallyOfVitest(readFileSync(report, 'utf8')) : undefined)
}

/** The tests that drive `npm start` with real engines, from Python. */
export async function runPytest(run: Run): Promise<Tally> {
  const python = await preparePython(run, VENV, [join(INTEROP, 'requirements.txt')])
  if (python === undefined) return { passed: 0, failures: [NO_PYTHON] }
  return run.isRepeated
    ? pytest(run, python, INTEROP, ['-m', 'not one_store'], FURTHER_STORES)
    : pytest(run, python, INTEROP)
}

/** What is tried at random has had its full share on the first store, unless somebody asks for more. */
const FURTHER_STORES = {
  KILL9_ROUNDS: process.env['KILL9_ROUNDS'] ?? '3',
  APPENDS_PER_WRITER: process.env['APPENDS_PER_WRITER'] ?? '1',
}

/** The REST Compatibility Kit, where there are Java and Maven. */
export async function runRck(run: Run): Promise<Tally> {
  const report = join(run.reports, `rck-${run.store}.json`)
  const script = [join('test', 'rck', 'run.ts'), '--report', report]
  const isClean = await succeeds(run, [process.execPath, ...process.execArgv, ...script])
  return tally(isClean, existsSync(report) ? (JSON.parse(readFileSync(report, 'utf8')) as Tally) : undefined)
}
