import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { copyPostgres, postgresVersion } from './binaries.ts'
import { giveTo, postgresOwner, type Owner } from './owner.ts'

export interface PostgresOptions {
  /** Holds the programs and the data; made if it is not there. Whoever runs the server must be able to reach it. */
  readonly folder: string
  readonly port: number
  readonly user: string
  readonly password: string
  /** Settings of the server beyond what it needs to listen. */
  readonly settings?: Readonly<Record<string, string>>
  readonly environment?: NodeJS.ProcessEnv
}

/** A running server, a child of this process in its process group. */
export interface Postgres {
  /** Of a fresh database of its own name. */
  readonly url: string
  /** Resolves when the server has ended, by itself or not. */
  readonly ended: Promise<void>
  /** Ends it, and returns when it is gone. */
  stop(): Promise<void>
}

const READY_MS_MAX = 30_000
const STOP_MS_MAX = 10_000

/** Starts a PostgreSQL on 127.0.0.1 over the folder, whose data outlives it. @throws Error with the server's last words */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const owner = postgresOwner()
  const programs = installPrograms(options.folder, owner)
  const data = makeCluster(options, programs, owner)
  // Nobody else uses the folder, so what an earlier server left behind is stale, whoever has its number now.
  rmSync(join(data, 'postmaster.pid'), { force: true })
  const child = spawn(join(programs, 'bin', 'postgres'), serverArguments(options, data), {
    ...owner,
    cwd: data,
    env: environment(options),
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  // Whoever leaves without stopping it takes it along.
  const leave = (): void => void child.kill('SIGQUIT')
  process.once('exit', leave)
  child.once('close', () => process.off('exit', leave))
  let words = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-4000)
  })
  const ended = once(child, 'close').then(() => {})
  try {
    await untilReady(() => words, child)
  } catch {
    child.kill('SIGQUIT')
    throw new Error(`PostgreSQL did not start.\n${words}`.trimEnd())
  }
  const url = `postgres://${options.user}:${options.password}@127.0.0.1:${options.port}/postgres`
  return { url, ended, stop: () => stop(child, ended) }
}

/** Copied once for each version: the package may lie where the server's user may not go. */
function installPrograms(folder: string, owner: Owner | null): string {
  const programs = join(folder, 'programs')
  const stamp = join(programs, 'version')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === postgresVersion()) return programs
  rmSync(programs, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  copyPostgres(programs)
  writeFileSync(stamp, postgresVersion())
  giveTo(owner, folder)
  return programs
}

/** A cluster that was not finished, because its making was interrupted, is made anew: nobody has used it. */
function makeCluster(options: PostgresOptions, programs: string, owner: Owner | null): string {
  const { folder, user, password } = options
  const data = join(folder, 'data')
  const finished = join(folder, 'finished')
  if (existsSync(finished)) return data
  rmSync(data, { recursive: true, force: true })
  const secret = join(folder, 'password')
  writeFileSync(secret, password, { mode: 0o600 })
  giveTo(owner, secret)
  const how = [
    '-D',
    data,
    '-U',
    user,
    '--pwfile',
    secret,
    '-A',
    'scram-sha-256',
    '-E',
    'UTF8',
    '--locale=C.UTF-8',
    '-N',
  ]
  const made = spawnSync(join(programs, 'bin', 'initdb'), how, { ...owner, cwd: folder, env: environment(options) })
  rmSync(secret)
  if (made.status !== 0) throw new Error(`PostgreSQL could not make its data folder.\n${String(made.stderr)}`.trimEnd())
  writeFileSync(finished, '')
  return data
}

function serverArguments({ port, settings = {} }: PostgresOptions, data: string): string[] {
  const all = { listen_addresses: '127.0.0.1', unix_socket_directories: '', ...settings }
  return ['-D', data, '-p', String(port), ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
}

function environment({ environment: more }: PostgresOptions): NodeJS.ProcessEnv {
  // The marks by which everything that was started is found again.
  const marks = Object.entries(process.env).filter(([name]) => name.startsWith('PANGOLIN_'))
  return { ...Object.fromEntries(marks), LC_ALL: 'C.UTF-8', TZ: 'UTC', ...more }
}

/** It says so itself: its port answers before it takes connections. A replica says that it takes read-only ones. */
const READY = /database system is ready to accept (read-only )?connections/

async function untilReady(words: () => string, child: ChildProcess): Promise<void> {
  const untilMs = Date.now() + READY_MS_MAX
  while (!READY.test(words())) {
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > untilMs) throw new Error('it has ended')
    await delay(20)
  }
}

/** Connections are cut at once, transactions are rolled back. */
async function stop(child: ChildProcess, ended: Promise<void>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGINT')
  const timer = setTimeout(() => child.kill('SIGQUIT'), STOP_MS_MAX)
  await ended
  clearTimeout(timer)
}
