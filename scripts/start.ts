import { endProcessesWith } from './processes.ts'
import { parseOptions, USAGE, type StartOptions } from './start/options.ts'
import { banner, jsonLine } from './start/banner.ts'
import { DATA_VARIABLE, openDataFolder } from './start/data-folder.ts'
import { openDatabase, type Database } from './start/database.ts'
import { originOf, refuseBusyPort } from './start/origin.ts'
import { untilReady } from './start/ready.ts'
import { Refusal } from './start/refusal.ts'
import { loadSecrets, writeWorkerSettings } from './start/secrets.ts'
import { startServer } from './start/server.ts'
import { untilSilent } from './start/watch.ts'

process.exitCode = await main(process.argv.slice(2))

/** Runs the catalog until it is told to stop; the exit code is 0 after a signal and 1 after one clear sentence. */
async function main(args: readonly string[]): Promise<number> {
  const stopping = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => stopping.abort())
  }
  // Whoever reads the output may leave before the server does.
  process.stdout.on('error', () => {})
  process.stderr.on('error', () => {})
  try {
    const options = parseOptions(args, process.env)
    if (options === 'help') {
      process.stdout.write(USAGE)
    } else {
      await serve(options, stopping.signal)
    }
    return 0
  } catch (error) {
    if (stopping.signal.aborted) {
      return 0
    }
    process.stderr.write(`${error instanceof Refusal ? error.message : String(error)}\n`)
    return 1
  }
}

/** Prepares the data folder, starts the server, announces it on stdout and returns when `stop` fires. */
async function serve(options: StartOptions, stop: AbortSignal): Promise<void> {
  const folder = openDataFolder(options.data)
  try {
    await endProcessesWith(DATA_VARIABLE, folder.path)
    await refuseBusyPort(options.host, options.port)
    await serveFolder(options, folder.path, stop)
  } finally {
    folder.close()
  }
}

async function serveFolder(options: StartOptions, data: string, stop: AbortSignal): Promise<void> {
  const database = await openDatabase(options, data, stop)
  try {
    await serveDatabase(options, data, database, stop)
  } finally {
    await database.stop()
  }
}

async function serveDatabase(
  options: StartOptions,
  data: string,
  database: Database,
  stop: AbortSignal,
): Promise<void> {
  const secrets = loadSecrets(data)
  const settingsFile = writeWorkerSettings(data, secrets, options.clientLocations, database.settings)
  const { host, port } = options
  const server = startServer({ host, port, data, settingsFile, environment: database.environment }, stop)
  try {
    const uri = originOf(host, port)
    const ready = untilReady(uri, secrets.adminPassword, data, database.lost, stop)
    const token = await Promise.race([ready, server.died, database.died])
    const access = { uri, warehouse: 'demo', token, username: 'admin', password: secrets.adminPassword }
    process.stdout.write(options.json ? jsonLine(access) : banner(access, data))
    await Promise.race([database.died, server.stopped, untilSilent(uri, stop).then(() => server.stopped)])
  } finally {
    await server.end()
  }
}
