import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { freePort } from '../free-port.ts'
import { hasPostgres } from '../postgres/binaries.ts'
import { postgresOwner } from '../postgres/owner.ts'
import { startPostgres } from '../postgres/server.ts'
import { writeFileAtomic } from './atomic-file.ts'
import { DATA_VARIABLE } from './data-folder.ts'
import { Refusal } from './refusal.ts'

const USER = 'pangolin'

/** Every request may open a connection of its own, and so may every table that is written to. */
const CONNECTIONS_MAX = 500

/** Whether the data folder has a PostgreSQL of its own. */
export function hasEmbedded(data: string): boolean {
  return existsSync(join(data, 'postgres'))
}

/** Starts the data folder's own PostgreSQL on a free port of 127.0.0.1; a folder that has none gets one. */
export async function startEmbedded(
  data: string,
): Promise<{ url: string; died: Promise<never>; stop: () => Promise<void> }> {
  if (!hasPostgres())
    throw new Refusal(
      'No PostgreSQL comes with this catalog for your machine: give the URL of one with --database-url.',
    )
  makeReachable(data)
  const server = await startPostgres({
    folder: join(data, 'postgres'),
    port: await freePort(),
    user: USER,
    password: passwordOf(data),
    settings: { max_connections: String(CONNECTIONS_MAX) },
    environment: { [DATA_VARIABLE]: data },
  }).catch((error: unknown) => {
    throw new Refusal(error instanceof Error ? error.message : String(error))
  })
  let isStopping = false
  const died = server.ended.then(() => {
    if (!isStopping) throw new Refusal('PostgreSQL ended by itself: start again.')
    return Promise.withResolvers<never>().promise
  })
  // Whoever waits for it has gone when it is stopped.
  died.catch(() => {})
  const stop = async (): Promise<void> => {
    isStopping = true
    await server.stop()
  }
  return { url: server.url, died, stop }
}

/** Made once: the cluster is made with it. */
function passwordOf(data: string): string {
  const file = join(data, 'postgres-password')
  if (!existsSync(file)) writeFileAtomic(file, randomBytes(24).toString('base64url'))
  return readFileSync(file, 'utf8')
}

/**
 * Under root, PostgreSQL runs as somebody else, who must pass through the folder to its part of it, and may not look
 * around: what we make from now on is ours alone.
 */
function makeReachable(data: string): void {
  if (postgresOwner() === null) return
  process.umask(0o077)
  chmodSync(data, 0o711)
  for (let folder = data; folder !== dirname(folder); folder = dirname(folder))
    if ((statSync(folder).mode & 0o001) === 0)
      throw new Refusal(
        `Under root PostgreSQL runs as another user, who cannot pass through ${folder}: give --data a folder elsewhere, such as /var/lib/pangolin.`,
      )
}
