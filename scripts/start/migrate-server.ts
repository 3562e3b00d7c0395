import { randomUUID } from 'node:crypto'
import { mongoClient } from '#store/mongo/driver'
import { migrateMongo, mongoIdentity } from '#store/mongo/migrate'
import { databaseIdentity, migrate } from '#store/sql/postgres/migrate'
import { tcpDatabase } from '#store/sql/postgres/tcp'
import { postgresMigrations } from '../postgres/migrations.ts'

/** Which database it is, whatever its address, and whether anything is in it. */
export interface Identity {
  readonly id: string
  readonly isUsed: boolean
}

/** Brings a database of PostgreSQL up to date. @throws Error with a sentence without its full stop */
export async function preparePostgres(url: string): Promise<Identity> {
  const db = tcpDatabase(url)
  try {
    await migrate(db, postgresMigrations())
    return await databaseIdentity(db)
  } finally {
    await db.close()
  }
}

/** Brings a database of MongoDB up to date. @throws Error with a sentence without its full stop */
export async function prepareMongo(url: string): Promise<Identity> {
  const { client, db } = mongoClient(url)
  try {
    await migrateMongo(db)
    return await mongoIdentity(db, randomUUID())
  } finally {
    await client.close()
  }
}
