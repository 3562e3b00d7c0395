// Contract: what clients were told over HTTP stays true whatever moment the catalog and its MongoDB are killed at.
// Source: DESIGN 1 (what must always be true), 2.1 "Outcome fencing", 2.2; STYLE, Tests: the process dying.
import { afterAll, beforeAll } from 'vitest'
import { driverVerbs, mongoClient } from '#store/mongo/driver'
import { newMemory } from '#store/mongo/log'
import { mongoStore } from '#store/mongo/mongo'
import { newId } from '#test/contract/fixture'
import { startMongo, type RealServer } from '#test/store/mongo/real-server'
import { rightThroughKills } from './kills.ts'

let server: RealServer

beforeAll(async () => {
  server = await startMongo({ durable: true })
})

afterAll(async () => server?.stop())

rightThroughKills('MongoDB', async () => ({
  options: ['--database-url', server.url('killed')],
  kill: () => server.restart(),
  open: async () => {
    const { client, db } = mongoClient(server.url('killed'))
    return { store: mongoStore(driverVerbs(db), { newId, memory: newMemory() }), close: () => client.close() }
  },
}))
