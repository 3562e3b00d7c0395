import { spawn, type ChildProcess } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { DATA_VARIABLE } from './data-folder.ts'

/** Lines of output kept to say why wrangler ended. */
const LINES_KEPT = 20
const LAST_WORDS_MS = 500

/** A running wrangler. `exit` resolves with its exit code (null after a signal) once it has ended. */
export interface Wrangler {
  readonly exit: Promise<number | null>
  lastLines(): string
  kill(): void
}

/**
 * Starts the lockfile's wrangler with this Node, in this process group, in such a way that it asks nothing, reports
 * nothing and keeps what it writes in the data folder. `stop` ends it. Its output goes to `print`.
 */
export function spawnWrangler(
  args: readonly string[],
  data: string,
  stop: AbortSignal,
  print: (text: string) => void,
): Wrangler {
  const home = join(data, 'wrangler')
  rmSync(join(home, 'logs'), { recursive: true, force: true })
  const child = spawn(process.execPath, [join('node_modules', 'wrangler', 'bin', 'wrangler.js'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment(home, data),
    signal: stop,
  })
  const lines: string[] = []
  const take = (coloured: string): void => {
    const text = stripVTControlCharacters(coloured)
    print(text)
    lines.push(...text.split('\n').filter((line) => line.trim() !== ''))
    lines.splice(0, lines.length - LINES_KEPT)
  }
  child.stdout.setEncoding('utf8').on('data', take)
  child.stderr.setEncoding('utf8').on('data', take)
  return { exit: exitOf(child), lastLines: () => lines.join('\n'), kill: () => void child.kill() }
}

/**
 * An aborted child reports an error first; what counts is that it has ended. What it started may outlive it and keep its
 * output open, so that is waited for only as long as its last words may take.
 */
async function exitOf(child: ChildProcess): Promise<number | null> {
  const { promise, resolve, reject } = Promise.withResolvers<number | null>()
  child.once('close', resolve)
  child.once('exit', (code) => setTimeout(resolve, LAST_WORDS_MS, code).unref())
  child.on('error', (error) => {
    if (child.pid === undefined) {
      reject(error)
    }
  })
  return promise
}

/** The caller's environment without what would make wrangler serve something else. */
function environment(home: string, data: string): NodeJS.ProcessEnv {
  const { CLOUDFLARE_ENV: _environment, NODE_OPTIONS: _options, ...inherited } = process.env
  return {
    ...inherited,
    [DATA_VARIABLE]: data,
    CI: '1',
    NO_COLOR: '1',
    FORCE_COLOR: '0',
    XDG_CONFIG_HOME: home,
    WRANGLER_REGISTRY_PATH: join(home, 'registry'),
    WRANGLER_LOG_PATH: join(home, 'logs'),
    WRANGLER_HIDE_BANNER: 'true',
    WRANGLER_SEND_METRICS: 'false',
    WRANGLER_SEND_ERROR_REPORTS: 'false',
    CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV: 'true',
    CLOUDFLARE_CF_FETCH_ENABLED: 'false',
    X_LOCAL_EXPLORER: 'false',
    X_LOCAL_OBSERVABILITY: 'false',
  }
}
