import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as passed } from 'node:timers/promises'
import { MongoClient } from 'mongodb'
import { freePort } from '../../../scripts/free-port.ts'
import { PROGRAM } from './program.ts'

export interface RealServer {
  readonly port: number
  /** With a user who may do everything, and a password with characters that need an escape. */
  readonly url: (database: string) => string
  /** Ends the process without warning, and starts another one on the same files and port. */
  restart(): Promise<void>
  stop(): Promise<void>
}

const USER = 'catalog'
/** Characters that mean something in a URL, in a shell or in a settings file. */
const PASSWORD = `p@ss:w/rd?#[]%'"$\\ é`

/**
 * Starts a server that demands credentials, on a free port of the loopback interface, in a folder of its own. One that is
 * to be restarted must be `durable`: otherwise it may lose with its process what it has acknowledged, as no real mongod
 * does, but it is several times as fast.
 */
export async function startMongo({ durable }: { readonly durable: boolean }): Promise<RealServer> {
  const folder = await mkdtemp(join(tmpdir(), 'mongo-'))
  const port = await freePort()
  const settings = durable ? ['--sync-on-commit'] : []
  let server = await launch(port, folder, settings)
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    if (server.exitCode !== null || server.signalCode !== null) return
    const ended = once(server, 'exit')
    server.kill(signal)
    await ended
  }
  process.once('exit', () => server.kill('SIGKILL'))
  const admin = await MongoClient.connect(`mongodb://127.0.0.1:${port}/?directConnection=true`)
  const roles = [{ role: 'readWriteAnyDatabase', db: 'admin' }]
  await admin.db('admin').command({ createUser: USER, pwd: PASSWORD, roles })
  await admin.close()
  await stop('SIGTERM')
  server = await launch(port, folder, [...settings, '--auth'])
  const login = `${USER}:${encodeURIComponent(PASSWORD)}`
  return {
    port,
    url: (database) => `mongodb://${login}@127.0.0.1:${port}/${database}?directConnection=true&authSource=admin`,
    restart: async () => {
      await stop('SIGKILL')
      server = await launch(port, folder, [...settings, '--auth'])
    },
    stop: async () => {
      await stop('SIGKILL')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function launch(port: number, folder: string, more: readonly string[]): Promise<ChildProcess> {
  const where = ['--host', '127.0.0.1', '--port', String(port), '--storage-path', folder]
  const [python, ...program] = PROGRAM
  const server = spawn(python, [...program, ...where, ...more], { stdio: 'ignore' })
  const deadline = Date.now() + 30_000
  while (Date.now() < deadline && server.exitCode === null) {
    try {
      const client = await MongoClient.connect(`mongodb://127.0.0.1:${port}/?directConnection=true`, {
        serverSelectionTimeoutMS: 300,
      })
      await client.close()
      return server
    } catch {
      await passed(100)
    }
  }
  server.kill('SIGKILL')
  throw new Error(`expected the server to listen on port ${port}`)
}
