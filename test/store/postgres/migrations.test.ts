// Contract: a database with data in it comes to the next schema once, whole and with all its data, or not at all.
// Source: DESIGN §2.3; the migrations in drizzle/, and one after them that is this test's own; real servers.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { migrate, type Migration } from '#store/sql/postgres/migrate'
import { postgresStore } from '#store/sql/postgres/postgres'
import { tcpDatabase } from '#store/sql/postgres/tcp'
import { commitOf, create, dump, fork, land, mustRead, newTenant, tableKey, tableValue } from '#test/contract/fixture'
import { postgresMigrations } from '../../../scripts/postgres/migrations.ts'
import { ownServer, type OwnServer } from './own-server.ts'

const known = postgresMigrations()
const version = known.length + 1
/** What a next version may well do: a column that old rows get a value for, an index, a table filled from another. */
const NEXT: Migration = {
  version,
  statements: [
    `ALTER TABLE entry ADD COLUMN note text COLLATE "C" NOT NULL DEFAULT ''`,
    `UPDATE entry SET note = object_id`,
    `CREATE INDEX entry_note ON entry (tenant_id, note)`,
    `CREATE TABLE note AS SELECT tenant_id, object_id, note FROM entry`,
  ],
}
let server: OwnServer

beforeAll(async () => {
  server = await ownServer()
})

afterAll(() => server?.stop())

/** A database at the newest schema there is, with tables, a branch and history. */
async function used() {
  const { db, url, client } = await server.emptyDatabase()
  await migrate(db, known)
  const { tenant, main } = await newTenant(async () => postgresStore(db))
  const keys = Array.from({ length: 20 }, (_, i) => tableKey('a', `t${i}`))
  for (const key of keys)
    await land(tenant, commitOf(main.id, [create(key, tableValue({ locations: [`s3://lake/${key.name}/`] }))]))
  const dev = await fork(tenant, main.id, 'dev')
  const [key = tableKey('', '')] = keys
  await land(tenant, commitOf(dev.id, [{ key, expect: (await mustRead(tenant, dev.id, key)).rev, next: null }]))
  const look = async () => JSON.stringify([await dump(tenant, main.id, ['a']), await dump(tenant, dev.id, ['a'])])
  const schema = async () =>
    (
      await client.query<{ versions: string; notes: string | null; rows: number }>(
        `SELECT (SELECT string_agg(version::text, ',' ORDER BY version) FROM pangolin_schema) AS versions,
          to_regclass('note')::text AS notes, (SELECT count(*)::int FROM entry) AS rows`,
      )
    ).rows[0]
  return { db, url, client, tenant, main, look, schema }
}

it('moves every row to the next schema, once, whoever does it at the same time', async () => {
  const { db, url, client, tenant, main, look, schema } = await used()
  const before = await look()
  const others = Array.from({ length: 3 }, () => server.keep(tcpDatabase(url)))
  const applied = await Promise.all([db, ...others].map((each) => migrate(each, [...known, NEXT])))
  expect(applied.flat()).toEqual([version])
  const found = await schema()
  expect(found).toMatchObject({ versions: Array.from({ length: version + 1 }, (_, i) => i).join(','), notes: 'note' })
  const { rows } = await client.query(
    `SELECT count(*)::int AS all, count(*) FILTER (WHERE note = object_id)::int AS noted FROM entry`,
  )
  expect(rows).toEqual([{ all: found?.rows, noted: found?.rows }])
  expect(await look()).toBe(before)
  // A version that knows nothing of it goes on until it is replaced, though it is not called ready.
  await land(tenant, commitOf(main.id, [create(tableKey('a', 'later'), tableValue())]))
  expect(await postgresStore(db).readiness()).toEqual({
    ready: false,
    reason: expect.stringContaining(
      `newer version: it has schema ${version}, this version knows ${known.length};`,
    ) as string,
  })
  await expect(migrate(db, known)).rejects.toThrow(/newer version/)
})

it('that is interrupted leaves the database as it was, and is made again', async () => {
  const { db, url, client, look, schema } = await used()
  const [before, was] = [await look(), await schema()]
  // Somebody who reads the table holds the migration up, in the middle of which its connection ends.
  const reader = await server.clientOf(url)
  await reader.query('BEGIN; SELECT 1 FROM entry LIMIT 1')
  const migrating = migrate(server.keep(tcpDatabase(url)), [...known, NEXT])
  const isOver = migrating.catch((error: unknown) => error)
  const waiting = `SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'ALTER TABLE entry%'`
  let pid: number | undefined
  while (pid === undefined) pid = (await client.query<{ pid: number }>(waiting)).rows[0]?.pid
  await client.query('SELECT pg_terminate_backend($1)', [pid])
  expect(await isOver).toBeInstanceOf(Error)
  expect(await schema()).toEqual(was)
  await reader.query('ROLLBACK')
  expect(await migrate(db, [...known, NEXT])).toEqual([version])
  expect(await look()).toBe(before)
})
