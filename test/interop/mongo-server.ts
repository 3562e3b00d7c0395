import { createInterface } from 'node:readline'
import { setup } from '#test/store/mongo/program'
import { startMongo } from '#test/store/mongo/real-server'

/** A MongoDB-compatible server: answers `["url", DATABASE]`, and `["kill"]` once it is there again. */
await setup()
const server = await startMongo({ durable: true })
try {
  for await (const line of createInterface({ input: process.stdin })) {
    const [asked, database] = JSON.parse(line) as [string, string | undefined]
    if (asked === 'kill') await server.restart()
    process.stdout.write(`${JSON.stringify(database === undefined ? null : server.url(database))}\n`)
  }
} finally {
  await server.stop()
}
