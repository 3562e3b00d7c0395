// Contract: migrations make the schema once, whoever runs them how often; code and database know whether they fit.
// Source: DESIGN §2.1 "Outcome fencing", §2.3 (one column table); a real PostgreSQL of this file's own.
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sqlName, TABLES, type Columns } from '#store/sql/columns'
import { databaseIdentity, migrate } from '#store/sql/postgres/migrate'
import { POSTGRES_SCHEMA_VERSION, postgresStore } from '#store/sql/postgres/postgres'
import { tcpDatabase, type TcpDatabase } from '#store/sql/postgres/tcp'
import { commitOf, create, land, member, newTenant, tableKey, tableValue } from '#test/contract/fixture'
import { postgresMigrations } from '../../../scripts/postgres/migrations.ts'
import { ownServer, type OwnServer } from './own-server.ts'

const migrations = postgresMigrations()
let server: OwnServer

beforeAll(async () => {
  server = await ownServer()
})

afterAll(() => server.stop())

describe('migrations', () => {
  it('make the columns of the column table, compared by bytes', async () => {
    const { db, client } = await server.emptyDatabase()
    expect(await migrate(db, migrations)).toEqual([1])
    for (const [table, columns] of Object.entries<Columns>(TABLES)) {
      const { rows } = await client.query(
        `SELECT column_name AS name, data_type AS type, is_nullable = 'YES' AS nullable, collation_name AS collation
          FROM information_schema.columns WHERE table_name = $1 ORDER BY ordinal_position`,
        [sqlName(table)],
      )
      expect(rows).toEqual(
        Object.entries(columns).map(([name, { type, nullable }]) => ({
          name: sqlName(name),
          type: type === 'integer' ? 'bigint' : 'text',
          nullable,
          collation: type === 'integer' ? null : 'C',
        })),
      )
    }
  })

  it('are as many as the code expects', () => {
    expect(migrations.map(({ version }) => version)).toEqual([POSTGRES_SCHEMA_VERSION])
  })

  it('are applied once by many that run at once, and change nothing afterwards', async () => {
    const { db, url } = await server.emptyDatabase()
    const others = Array.from({ length: 3 }, () => server.keep(tcpDatabase(url)))
    const applied = await Promise.all([db, ...others].map((each) => migrate(each, migrations)))
    expect(applied.flat()).toEqual([1])
    const { tenant, main } = await newTenant(async () => postgresStore(db))
    await land(tenant, commitOf(main.id, []))
    const before = await databaseIdentity(db)
    expect(before.isUsed).toBe(true)
    expect(await migrate(db, migrations)).toEqual([])
    expect(await databaseIdentity(db)).toEqual(before)
    expect((await tenant.history.log({ branchId: main.id, limit: 10 })).entries).toHaveLength(1)
  })

  it('leave a database that is newer, or not ours, as it is', async () => {
    const newer = await server.emptyDatabase()
    await migrate(newer.db, migrations)
    await newer.client.query('INSERT INTO pangolin_schema (version) VALUES (2)')
    await expect(migrate(newer.db, migrations)).rejects.toThrow(/newer version: it has schema 2, this version knows 1/)
    const foreign = await server.emptyDatabase()
    await foreign.client.query('CREATE TABLE orders (id bigint)')
    await expect(migrate(foreign.db, migrations)).rejects.toThrow(/belongs to something else \(it has 'orders'\)/)
    const { rows } = await foreign.client.query(`SELECT 1 FROM pg_class WHERE relname = 'pangolin_schema'`)
    expect(rows).toEqual([])
  })

  it('that break half-way leave nothing behind', async () => {
    const { db, client } = await server.emptyDatabase()
    const broken = { version: 2, statements: ['CREATE TABLE half (x bigint)', 'SELECT no_such_column'] }
    await expect(migrate(db, [...migrations, broken])).rejects.toThrow(/no_such_column/)
    const { rows } = await client.query(
      `SELECT max(version)::int AS v, to_regclass('half') AS half FROM pangolin_schema`,
    )
    expect(rows).toEqual([{ v: 1, half: null }])
  })
})

