import { migrate } from '#store/sql/postgres/migrate'
import { tcpDatabase } from '#store/sql/postgres/tcp'
import { postgresMigrations } from './postgres/migrations.ts'

process.exitCode = await main(process.env['DATABASE_URL'])

/** Brings the database at `DATABASE_URL` up to date; exit code 1 after one sentence that says why it could not. */
async function main(url: string | undefined): Promise<number> {
  if (!url) {
    process.stderr.write('Set DATABASE_URL to postgres://user:password@host/database.\n')
    return 1
  }
  const db = tcpDatabase(url)
  try {
    const applied = await migrate(db, postgresMigrations())
    process.stdout.write(
      applied.length > 0 ? `Applied ${applied.join(', ')}; the database is up to date.\n` : 'Nothing to do.\n',
    )
    return 0
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}.\n`)
    return 1
  } finally {
    await db.close()
  }
}
