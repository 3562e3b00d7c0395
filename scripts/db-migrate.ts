import { postgresUrlOf } from '#src/config'
import { mongoClient } from '#store/mongo/driver'
import { migrateMongo } from '#store/mongo/migrate'
import { migrate } from '#store/sql/postgres/migrate'
import { tcpDatabase } from '#store/sql/postgres/tcp'
import { postgresMigrations } from './postgres/migrations.ts'

process.exitCode = await main(process.env['DATABASE_URL'], process.env['MONGO_URL'])

/** Brings the database of the one URL that is set up to date; exit code 1 after one sentence that says why it could not. */
async function main(postgresUrl: string | undefined, mongoUrl: string | undefined): Promise<number> {
  if (Boolean(postgresUrl) === Boolean(mongoUrl)) {
    process.stderr.write(
      'Set either DATABASE_URL to postgres://user:password@host/database, or MONGO_URL to mongodb://user:password@host/database.\n',
    )
    return 1
  }
  try {
    process.stdout.write(await (postgresUrl ? migratePostgres(postgresUrl) : migrateMongoAt(mongoUrl ?? '')))
    return 0
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}.\n`)
    return 1
  }
}

async function migratePostgres(url: string): Promise<string> {
  postgresUrlOf(url)
  const db = tcpDatabase(url)
  try {
    const applied = await migrate(db, postgresMigrations())
    return applied.length > 0 ? `Applied ${applied.join(', ')}; the database is up to date.\n` : 'Nothing to do.\n'
  } finally {
    await db.close()
  }
}

async function migrateMongoAt(url: string): Promise<string> {
  const { client, db } = mongoClient(url)
  try {
    await migrateMongo(db)
    return 'The database has every index; it is up to date.\n'
  } finally {
    await client.close()
  }
}