describe('readiness', () => {
  it('finds the schema missing, older, newer, or the database somebody else’s, in one sentence', async () => {
    const { db, client } = await server.emptyDatabase()
    const reasonOf = async (of = db): Promise<string> => {
      const readiness = await postgresStore(of).readiness()
      return readiness.ready ? 'ready' : readiness.reason
    }
    expect(await reasonOf()).toMatch(/no schema yet; run the migrations \(npm run db:migrate\)/)
    await migrate(db, migrations)
    expect(await reasonOf()).toBe('ready')
    await client.query('DELETE FROM pangolin_schema WHERE version = 1')
    expect(await reasonOf()).toMatch(/has schema 0, this version needs 1; run the migrations/)
    await client.query('INSERT INTO pangolin_schema (version) VALUES (2)')
    expect(await reasonOf()).toMatch(/written by a newer version/)
    const foreign = await server.emptyDatabase()
    await foreign.client.query('CREATE VIEW sales AS SELECT 1')
    expect(await reasonOf(foreign.db)).toMatch(/belongs to something else \(it has 'sales'\)/)
  })

  it('finds a user that may do nothing, or a password that is wrong, and does not tell it', async () => {
    const { db, url, client } = await server.emptyDatabase()
    await migrate(db, migrations)
    const name = `stranger_${crypto.randomUUID().slice(0, 8)}`
    const password = `p@:/?#[]%'"$\\ é`
    await client.query(`CREATE ROLE ${name} LOGIN PASSWORD ${pg.escapeLiteral(password)}`)
    const as = (secret: string): TcpDatabase => {
      const stranger = new URL(url)
      stranger.username = name
      return server.keep(tcpDatabase(stranger.href.replace(/:[^:@/]*@/, `:${encodeURIComponent(secret)}@`)))
    }
    expect(await postgresStore(as('wrong secret')).readiness()).toEqual({
      ready: false,
      reason: 'The catalog database does not accept the user or the password it was given',
    })
    expect(await postgresStore(as(password)).readiness()).toEqual({
      ready: false,
      reason: 'The catalog database does not let this user read or write its tables',
    })
    await client.query(`GRANT ALL ON ALL TABLES IN SCHEMA public TO ${name}; GRANT ALL ON SEQUENCE audit_id TO ${name}`)
    expect(await postgresStore(as(password)).readiness()).toEqual({ ready: true })
  })
})

describe('a lookup of a commit that is on its way', () => {
  it.each([['COMMIT', { landed: true, seq: 7 }] as const, ['ROLLBACK', { landed: false }] as const])(
    'waits for its %s',
    async (end, settled) => {
      const { db, client } = await server.emptyDatabase()
      await migrate(db, migrations)
      const { tenant, tenantId } = await newTenant(async () => postgresStore(db))
      await client.query('BEGIN')
      await client.query(`INSERT INTO commit_id (tenant_id, id, outcome, seq) VALUES ($1, 'x', 'committed', 7)`, [
        tenantId,
      ])
      let answer: unknown
      const asked = tenant.settle('x').then((found) => (answer = found))
      const watcher = await server.clientOf(server.url)
      const isWaiting = `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'INSERT INTO commit_id%'`
      while ((await watcher.query(isWaiting)).rowCount === 0) expect(answer).toBeUndefined()
      await client.query(end)
      await asked
      expect(answer).toEqual(settled)
    },
  )
})

describe('a server that restarts while commits are on their way', () => {
  it('loses none that was acknowledged, and is found again by the same store', async () => {
    const { db } = await server.emptyDatabase()
    await migrate(db, migrations)
    const { tenant, main } = await newTenant(async () => postgresStore(db))
    const outcomes: { id: string; outcome: string }[] = []
    const over = new AbortController()
    const write = async (): Promise<void> => {
      while (!over.signal.aborted) {
        const one = member()
        const commit = commitOf(main.id, [create(tableKey('a', one.id), tableValue())], { members: [one] })
        const { outcome } = await tenant.commit(commit).catch(() => ({ outcome: 'unavailable' }))
        outcomes.push({ id: one.id, outcome })
        if (outcome !== 'committed') await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
    const writers = [write(), write(), write()]
    const landed = (): number => outcomes.filter(({ outcome }) => outcome === 'committed').length
    while (landed() < 20) await new Promise((resolve) => setTimeout(resolve, 5))
    await server.restart()
    const before = landed()
    while (landed() < before + 20) await new Promise((resolve) => setTimeout(resolve, 5))
    over.abort()
    await Promise.all(writers)
    for (const { id, outcome } of outcomes) {
      const settled = await tenant.settle(id)
      const [found] = (await tenant.read({ at: { branchId: main.id }, keys: [tableKey('a', id)] })).entries
      expect(found !== null).toBe(settled.landed)
      if (outcome !== 'unknown') expect(settled.landed, outcome).toBe(outcome === 'committed')
    }
  })
})
