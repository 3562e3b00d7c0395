import { setTimeout as delay } from 'node:timers/promises'
import { endProcessesWith } from '../processes.ts'
import { DATA_VARIABLE } from './data-folder.ts'
import { Refusal } from './refusal.ts'
import { spawnWrangler } from './wrangler.ts'

export interface ServerOptions {
  readonly host: string
  readonly port: number
  readonly data: string
  readonly settingsFile: string
  /** Of `wrangler.toml`; null: the one without a name. */
  readonly environment: string | null
}

/** A running `wrangler dev`. */
export interface Server {
  /** Rejects with wrangler's last words if it ends by itself; never resolves. */
  readonly died: Promise<never>
  /** Resolves once it ended because it was told to; rejects like `died`. */
  readonly stopped: Promise<void>
  /** Ends every process it started, and returns when they are gone. */
  end(): Promise<void>
}

/** A signal for the whole group reaches wrangler and us together: time for ours to be seen. */
const SIGNAL_GRACE_MS = 200

/** Starts the Worker on `host:port` over the data folder; what it logs goes to stderr. `stop` ends it. */
export function startServer(options: ServerOptions, stop: AbortSignal): Server {
  const wrangler = spawnWrangler(devArguments(options), options.data, stop, (text) => void process.stderr.write(text))
  const stopped = wrangler.exit.then(async (code) => {
    await delay(SIGNAL_GRACE_MS)
    if (!stop.aborted) {
      throw new Refusal(`The server ended by itself (exit code ${code}).\n${wrangler.lastLines()}`.trimEnd())
    }
  })
  const died = stopped.then(() => stop.throwIfAborted() as never)
  // Whoever waits for neither of them has another reason to end.
  stopped.catch(() => {})
  died.catch(() => {})
  const end = async (): Promise<void> => {
    wrangler.kill()
    await endProcessesWith(DATA_VARIABLE, options.data)
    await wrangler.exit
  }
  return { died, stopped, end }
}

/**
 * Request lines come with wrangler's own chatter, so both are there only for those who asked for them. Of an environment
 * without a D1 it warns each time that it has none.
 */
function devArguments({ host, port, data, settingsFile, environment }: ServerOptions): string[] {
  const isVerbose = ['debug', 'info'].includes(process.env['LOG_LEVEL'] ?? '')
  const quiet = environment === null ? 'warn' : 'error'
  const logLevel = isVerbose ? 'log' : quiet
  return `dev --inspector-port 0 --log-level ${logLevel}`
    .split(' ')
    .concat('--ip', host, '--port', String(port), '--persist-to', data, '--env-file', settingsFile)
    .concat(environment === null ? [] : ['--env', environment])
}
