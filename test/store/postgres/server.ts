import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrate } from '#store/sql/postgres/migrate'
import { tcpDatabase } from '#store/sql/postgres/tcp'
import { postgresMigrations } from '../../../scripts/postgres/migrations.ts'
import { startPostgres } from '../../../scripts/postgres/server.ts'

/** Runs a real PostgreSQL at `POSTGRES_TEST_URL`, with our schema, for as long as its tests run. */
export async function setup(): Promise<() => Promise<void>> {
  const { port, username, password } = new URL(process.env['POSTGRES_TEST_URL'] ?? '')
  const folder = mkdtempSync(join(tmpdir(), 'pangolin-postgres-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  try {
    const settings = { fsync: 'off' }
    const server = await startPostgres({ folder, port: Number(port), user: username, password, settings })
    const end = async (): Promise<void> => {
      await server.stop()
      remove()
    }
    try {
      const db = tcpDatabase(server.url)
      await migrate(db, postgresMigrations())
      await db.close()
      return end
    } catch (error) {
      await end()
      throw error
    }
  } catch (error) {
    remove()
    throw error
  }
}
