import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { leaveOut } from './kits.ts'
import { pytest } from './pytest.ts'
import { digestOf, NO_PYTHON, preparePython } from './python.ts'
import { succeeds, type Run } from './run.ts'
import type { Tally } from './tally.ts'

const FOLDER = join('test', 'spark')
const INTEROP = join('test', 'interop')

const REQUIREMENTS = [join(INTEROP, 'requirements.txt'), join(FOLDER, 'requirements.txt')]

/** Spark is a gigabyte: all clones of the repository that want the same packages share them. */
const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'pangolin-edge')

/** Spark 4.0 runs on these; the Hadoop inside it needs what Java 24 took away. */
const JAVA_VERSIONS = { min: 17, max: 23 }

const SUITE_MS_MAX = 20 * 60_000

/** Spark SQL against `npm start`, where there are Java and Maven. */
export async function runSpark(run: Run): Promise<Tally> {
  const missing = missingTool()
  if (missing !== null)
    return { passed: 0, failures: leaveOut('spark (Spark SQL)', missing) ? [] : [`Spark needs ${missing}`] }
  const folder = join(CACHE, `spark-${digestOf(REQUIREMENTS).slice(0, 16)}`)
  const python = await preparePython(run, folder, REQUIREMENTS)
  const jars = await sparkJars(run)
  if (python === undefined) return { passed: 0, failures: [NO_PYTHON] }
  if (jars === undefined) return { passed: 0, failures: ['what Maven should have fetched'] }

  const limit = AbortSignal.timeout(SUITE_MS_MAX)
  const limited = { ...run, stop: AbortSignal.any([run.stop, limit]) }
  const options = ['-o', `pythonpath=${INTEROP}`, '--tb=short', '--durations=5']
  const counts = await pytest(limited, python, FOLDER, options, { SPARK_TEST_JARS: jars })
  if (limit.aborted) process.stderr.write(`Spark was ended: it took more than ${SUITE_MS_MAX / 60_000} minutes.\n`)
  return counts
}

/** What this machine lacks, in words; null if it has all of it. */
function missingTool(): string | null {
  const { stderr } = spawnSync('java', ['-version'], { encoding: 'utf8' })
  const version = Number(/version "(\d+)/.exec(stderr ?? '')?.[1] ?? 0)
  const { min, max } = JAVA_VERSIONS
  if (version < min || version > max) return `Java ${min} to ${max} as \`java\``
  return spawnSync('mvn', ['-v']).status === 0 ? null : 'Maven'
}

/** The class path of Iceberg for Spark, which Maven fetches once; undefined after Maven has said why not. */
async function sparkJars(run: Run): Promise<string | undefined> {
  const listed = join(run.reports, 'spark-jars')
  const goal = ['dependency:build-classpath', `-Dmdep.outputFile=${listed}`]
  const isDone = await succeeds(run, ['mvn', '-B', '-q', '-f', join(FOLDER, 'pom.xml'), ...goal])
  return isDone ? readFileSync(listed, 'utf8').trim() : undefined
}
