/** Runs the suites of the stores and prints what ran on which store over which transport, and what the servers were. */
import { randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { contractTable, rowsOf } from './contract/table.ts'
import { postgresVersion } from './postgres/binaries.ts'
import { endProcessesWith } from './processes.ts'
import type { VitestReport } from './test/reports.ts'
import { RUN_VARIABLE, succeeds, type Run } from './test/run.ts'

const PROJECTS = ['node', 'worker', 'postgres', 'mongo']
const FOLDERS = ['test/store', 'test/cost']

process.exitCode = await main()

async function main(): Promise<number> {
  const stopping = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopping.abort(signal))
  const run: Run = {
    id: randomUUID(),
    reports: mkdtempSync(join(tmpdir(), 'pangolin-contract-')),
    stop: stopping.signal,
  }
  try {
    let isClean = true
    const reports: VitestReport[] = []
    for (const project of PROJECTS.filter(() => !stopping.signal.aborted)) {
      const file = join(run.reports, `${project}.json`)
      const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
      isClean = (await succeeds(run, ['vitest', 'run', '--project', project, ...FOLDERS, ...reporters])) && isClean
      if (existsSync(file)) reports.push(JSON.parse(readFileSync(file, 'utf8')) as VitestReport)
    }
    process.stdout.write(`\n${contractTable(rowsOf(reports))}\n\n${servers().join('\n')}\n`)
    return isClean && !stopping.signal.aborted ? 0 : 1
  } finally {
    await endProcessesWith(RUN_VARIABLE, run.id)
    rmSync(run.reports, { recursive: true, force: true })
  }
}

/** What the stores were tried on. */
function servers(): string[] {
  const version = (name: string): string => {
    const manifest = JSON.parse(readFileSync(join('node_modules', name, 'package.json'), 'utf8')) as { version: string }
    return `${name} ${manifest.version}`
  }
  const mongo = readFileSync(join('test', 'store', 'mongo', 'requirements.txt'), 'utf8')
  const [, secantus = ''] = /^secantusdb==(\S+)/im.exec(mongo) ?? []
  return [
    `d1: ${version('workerd')}, SQLite of its own`,
    `postgres: PostgreSQL ${postgresVersion()}; ${version('pg')}, ${version('@neondatabase/serverless')} with a stand-in for Neon's front; Hyperdrive is a direct connection`,
    `mongo: SecantusDB ${secantus} in MongoDB's place; ${version('mongodb')}, and a stand-in for a Data API`,
  ]
}
