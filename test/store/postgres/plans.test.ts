// Contract: no statement that a request runs on Postgres goes through a whole table, however little the server knows of it.
// Source: DESIGN §2.1 "Indexes"; a real PostgreSQL of this file's own, with thousands of rows beside those asked for.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Statement } from '#store/sql/database'
import { migrate } from '#store/sql/postgres/migrate'
import { postgresStore } from '#store/sql/postgres/postgres'
import type { TcpDatabase } from '#store/sql/postgres/tcp'
import { commitOf, create, land, newTenant, tableKey, tableValue } from '#test/contract/fixture'
import { postgresMigrations } from '../../../scripts/postgres/migrations.ts'
import { runEveryStatement } from '../every-statement.ts'
import { ownServer, type OwnServer } from './own-server.ts'

const ROWS = 20_000
/** By statement: of a server that has not looked at its tables yet, and of one that has. */
const [unknowing, knowing] = [new Map<string, string[]>(), new Map<string, string[]>()]
let server: OwnServer

beforeAll(async () => {
  server = await ownServer()
  const { db, client } = await server.emptyDatabase()
  await migrate(db, postgresMigrations())
  const { tenant, main } = await newTenant(async () => postgresStore(db))
  for (let start = 0; start < ROWS; start += 500) {
    const changes = Array.from({ length: 500 }, (_, i) =>
      create(tableKey('a', `t${start + i}`), tableValue({ locations: [`s3://lake/${start + i}/`] })),
    )
    await land(tenant, commitOf(main.id, changes))
  }
  await runEveryStatement(postgresStore(explaining(db, unknowing)))
  await runEveryStatement(postgresStore(explaining(db, knowing)), async (tenantId) => {
    await client.query(manyRows(tenantId))
    await client.query('ANALYZE')
  })
}, 240_000)

afterAll(() => server.stop())

/** Rows of a tenant, thousands in each table. */
function manyRows(tenantId: string): string {
  const insert = (table: string, values: string): string =>
    `INSERT INTO ${table} SELECT '${tenantId}', ${values} FROM generate_series(1, 5000) n;`
  return [
    insert('record', `'grant', 'g' || n, NULL, 'u' || n, '{}'`),
    insert('ref', `'b' || n, 'c', 'b' || n, 'branch', 'open', 'b' || n, 9007199254740991, 0, '[]', ''`),
    insert(
      'entry',
      `'b' || n % 50, 'asset', 'a', 't' || n, 1, 2, 'r', 'o' || n, 'table', 0, 's3://m/' || n, '[]', '{}', '{}', 0`,
    ),
    insert('commit_id', `'i' || n, 'committed', n`),
    insert('idempotency', `'k' || n, 'f', '{}', n::text`),
    insert('metrics_report', `n, 'o' || n % 100, n, '', '', '', NULL, '{}'`),
    insert('log', `'b' || n % 50, n, '', '[]', '[]', '[]'`),
    insert('audit', `1000000 + n, '', '', NULL, '', '', NULL, '', NULL, '', '', NULL, '', ''`),
    insert('purge', `'p' || n, 'o' || n, 'w', '', '[]', 'pending', NULL, n::text`),
    insert('purge_folder', `'s3://p/' || n || '/', 'p' || n, 'o' || n`),
  ].join('\n')
}

/** A database that has every statement explained in front of it. */
function explaining(db: TcpDatabase, plans: Map<string, string[]>): TcpDatabase {
  const explained = (statements: readonly Statement[]): Statement[] =>
    statements.flatMap((statement) => [{ ...statement, sql: `EXPLAIN ${statement.sql}` }, statement])
  const keep = <Result extends { readonly rows: readonly unknown[] }>(
    statements: readonly Statement[],
    results: readonly Result[],
  ): Result[] => {
    for (const [i, { sql }] of statements.entries()) {
      const steps = results[2 * i]?.rows.map((row) => (row as { 'QUERY PLAN': string })['QUERY PLAN']) ?? []
      plans.set(sql, [...(plans.get(sql) ?? []), ...steps])
    }
    return results.filter((_, i) => i % 2 === 1)
  }
  return {
    ...db,
    read: async <Row>(statements: readonly Statement[]) => keep(statements, await db.read<Row>(explained(statements))),
    write: async <Row>(statements: readonly Statement[]) =>
      keep(statements, await db.write<Row>(explained(statements))),
  }
}

describe('query plans', () => {
  it('cover every statement of the store', () => {
    for (const plans of [unknowing, knowing]) expect(plans.size).toBeGreaterThan(35)
  })

  it('seek in every table they read', () => {
    for (const [sql, steps] of [...unknowing, ...knowing])
      for (const step of steps) expect.soft(step, `${steps.join('\n')}\nof ${sql}`).not.toMatch(SCAN)
  })

  it('pin down more than the tenant in the tables that grow', () => {
    for (const [sql, steps] of knowing)
      for (const [i, step] of steps.entries())
        if (/Index Cond: \(+tenant_id = [^)]*\)$/.test(step))
          expect
            .soft(steps[i - 1], `${step}\nof ${sql}`)
            .not.toMatch(/ on (entry|folder|commit_id|log|record|purge_folder|idempotency)\b/)
  })
})

/**
 * But for all branches, tags and purges of a tenant, which is most of the table here: what may still be named, or must not
 * come back, has no narrower bound. Of metrics reports a tenant has a limited number.
 */
const SCAN = /Seq Scan on (?!ref [ht](_\d+)? |purge p |metrics_report )/
