// Contract: a database on a server and a data folder belong together, once one of them was used with the other.
// Source: README, the options of npm start; scripts/start/database.ts.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { driverVerbs, mongoClient } from '#store/mongo/driver'
import { newMemory } from '#store/mongo/log'
import { mongoStore } from '#store/mongo/mongo'
import { postgresStore } from '#store/sql/postgres/postgres'
import { newId, newTenant } from '#test/contract/fixture'
import { startMongo, type RealServer } from '#test/store/mongo/real-server'
import { ownServer, type OwnServer } from '#test/store/postgres/own-server'
import { openDatabase } from '../../scripts/start/database.ts'
import { parseOptions } from '../../scripts/start/options.ts'
import { Refusal } from '../../scripts/start/refusal.ts'

let base: string
let mongo: RealServer
let postgres: OwnServer

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), 'pangolin-folders-'))
  mongo = await startMongo({ durable: false })
  postgres = await ownServer()
})

afterAll(async () => {
  await mongo?.stop()
  await postgres?.stop()
  rmSync(base, { recursive: true })
})

function newFolder(): string {
  const folder = join(base, newId())
  mkdirSync(folder)
  return folder
}

/** What `npm start -- …` opens. */
async function open(data: string, ...args: string[]): ReturnType<typeof openDatabase> {
  const options = parseOptions(args)
  if (options === 'help') throw new Error('no options')
  return openDatabase(options, data, new AbortController().signal)
}

/** Each fresh database with a way to use it. */
const SERVERS = {
  postgres: async () => {
    const { url, db } = await postgres.emptyDatabase()
    return { url, use: async () => void (await newTenant(async () => postgresStore(db))) }
  },
  mongo: async () => {
    const url = mongo.url(`db-${newId()}`)
    const use = async (): Promise<void> => {
      const { client, db } = mongoClient(url)
      await newTenant(async () => mongoStore(driverVerbs(db), { newId, memory: newMemory() }))
      await client.close()
    }
    return { url, use }
  },
}

describe.each(['postgres', 'mongo'] as const)('%s', (store) => {
  it('is tied to the folder that it was first opened with, and to no other', async () => {
    const { url, use } = await SERVERS[store]()
    const data = newFolder()
    const opened = await open(data, '--database-url', url)
    expect(opened.settings).toMatchObject({ STORE: store })
    expect(opened.environment).toBe(store === 'mongo' ? 'mongo' : null)
    expect(JSON.parse(readFileSync(join(data, 'database.json'), 'utf8'))).toMatchObject({ store })
    const late = newFolder()
    const second = await open(late, '--database-url', url)
    expect([await second.lost(), existsSync(join(late, 'database.json'))]).toEqual([null, true])
    const third = await open(late, '--database-url', url)
    await use()
    expect(await (await open(data, '--database-url', url)).lost()).toBeNull()
    expect((await third.lost())?.message).toMatch(/^The database holds a catalog already, .* data folder [^\n]*\.$/)
    expect(existsSync(join(late, 'database.json'))).toBe(false)
    const fresh = newFolder()
    await expect(open(fresh, '--database-url', url)).rejects.toThrow(
      /^The database holds a catalog already, whose keys and objects are not in the data folder [^\n]*\.$/,
    )
    expect(existsSync(join(fresh, 'database.json'))).toBe(false)
    await expect(open(data, '--database-url', (await SERVERS[store]()).url)).rejects.toThrow(
      /are in another database: give that one, or give --data a new folder\.$/,
    )
  })

  it('does not take a folder of another store', async () => {
    const [other, name] = store === 'mongo' ? (['postgres', 'PostgreSQL'] as const) : (['mongo', 'MongoDB'] as const)
    const data = newFolder()
    await open(data, '--database-url', (await SERVERS[other]()).url)
    await expect(open(data, '--database-url', (await SERVERS[store]()).url)).rejects.toThrow(
      `are in ${name}: give its URL with --database-url.`,
    )
    await expect(open(data, '--store', 'd1')).rejects.toThrow('give its URL with --database-url.')
  })

  it('says in one sentence, without the secret, that the server is not there or refuses', async () => {
    const gone = store === 'mongo' ? 'mongodb://u:hidden@127.0.0.1:1/d' : 'postgres://u:hidden@127.0.0.1:1/d'
    const wrong = (await SERVERS[store]()).url.replace(/:\/\/([^:]+):[^@]+@/, '://$1:hidden@')
    for (const url of [gone, wrong]) {
      const refused = await open(newFolder(), '--database-url', url).catch((error: unknown) => error)
      expect(refused).toBeInstanceOf(Refusal)
      expect((refused as Refusal).message).toMatch(/^(?!.*hidden)[^\n]*\.$/)
    }
  })
})

it('asks for the server that MongoDB needs, also where the folder was used with one', async () => {
  const needed = /^A MongoDB server is needed[^\n]*--database-url[^\n]*MONGO_URL\.$/
  const data = newFolder()
  await expect(open(data, '--store', 'mongo')).rejects.toThrow(needed)
  await open(data, '--database-url', (await SERVERS.mongo()).url)
  await expect(open(data)).rejects.toThrow(needed)
})

it('asks for the PostgreSQL that a folder was used with, and makes it none of its own', async () => {
  const data = newFolder()
  await open(data, '--database-url', (await SERVERS.postgres()).url)
  await expect(open(data)).rejects.toThrow(/elsewhere: give its URL with --database-url, [^\n]*DATABASE_URL\.$/)
  expect(existsSync(join(data, 'postgres'))).toBe(false)
})
