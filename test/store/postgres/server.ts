import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrate } from '#store/sql/postgres/migrate'
import { tcpDatabase } from '#store/sql/postgres/tcp'
import { postgresMigrations } from '../../../scripts/postgres/migrations.ts'
import { startPostgres } from '../../../scripts/postgres/server.ts'
import { startPostgresFaults } from './fault-proxy.ts'
import { startNeonFront } from './neon-front.ts'

/**
 * Runs a real PostgreSQL at `POSTGRES_TEST_URL`, with our schema, its HTTP front at `NEON_TEST_URL` and its
 * fault proxy at `FAULTS_TEST_PORT`, for as long as
 * the tests run.
 */
export async function setup(): Promise<() => Promise<void>> {
  const { POSTGRES_TEST_URL = '', NEON_TEST_URL = '', FAULTS_TEST_PORT } = process.env
  const { port, username, password } = new URL(POSTGRES_TEST_URL)
  const folder = mkdtempSync(join(tmpdir(), 'pangolin-postgres-'))
  const ends: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })]
  const end = async (): Promise<void> => {
    for (const each of ends.toReversed()) await each()
  }
  try {
    const settings = { fsync: 'off' }
    const server = await startPostgres({ folder, port: Number(port), user: username, password, settings })
    ends.push(() => server.stop())
    const db = tcpDatabase(server.url)
    ends.push(() => db.close())
    await migrate(db, postgresMigrations())
    const front = await startNeonFront({ port: Number(new URL(NEON_TEST_URL).port) })
    ends.push(() => front.stop())
    const faults = await startPostgresFaults(Number(port), { listen: Number(FAULTS_TEST_PORT) })
    ends.push(() => faults.stop())
    return end
  } catch (error) {
    await end()
    throw error
  }
}
