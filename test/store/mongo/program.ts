import { execFile } from 'node:child_process'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** MongoDB's wire protocol over WiredTiger, from a package: a process of its own, and nothing to download by hand. */
const SERVER = 'SecantusDB==0.7.0b3'
const VENV = join('node_modules', '.cache', 'mongo-server')

export const PROGRAM = join(VENV, 'bin', 'secantusd-py')

const run = promisify(execFile)

/** Installs the server before the first test, once for all of them. */
export async function setup(): Promise<void> {
  const isThere = await access(PROGRAM).then(
    () => true,
    () => false,
  )
  if (isThere) return
  await run('python3', ['-m', 'venv', '--clear', VENV])
  await run(join(VENV, 'bin', 'pip'), ['install', '--quiet', '--disable-pip-version-check', SERVER])
}
