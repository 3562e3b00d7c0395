import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, openSync, readFileSync } from 'node:fs'
import { delimiter, dirname, sep } from 'node:path'
import { createInterface } from 'node:readline'
import { freePort } from '../../scripts/free-port.ts'

/** What `npm start --json` prints. */
export interface Access {
  readonly uri: string
  readonly warehouse: string
  readonly token: string
}

export interface Server extends Access {
  /** Ends it and returns when it has ended. */
  stop(): Promise<void>
}

const STOP_MS_MAX = 10_000

/**
 * `npm start` as a user calls it, over a new data folder, in a process group of its own.
 * @param store options that say where the records are kept
 * @param mark put into the environment of everything it starts
 * @param interrupted ends it
 * @throws Error with the end of its log if it does not start
 */
export async function startServer(
  folder: string,
  clientLocations: string,
  store: readonly string[],
  mark: Readonly<Record<string, string>>,
  interrupted: AbortSignal,
): Promise<Server> {
  const log = `${folder}.log`
  const options = [
    '--json',
    '--port',
    String(await freePort()),
    '--data',
    folder,
    '--client-locations',
    clientLocations,
    ...store,
  ]
  // Under root, a database server runs as somebody else, who has to pass.
  chmodSync(dirname(folder), 0o711)
  const child = spawn('npm', ['start', '--silent', '--', ...options], {
    detached: true,
    stdio: ['ignore', 'pipe', openSync(log, 'a')],
    env: { ...shellEnvironment(), ...mark },
  })
  const ended = once(child, 'close')
  ended.catch(() => {})
  const stop = async (): Promise<void> => {
    const killing = setTimeout(() => signal(child, 'SIGKILL'), STOP_MS_MAX)
    signal(child, 'SIGTERM')
    await ended.finally(() => clearTimeout(killing))
  }
  interrupted.addEventListener('abort', () => signal(child, 'SIGTERM'))
  try {
    if (child.stdout === null) throw new Error('npm start could not be run')
    const lines = createInterface({ input: child.stdout })
    const line = await Promise.race([once(lines, 'line'), ended.then(() => null)])
    if (line === null)
      throw new Error(`npm start ended with ${child.exitCode}:\n${readFileSync(log, 'utf8').slice(-4000)}`)
    return { ...(JSON.parse(String(line[0])) as Access), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function signal(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null) return
  try {
    process.kill(-child.pid, name)
  } catch {
    // It ended in between.
  }
}

/** The environment without what npm put into it for us. */
function shellEnvironment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.toLowerCase().startsWith('npm_'))
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((each) => !each.split(sep).includes('node_modules'))
  return { ...Object.fromEntries(own), PATH: path.join(delimiter) }
}
