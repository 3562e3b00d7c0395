import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { tcpDatabase, type TcpDatabase } from '#store/sql/postgres/tcp'
import { freePort } from '../../../scripts/free-port.ts'
import { startPostgres, type PostgresOptions } from '../../../scripts/postgres/server.ts'

/** A PostgreSQL of one test file. */
export interface OwnServer {
  readonly url: string
  clientOf(url: string): Promise<pg.Client>
  /** A new database without anything in it. */
  emptyDatabase(): Promise<{ db: TcpDatabase; url: string; client: pg.Client }>
  /** Closes `db` when the server is stopped. */
  keep(db: TcpDatabase): TcpDatabase
  /** Ends it at once, with whatever is under way, and starts it again. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** @param more settings of the server */
export async function ownServer(more: PostgresOptions['settings'] = {}): Promise<OwnServer> {
  const folder = mkdtempSync(join(tmpdir(), 'pangolin-postgres-'))
  const opened: { end(): Promise<void> }[] = []
  const settings = { fsync: 'off', ...more }
  const options: PostgresOptions = {
    folder,
    port: await freePort(),
    user: 'pangolin',
    password: crypto.randomUUID(),
    settings,
  }
  let server = await startPostgres(options)
  const { url } = server
  const clientOf = async (of: string): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString: of })
    client.on('error', () => {})
    opened.push(client)
    await client.connect()
    return client
  }
  const keep = (db: TcpDatabase): TcpDatabase => {
    opened.push({ end: () => db.close() })
    return db
  }
  return {
    url,
    clientOf,
    keep,
    emptyDatabase: async () => {
      const name = `test_${crypto.randomUUID().replaceAll('-', '')}`
      await (await clientOf(url)).query(`CREATE DATABASE ${name}`)
      const own = new URL(url)
      own.pathname = `/${name}`
      return { db: keep(tcpDatabase(own.href)), url: own.href, client: await clientOf(own.href) }
    },
    restart: async () => {
      await server.stop()
      server = await startPostgres(options)
    },
    stop: async () => {
      for (const each of opened) await each.end()
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
