import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { tallyOfPytest } from './reports.ts'
import { succeeds, type Run } from './run.ts'
import { tally, type Tally } from './tally.ts'

/**
 * Runs the tests of a folder with pytest.
 * @param python the interpreter that has what they import
 * @param options of pytest, besides the folder
 * @param own added to the environment, which is otherwise the machine's without its settings for clouds and engines
 */
export async function pytest(
  run: Run,
  python: string,
  folder: string,
  options: readonly string[] = [],
  own: Readonly<Record<string, string>> = {},
): Promise<Tally> {
  const report = join(run.reports, `pytest-${run.store}.xml`)
  const args = ['-m', 'pytest', '-p', 'no:cacheprovider', `--junitxml=${report}`, ...options, folder]
  const isClean = await succeeds(run, [python, ...args], { ...engineEnvironment(), ...own })
  return tally(isClean, existsSync(report) ? tallyOfPytest(readFileSync(report, 'utf8')) : undefined)
}

/** What the machine's owner set for a cloud or an engine must not help one that is told three words only. */
function engineEnvironment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(?:AWS|PYICEBERG|SPARK|PYSPARK|HADOOP|JAVA|JDK_JAVA|_JAVA)_/.test(name),
  )
  const loopback = '127.0.0.1,localhost,::1'
  return { ...Object.fromEntries(own), PYTHONDONTWRITEBYTECODE: '1', NO_PROXY: loopback, no_proxy: loopback }
}
