// Contract: no statement that a request runs on Postgres goes through a whole table, however little the server knows of it,
// and none reads more rows than it is about. Source: DESIGN §2.1 "Indexes"; a real PostgreSQL of this file's own, with
// 100,000 rows of the same tenant beside those asked for, and as many of others.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Statement } from '#store/sql/database'
import { migrate } from '#store/sql/postgres/migrate'
import { postgresStore } from '#store/sql/postgres/postgres'
import type { TcpDatabase } from '#store/sql/postgres/tcp'
import { postgresMigrations } from '../../../scripts/postgres/migrations.ts'
import { runEveryStatement } from '../every-statement.ts'
import { CROWDED, rowsOf, rowsOfOthers } from '../many-rows.ts'
import { ownServer, type OwnServer } from './own-server.ts'

/** By statement: of a server that has not looked at its tables yet, and of one that has. */
const [unknowing, knowing] = [new Map<string, Plan[]>(), new Map<string, Plan[]>()]
/** The same for pages of a namespace with 100,000 tables. */
const pages = new Map<string, Plan[]>()
let server: OwnServer

const NUMBERS = (count: number): string => `generate_series(1, ${count}) n`

beforeAll(async () => {
  server = await ownServer({ autovacuum: 'off' })
  const { db, client } = await server.emptyDatabase()
  await migrate(db, postgresMigrations())
  await client.query(rowsOfOthers(NUMBERS).join(';'))
  await runEveryStatement(postgresStore(explaining(db, unknowing)))
  let crowded = ''
  await runEveryStatement(postgresStore(explaining(db, knowing)), async (tenantId) => {
    crowded = tenantId
    await client.query(rowsOf(tenantId, NUMBERS).join(';'))
    await client.query('ANALYZE')
  })
  const tenant = postgresStore(explaining(db, pages)).tenant(crowded)
  for (const after of [undefined, 't5'])
    await tenant.read({
      at: { catalog: 'demo', ref: 'main' },
      page: { ...PAGE, ...(after === undefined ? {} : { after }) },
    })
}, 240_000)

afterAll(() => server.stop())

const PAGE = { class: 'asset', namespace: CROWDED, kind: 'table', limit: 100 } as const

/** What `EXPLAIN (ANALYZE, FORMAT JSON)` says of one step, and of those below it. */
interface Plan {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly Alias?: string
  readonly 'Index Cond'?: string
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly 'Rows Removed by Index Recheck'?: number
  readonly Plans?: readonly Plan[]
}

/** A database that has every statement explained in front of it, by doing it and taking it back. */
function explaining(db: TcpDatabase, plans: Map<string, Plan[]>): TcpDatabase {
  const explained = (statements: readonly Statement[]): Statement[] =>
    statements.flatMap((statement) => [
      { sql: 'SAVEPOINT explained', params: [] },
      { ...statement, sql: `EXPLAIN (ANALYZE, FORMAT JSON) ${statement.sql}` },
      { sql: 'ROLLBACK TO explained', params: [] },
      statement,
    ])
  const keep = <Result extends { readonly rows: readonly unknown[] }>(
    statements: readonly Statement[],
    results: readonly Result[],
  ): Result[] => {
    for (const [i, { sql }] of statements.entries()) {
      const [row] = (results[4 * i + 1]?.rows ?? []) as { 'QUERY PLAN': string }[]
      const [{ Plan: plan }] = JSON.parse(row?.['QUERY PLAN'] ?? '') as [{ Plan: Plan }]
      plans.set(sql, [...(plans.get(sql) ?? []), plan])
    }
    return results.filter((_, i) => i % 4 === 3)
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
    for (const [sql, step] of stepsOf(unknowing, knowing, pages))
      expect.soft(step['Node Type'], `${nameOf(step)}\nof ${sql}`).not.toBe('Seq Scan')
  })

  it('pin down more than the tenant in the tables that grow', () => {
    for (const [sql, step] of stepsOf(knowing, pages))
      if (/^\(+tenant_id = [^)]*\)$/.test(step['Index Cond'] ?? ''))
        expect.soft(GROWING.test(nameOf(step)), `${nameOf(step)}\nof ${sql}`).toBe(false)
  })

  it('read and sort what they answer, not what is beside it', () => {
    for (const [sql, each] of [...unknowing, ...knowing])
      for (const plan of each) {
        expect.soft(rowsRead(plan), `rows of ${sql}`).toBeLessThan(NAMED.test(sql) ? NAMED_ROWS_MAX : ROWS_MAX)
        expect.soft(rowsSorted(plan), `rows that are sorted by ${sql}`).toBeLessThan(ROWS_MAX)
      }
  })

  it('of a page read its rows and no others', () => {
    expect(pages.size).toBe(3)
    for (const [sql, each] of pages)
      for (const plan of each) expect.soft(rowsRead(plan), sql).toBeLessThan(PAGE.limit + 30)
  })
})

const GROWING = /^(entry|folder|commit_id|log|record|purge_folder|idempotency) /

const ROWS_MAX = 50

/**
 * What may still be named, or must not come back, has no narrower bound than all branches, tags and purges of a tenant: 500
 * each here.
 */
const NAMED = /^WITH bounds/
const NAMED_ROWS_MAX = 5 * 500

function* stepsOf(...all: readonly ReadonlyMap<string, readonly Plan[]>[]): Generator<[sql: string, step: Plan]> {
  for (const [sql, plans] of all.flatMap((one) => [...one]))
    for (const plan of plans) for (const step of below(plan)) yield [sql, step]
}

function below(plan: Plan): Plan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(below)]
}

function nameOf({ 'Relation Name': table = '', Alias: alias = '' }: Plan): string {
  return `${table} ${alias}`
}

/** Of tables: whatever was looked at, wanted or not. */
function rowsRead(plan: Plan): number {
  const scans = below(plan).filter((step) => step['Node Type'].endsWith('Scan') && step['Relation Name'] !== undefined)
  return scans.reduce((sum, step) => sum + timesOf(step), 0)
}

function rowsSorted(plan: Plan): number {
  const sorts = below(plan).filter((step) => step['Node Type'].endsWith('Sort'))
  return sorts.flatMap(({ Plans: inputs = [] }) => inputs).reduce((sum, step) => sum + timesOf(step), 0)
}

function timesOf(step: Plan): number {
  const removed = (step['Rows Removed by Filter'] ?? 0) + (step['Rows Removed by Index Recheck'] ?? 0)
  return (step['Actual Rows'] + removed) * step['Actual Loops']
}
