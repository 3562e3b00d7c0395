// Contract: the migrations make what the column table says; code and database know whether they fit each other.
// Source: DESIGN §2.3 (one column table); platform facts on D1 migrations.
import { applyD1Migrations } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { sqlName, TABLES, type Columns } from '#store/sql/columns'
import { d1Store, SCHEMA_VERSION } from '#store/sql/d1'
import { commitOf, land, newTenant } from '#test/contract/fixture'

describe('the schema', () => {
  it.each(Object.entries<Columns>(TABLES))('has the columns of %s', async (table, columns) => {
    const { results } = await env.DB.prepare('SELECT name, type, "notnull" FROM pragma_table_info(?)')
      .bind(sqlName(table))
      .run()
    expect(results).toEqual(
      Object.entries(columns).map(([name, { type, nullable }]) => ({
        name: sqlName(name),
        type: type === 'integer' ? 'INTEGER' : 'TEXT',
        notnull: nullable ? 0 : 1,
      })),
    )
  })

  it('has no table but those, and keys and indexes start with the tenant, but for the one across tenants', async () => {
    const { results: tables } = await env.DB.prepare(
      `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'd1%' AND name NOT LIKE '\\_cf%' ESCAPE '\\'`,
    ).run<{ name: string }>()
    const expected = Object.keys(TABLES).map((name) => sqlName(name))
    expect(tables.map(({ name }) => name).toSorted()).toEqual([...expected, 'guard', 'schema_version'].toSorted())
    for (const table of expected) {
      const { results } = await env.DB.prepare(
        'SELECT i.name AS "index", c.name AS "column" FROM pragma_index_list(?) i, pragma_index_info(i.name) c WHERE c.seqno = 0 AND i.name <> \'record_storage\'',
      )
        .bind(table)
        .run<{ index: string; column: string }>()
      expect(results.length).toBeGreaterThan(0)
      for (const { index, column } of results) expect(column, index).toBe('tenant_id')
    }
  })

  it('is made once: migrations that were applied are not applied again', async () => {
    const { tenant, main } = await newTenant(async () => d1Store(env.DB))
    await land(tenant, commitOf(main.id, []))
    await applyD1Migrations(env.DB, env.TEST_MIGRATIONS)
    expect((await tenant.history.log({ branchId: main.id, limit: 10 })).entries).toHaveLength(1)
    const { results } = await env.DB.prepare('SELECT version FROM schema_version').run()
    expect(results).toEqual([{ version: SCHEMA_VERSION }])
  })

  it('is as new as the newest migration', () => {
    expect(
      env.TEST_MIGRATIONS.map(({ name }) => Number.parseInt(name, 10))
        .toSorted()
        .at(-1),
    ).toBe(SCHEMA_VERSION)
  })

  it('is found older, newer or missing, in one sentence', async () => {
    const store = d1Store(env.DB)
    const set = (version: number) => env.DB.prepare('UPDATE schema_version SET version = ?').bind(version).run()
    await set(SCHEMA_VERSION + 1)
    expect(await store.readiness()).toMatchObject({
      ready: false,
      reason: expect.stringMatching(/newer version/) as string,
    })
    await set(SCHEMA_VERSION - 1)
    expect(await store.readiness()).toMatchObject({
      ready: false,
      reason: expect.stringMatching(/run the migrations/) as string,
    })
    await env.DB.prepare('DROP TABLE schema_version').run()
    expect(await store.readiness()).toMatchObject({
      ready: false,
      reason: expect.stringMatching(/no schema yet/) as string,
    })
  })
})
