import { join } from 'node:path'
import { preparePython } from '../../../scripts/test/python.ts'
import { RUN_VARIABLE } from '../../../scripts/test/run.ts'

const FOLDER = join('node_modules', '.cache', 'mongo-server')

/** The server of the tests, as a command. */
export const PROGRAM = [join(FOLDER, 'bin', 'python'), '-m', 'secantus'] as const

/** Installs the server before the first test, once for all of them. @throws Error after it was said what is missing */
export async function setup(): Promise<void> {
  const requirements = [join('test', 'store', 'mongo', 'requirements.txt')]
  const run = { id: process.env[RUN_VARIABLE] ?? '', reports: '', stop: new AbortController().signal }
  if ((await preparePython(run, FOLDER, requirements)) === undefined)
    throw new Error("the MongoDB-compatible server of the tests isn't installed")
}
