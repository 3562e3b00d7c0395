import { mongoClient } from '#store/mongo/driver'
import { migrateMongo } from '#store/mongo/migrate'

process.exitCode = await main(process.env['MONGO_URL'])

/** Makes the database of `MONGO_URL` ready for this version; the exit code is 1 after one clear sentence. */
async function main(url: string | undefined): Promise<number> {
  if (!url) return refused('MONGO_URL must be the connection string of the database.')
  try {
    const { client, db } = mongoClient(url)
    try {
      await migrateMongo(db)
    } finally {
      await client.close()
    }
    return 0
  } catch (error) {
    return refused(error instanceof Error ? error.message : String(error))
  }
}

function refused(reason: string): number {
  process.stderr.write(`${reason}\n`)
  return 1
}
