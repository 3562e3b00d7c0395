import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cp, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { getPlatformProxy } from 'wrangler'
import { memoryObjects } from '#test/support/objects'
import type { History } from './history.ts'

const ROOT = path.join(import.meta.dirname, '../..')

/** `npm start` on a data folder, in a process group of its own. */
export interface Server {
  readonly origin: string
  readonly token: string
  /** Ends the whole group at once, and resolves when it is gone. */
  kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>
}

/** Starts the catalog and waits until it says that it is ready. @throws Error with what it printed if it ends instead */
export async function startServer(data: string, port: number, options: readonly string[]): Promise<Server> {
  const own = Object.entries(process.env).filter(([name]) => !/^(npm_|vitest|node_env)/i.test(name))
  const args = ['scripts/start.ts', '--json', '--port', String(port), '--data', data, ...options]
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: Object.fromEntries(own),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (printed = (printed + text).slice(-4000)))
  const line = await Promise.race([once(createInterface(child.stdout), 'line'), once(child, 'exit')])
  if (typeof line[0] !== 'string') throw new Error(`the server ended:\n${printed}`)
  const { uri, token } = JSON.parse(line[0]) as { uri: string; token: string }
  return { origin: uri, token, kill: (signal) => killed(child, signal) }
}

async function killed(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const group = -(child.pid ?? 0)
  if (group === 0) return
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit')
    process.kill(group, signal)
    await ended
  }
  while (isAlive(group)) await new Promise((resolve) => void setTimeout(resolve, 20))
}

function isAlive(group: number): boolean {
  try {
    return process.kill(group, 0)
  } catch {
    return false
  }
}

/** What a stopped server left. */
export interface Left {
  readonly db: D1Database
  readonly files: History['ports']['files']
  close(): Promise<void>
}

/**
 * What a stopped server left in its data folder, as the checker reads it: its D1, if it has one, and all of its objects.
 * It is read from a copy in `copy`, so that the server may go on meanwhile.
 */
export async function dataOf(data: string, copy: string): Promise<Left> {
  await cp(path.join(data, 'v3'), path.join(copy, 'v3'), { recursive: true })
  const configPath = path.join(copy, 'wrangler.toml')
  await writeFile(configPath, storageOnly(await readFile(path.join(ROOT, 'wrangler.toml'), 'utf8')))
  const { env, dispose } = await getPlatformProxy<Pick<Cloudflare.Env, 'DB' | 'LAKE'>>({
    configPath,
    persist: { path: path.join(copy, 'v3') },
  })
  const files = memoryObjects()
  let cursor: string | undefined
  do {
    const page = await env.LAKE.list(cursor === undefined ? {} : { cursor })
    for (const { key } of page.objects) {
      const object = await env.LAKE.get(key)
      if (object) files.files.set(`s3://lake/${key}`, new Uint8Array(await object.arrayBuffer()))
    }
    cursor = page.truncated ? page.cursor : undefined
  } while (cursor !== undefined)
  return { db: env.DB, files, close: dispose }
}

/** The configuration without the Worker itself: whoever only looks at its data runs none of it. */
function storageOnly(config: string): string {
  const withoutMain = config.replace(/^main = .*$/m, '')
  return withoutMain.replace(/^\[\[(?:durable_objects|migrations)[^\n]*\n(?:[^[\n].*\n|\n)*/gm, '')
}
