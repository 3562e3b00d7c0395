// Contract: a database of any earlier schema, with data in it, is as good as a new one after the newest migration.
// Source: DESIGN §2.3; the migrations themselves, which go forward only.
import { applyD1Migrations } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { d1Store, SCHEMA_VERSION } from '#store/sql/d1'
import { answered, AT, commitOf, create, land, member, tableKey, tableValue } from '#test/contract/fixture'

/** What schema 2 has besides, in a database that came from schema 1. */
const MORE_AS_OF_2 = [
  `INSERT INTO idempotency (tenant_id, key, fingerprint, answer, at)
    VALUES ('t', 'another key', 'f', '{"kind":"json","text":"{}"}', '${AT}')`,
]

/** As schema 1 keeps a tenant with one table: written down, because the code of its time is gone. */
const AS_OF_1 = [
  `INSERT INTO record (tenant_id, kind, id, name, owner, doc) VALUES
    ('t', 'tenant', 't', 'default', NULL, '{"id":"t","name":"default","createdAt":"${AT}"}'),
    ('t', 'warehouse', 'w', 'lake', NULL, '{"id":"w","name":"lake","storage":{"kind":"r2","bucket":"lake","prefix":""},"createdAt":"${AT}"}'),
    ('t', 'catalog', 'c', 'demo', 'w', '{"id":"c","name":"demo","warehouseId":"w","properties":{},"createdAt":"${AT}"}'),
    ('t', 'user', 'u', 'admin', NULL, '{"id":"u","username":"admin","role":"root","passwordHash":null,"active":true,"createdAt":"${AT}"}')`,
  `INSERT INTO ref (tenant_id, id, catalog_id, name, kind, state, branch_id, seq, head_seq, ancestors, created_at)
    VALUES ('t', 'b', 'c', 'main', 'branch', 'open', 'b', 9007199254740991, 2, '[]', '${AT}')`,
  `INSERT INTO entry (tenant_id, branch_id, class, namespace, name, from_seq, to_seq, rev, object_id, kind, tombstone,
      metadata_location, locations, properties, summary) VALUES
    ('t', 'b', 'namespace', '', 'a', 1, 9007199254740991, 'id-1', 'n', 'namespace', 0, NULL, '[]', '{"p":"1"}', '{}'),
    ('t', 'b', 'asset', 'a', 't', 2, 9007199254740991, 'id-2', 'o', 'table', 0, 's3://lake/t/metadata/0.json',
      '["s3://lake/t/"]', '{}', '{"formatVersion":2}')`,
  `INSERT INTO folder (tenant_id, location, object_id) VALUES ('t', 's3://lake/t/', 'o')`,
  `INSERT INTO commit_id (tenant_id, id, outcome, seq, idempotency_key) VALUES
    ('t', 'id-1', 'committed', 1, NULL), ('t', 'id-2', 'committed', 2, 'a key'), ('t', 'id-3', 'void', NULL, NULL)`,
  `INSERT INTO log (tenant_id, branch_id, seq, at, ids, records, changes) VALUES
    ('t', 'b', 1, '${AT}', '["id-1"]', '[{"kind":"create","author":"u","message":"m"}]', '[]'),
    ('t', 'b', 2, '${AT}', '["id-2"]', '[{"kind":"create","author":"u","message":"m"}]', '[]')`,
  `INSERT INTO audit (tenant_id, id, at, commit_id, idempotency_key, principal_id, principal_name, client, request_id,
      address, action, target, target_id, message, result) VALUES
    ('t', 1, '${AT}', 'id-1', NULL, 'u', 'admin', NULL, 'r', NULL, 'create_namespace', 'a', 'n', 'm', 'success'),
    ('t', 2, '${AT}', 'id-2', 'a key', 'u', 'admin', NULL, 'r', NULL, 'create_table', 'a.t', 'o', 'm', 'success')`,
]

const NEWEST = env.TEST_MIGRATIONS.length
const key = tableKey('a', 't')

describe.each([1, 2])('a database of schema %i', (schema) => {
  beforeAll(() => expect(NEWEST).toBe(SCHEMA_VERSION))

  beforeEach(async () => {
    await emptied()
    await applyD1Migrations(env.DB, env.TEST_MIGRATIONS.slice(0, 1))
    await env.DB.batch(AS_OF_1.map((statement) => env.DB.prepare(statement)))
    await applyD1Migrations(env.DB, env.TEST_MIGRATIONS.slice(0, schema))
    if (schema >= 2) await env.DB.batch(MORE_AS_OF_2.map((statement) => env.DB.prepare(statement)))
    await applyD1Migrations(env.DB, env.TEST_MIGRATIONS)
  })

  it('is ready, and shows what it had', async () => {
    const store = d1Store(env.DB)
    expect(await store.readiness()).toEqual({ ready: true })
    const tenant = store.tenant('t')
    const read = await tenant.read({
      caller: { userId: 'u', tokenId: 'none' },
      at: { catalog: 'demo', ref: 'main' },
      keys: [key],
    })
    expect(read).toMatchObject({
      caller: { user: { username: 'admin' }, revoked: false },
      place: { branch: { headSeq: 2 }, warehouse: { id: 'w' } },
      entries: [{ objectId: 'o', rev: 'id-2', metadataLocation: 's3://lake/t/metadata/0.json' }],
    })
    expect((await tenant.history.log({ branchId: 'b', limit: 9 })).entries.map(({ seq }) => seq)).toEqual([2, 1])
    const { records } = await tenant.history.audit({ limit: 9 })
    expect(records.map(({ idempotencyKey }) => idempotencyKey)).toEqual(['a key', null])
  })

  it('goes on from where it was: commits land, fences and keys hold', async () => {
    const tenant = d1Store(env.DB).tenant('t')
    const drop = { key, expect: 'id-2', next: null }
    expect(await tenant.settle('id-2')).toEqual({ landed: true, seq: 2 })
    expect(await tenant.commit(commitOf('b', [drop], { members: [member({ id: 'id-3' })] }))).toEqual({
      outcome: 'decided',
      id: 'id-3',
    })
    const replayed = commitOf('b', [drop], { members: [member({ idempotency: answered('a key') })] })
    expect(await tenant.commit(replayed)).toEqual({ outcome: 'replayed', idempotencyKey: 'a key' })
    const { idempotency } = await tenant.read({ idempotencyKey: 'a key' })
    expect(idempotency).toEqual({ key: 'a key', fingerprint: '', answer: { kind: 'none' }, at: AT })
    const another = (await tenant.read({ idempotencyKey: 'another key' })).idempotency
    expect(another?.answer ?? null).toEqual(schema >= 2 ? { kind: 'json', text: '{}' } : null)
    expect(
      await tenant.history.trim({
        objectId: 'o',
        metadataLocations: ['s3://lake/t/metadata/0.json'],
        forgottenAt: { branchId: 'b', seq: 2 },
      }),
    ).toEqual([])
    const taken = create(tableKey('a', 'u'), tableValue({ locations: ['s3://lake/t/u/'] }))
    expect(await tenant.commit(commitOf('b', [taken]))).toEqual({ outcome: 'overlap', change: 0 })
    expect(await land(tenant, commitOf('b', [drop], { members: [member({ idempotency: answered() })] }))).toBe(3)
  })
})

/** The database as it was before its first migration. */
async function emptied(): Promise<void> {
  const { results } = await env.DB.prepare(
    `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_cf%' ESCAPE '\\'`,
  ).run<{ name: string }>()
  await env.DB.batch(results.map(({ name }) => env.DB.prepare(`DROP TABLE "${name}"`)))
}
