// Contract: a Postgres that is not ours, not migrated or not there, and a connection string that is none, are said to be so.
// Source: DESIGN §5; src/config.ts; src/store/sql/postgres/postgres.ts; a real server of this file's own.
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { migrate } from '#store/sql/postgres/migrate'
import { neonDatabase } from '#store/sql/postgres/neon'
import { postgresStore } from '#store/sql/postgres/postgres'
import { tcpDatabase } from '#store/sql/postgres/tcp'
import { startNeonFront } from '#test/store/postgres/neon-front'
import { ownServer, type OwnServer } from '#test/store/postgres/own-server'
import { postgresMigrations } from '../../scripts/postgres/migrations.ts'
import { expectUnusable } from './unusable.ts'

/** Characters that mean something in a URL, in a shell, in SQL or in a settings file. */
const PASSWORD = `p@:/?#[]%'"$\\ é`

let server: OwnServer

beforeAll(async () => {
  server = await ownServer()
})

afterAll(() => server?.stop())

describe('a database', () => {
  it('without a schema', async () => {
    const { url } = await server.emptyDatabase()
    await expectUnusable({ STORE: 'postgres', DATABASE_URL: url }, /no schema yet; run the migrations/)
  })

  it('of another product', async () => {
    const { url, client } = await server.emptyDatabase()
    await client.query('CREATE TABLE orders (id bigint)')
    await expectUnusable({ STORE: 'postgres', DATABASE_URL: url }, /belongs to something else \(it has 'orders'\)/)
    expect((await client.query(`SELECT 1 FROM pg_class WHERE relname = 'record'`)).rows).toEqual([])
  })

  it('that has an older schema', async () => {
    const { url, client, db } = await server.emptyDatabase()
    await migrate(db, postgresMigrations())
    await client.query('DELETE FROM pangolin_schema WHERE version > 0; ALTER TABLE record RENAME TO record_before')
    await expectUnusable(
      { STORE: 'postgres', DATABASE_URL: url },
      /has schema 0, this version needs 1; run the migrations/,
    )
  })

  it('that is not there', async () => {
    const url = 'postgres://someone:the%20secret@127.0.0.1:1/none'
    await expectUnusable({ STORE: 'postgres', DATABASE_URL: url }, /^The catalog database cannot be reached$/, [
      'secret',
    ])
  })
})

describe('a connection string', () => {
  it.each([
    'postgres://someone:the#secret@127.0.0.1/db',
    'postgres://someone:1#secret@127.0.0.1/db',
    'postgres://someone:1/secret@127.0.0.1/db',
    'postgres://someone:the/secret@127.0.0.1/db',
    'mysql://someone:secret@127.0.0.1/db',
    'secret',
  ])('that is none, as %s', async (url) => {
    await expectUnusable({ STORE: 'postgres', DATABASE_URL: url }, /^DATABASE_URL must be .* percent-encoded$/, [
      'secret',
    ])
  })

  it.each(['tcp', 'http'])('with half an escape, over %s', async (transport) => {
    const settings = { STORE: 'postgres', DATABASE_URL: 'postgres://someone:secret%zz@127.0.0.1:1/db' }
    const reason = /percent-encoded$|cannot be reached|does not answer/
    await expectUnusable({ ...settings, DATABASE_TRANSPORT: transport }, reason, ['secret'])
  })

  it('with any password, percent-encoded, over TCP and over Neon’s HTTP', async () => {
    const { db, url, client } = await server.emptyDatabase()
    await migrate(db, postgresMigrations())
    const name = `odd_${crypto.randomUUID().slice(0, 8)}`
    await client.query(`CREATE ROLE ${name} LOGIN PASSWORD ${pg.escapeLiteral(PASSWORD)}`)
    await client.query(`GRANT ALL ON ALL TABLES IN SCHEMA public TO ${name}; GRANT ALL ON SEQUENCE audit_id TO ${name}`)
    const own = new URL(url)
    const odd = `postgres://${name}:${encodeURIComponent(PASSWORD)}@${own.host}${own.pathname}`
    const front = await startNeonFront()
    try {
      for (const each of [server.keep(tcpDatabase(odd)), neonDatabase(odd, front.url)])
        expect(await postgresStore(each).readiness()).toEqual({ ready: true })
    } finally {
      await front.stop()
    }
  })
})
