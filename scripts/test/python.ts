import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { succeeds, type Run } from './run.ts'

const VENV = '.venv'
const REQUIREMENTS = join('test', 'interop', 'requirements.txt')
const STAMP = join(VENV, 'installed')

/** The user's own choice first, then the versions by name. */
const NAMES = ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python']

const PROBE = 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'

/**
 * Makes the virtual environment with the pinned engines, if it is not there for these requirements already. Returns its
 * Python, or undefined after saying what is missing.
 */
export async function preparePython(run: Run): Promise<string | undefined> {
  const python = join(VENV, 'bin', 'python')
  const wanted = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex')
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted && isUsable(python)) {
    return python
  }
  const system = NAMES.find(isUsable)
  if (system === undefined) {
    process.stderr.write('The interop tests need Python 3.11 or later with its venv module, and none was found.\n')
    return undefined
  }
  rmSync(VENV, { recursive: true, force: true })
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', REQUIREMENTS]
  if (!(await succeeds(run, [system, '-m', 'venv', VENV])) || !(await succeeds(run, [python, ...install]))) {
    process.stderr.write(`The packages of ${REQUIREMENTS} could not be installed: pip says why above.\n`)
    return undefined
  }
  writeFileSync(STAMP, wanted)
  return python
}

function isUsable(python: string): boolean {
  return spawnSync(python, ['-c', PROBE], { stdio: 'ignore' }).status === 0
}
