import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { succeeds, type Run } from './run.ts'

/** The user's own choice first, then the versions by name. */
const NAMES = ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python']

/** What failed where {@link preparePython} found none. */
export const NO_PYTHON = 'Python with the packages that the tests import'

const PYTHON = join('bin', 'python')
const STAMP = 'installed'

const PROBE = 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'

/**
 * Makes the virtual environment `folder` with everything that the files pin, if it is not there for them already.
 * Returns its Python, to be called with `-m`, or undefined after saying what is missing.
 */
export async function preparePython(
  run: Run,
  folder: string,
  requirements: readonly string[],
): Promise<string | undefined> {
  const [python, stamp] = [join(folder, PYTHON), join(folder, STAMP)]
  const wanted = digestOf(requirements)
  const isMade = (): boolean => existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted && isUsable(python)
  if (isMade()) {
    return python
  }
  const system = NAMES.find(isUsable)
  if (system === undefined) {
    process.stderr.write(
      'The tests with real engines need Python 3.11 or later with its venv module: none was found.\n',
    )
    return undefined
  }
  // Others may want the same folder at the same time: it appears complete or not at all.
  const building = `${folder}.${process.pid}`
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
  const files = requirements.flatMap((file) => ['-r', file])
  try {
    if (
      !(await succeeds(run, [system, '-m', 'venv', building])) ||
      !(await succeeds(run, [join(building, PYTHON), ...install, ...files]))
    ) {
      process.stderr.write(
        `The packages of ${requirements.join(' and ')} could not be installed: pip says why above.\n`,
      )
      return undefined
    }
    writeFileSync(join(building, STAMP), wanted)
    if (!isMade()) {
      rmSync(folder, { recursive: true, force: true })
      renameSync(building, folder)
    }
  } finally {
    rmSync(building, { recursive: true, force: true })
  }
  return python
}

/** Names what these files pin. */
export function digestOf(requirements: readonly string[]): string {
  const hash = createHash('sha256')
  for (const file of requirements) hash.update(readFileSync(file))
  return hash.digest('hex')
}

function isUsable(python: string): boolean {
  return spawnSync(python, ['-c', PROBE], { stdio: 'ignore' }).status === 0
}
