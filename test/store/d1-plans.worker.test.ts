// Contract: no statement that a request runs reads a whole table, or all of a tenant's rows of one, with 100,000 of them.
// Source: DESIGN §2.1 "Indexes"; the case of 5,000 sibling tables in the list of security cases.
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, it } from 'vitest'
import { d1Store } from '#store/sql/d1'
import { runEveryStatement } from './every-statement.ts'
import { CROWDED, rowsOf, rowsOfOthers } from './many-rows.ts'
import { recordingDatabase, type Recorded } from './recording-database.ts'

const recorded = new Map<string, Recorded>()
/** By statement: the most rows that D1 read for it so far. */
const rowsRead = new Map<string, number>()
let statementRows: ReadonlyMap<string, number> = new Map()
/** Of pages of a namespace with 100,000 tables. */
const pageRows: number[] = []

const NUMBERS = (count: number): string =>
  `(WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ${count}) SELECT n FROM c)`
const PAGE = { class: 'asset', namespace: CROWDED, kind: 'table', limit: 100 } as const

beforeAll(async () => {
  const store = d1Store(countingDatabase())
  for (const insert of rowsOfOthers(NUMBERS)) await env.DB.prepare(insert).run()
  let crowded = ''
  await runEveryStatement(store, async (tenantId) => {
    crowded = tenantId
    for (const insert of rowsOf(tenantId, NUMBERS)) await env.DB.prepare(insert).run()
  })
  statementRows = new Map(rowsRead)
  const tenant = store.tenant(crowded)
  for (const after of [undefined, 't5']) {
    rowsRead.clear()
    await tenant.read({
      at: { catalog: 'demo', ref: 'main' },
      page: { ...PAGE, ...(after === undefined ? {} : { after }) },
    })
    pageRows.push([...rowsRead.values()].reduce((sum, rows) => sum + rows, 0))
  }
})

/** A D1 that keeps every statement with what it read. */
function countingDatabase(): D1Database {
  let bound: Recorded[] = []
  const recording = recordingDatabase(env.DB, (statement) => {
    recorded.set(statement.sql, statement)
    bound.push(statement)
  })
  return new Proxy(recording, {
    get(target, property) {
      if (property === 'batch')
        return async (statements: D1PreparedStatement[]) => {
          const sent = bound
          bound = []
          const results = await target.batch(statements)
          for (const [i, { meta }] of results.entries()) {
            const { sql = '' } = sent[i] ?? {}
            rowsRead.set(sql, Math.max(rowsRead.get(sql) ?? 0, meta.rows_read))
          }
          return results
        }
      return Reflect.get(target, property, target) as unknown
    },
  })
}

describe('query plans', () => {
  it('cover every statement of the store', () => {
    expect(recorded.size).toBeGreaterThan(35)
  })

  it('seek in every table they read', async () => {
    for (const { sql, params } of recorded.values())
      for (const step of await planOf(sql, params)) expect.soft(isBounded(step), `${step}\nof ${sql}`).toBe(true)
  })
})

describe('rows read', () => {
  it('by a statement are those it is about', () => {
    expect(statementRows.size).toBeGreaterThan(35)
    for (const [sql, rows] of statementRows)
      expect.soft(rows, sql).toBeLessThan(NAMED.test(sql) ? NAMED_ROWS_MAX : ROWS_MAX)
  })

  it('by a page are its own, however many there are beside', () => {
    for (const rows of pageRows) expect(rows).toBeLessThan(PAGE.limit + 30)
  })
})

const ROWS_MAX = 50

/** What may still be named has no narrower bound than all branches, tags and purges of a tenant: 500 each here. */
const NAMED = /^WITH bounds/
const NAMED_ROWS_MAX = 6 * 500 + ROWS_MAX

/** Tables in memory: parameters, and common tables as long as a lineage, a page or the list of a tenant's branches. */
const SMALL =
  /^SCAN (\w+ VIRTUAL TABLE|\w+-ROW VALUES|CONSTANT ROW|place|lineage|[lwbpsmf]$|start|tops|parts|bounds|failed|\(subquery)/

/** What a search of a stored table must pin down at least. */
const SEEKS = [
  /rowid=\?/i,
  // One record, branch or tag, commit id, purge.
  /\(tenant_id=\? AND (kind=\? AND )?(id|purge_id|key)=\?/,
  // Records of a kind by name, by owner, or from an id on; a branch or tag by name.
  /\(tenant_id=\? AND kind=\? AND (name=|owner=|id>)/,
  /\(tenant_id=\? AND catalog_id=\? AND name=\?\)/,
  // One key, the names of one namespace from one on, the rows of one object.
  /\(tenant_id=\? AND branch_id=\? AND class=\? AND namespace=\? AND (kind=\? AND )?name[=>]\?/,
  /\(tenant_id=\? AND object_id=\?/,
  // The rows that name one metadata file; rows that were given up, from a position on.
  /\(tenant_id=\? AND metadata_location=\?/,
  /USING INDEX entry_trimmed \(tenant_id=\? AND branch_id=\? AND to_seq>\?/,
  // The newest report; those that are deleted.
  /SEARCH metrics_report USING COVERING INDEX sqlite_autoindex_metrics_report_1 \(tenant_id=\? AND id<\?\)/,
  /SEARCH r USING COVERING INDEX sqlite_autoindex_metrics_report_1 \(tenant_id=\?\)/,
  /\(tenant_id=\? AND location[=>]\?/,
  // What has expired, oldest first, with a limit.
  /SEARCH e USING COVERING INDEX idempotency_at \(tenant_id=\? AND at<\?\)/,
  // The warehouses of all tenants in one folder, or at one.
  /SEARCH o USING (COVERING )?INDEX record_storage \(<expr>(=\?|>\? AND <expr><\?)/,
  /\(tenant_id=\? AND branch_id=\? AND seq>\? AND seq<\?\)/,
  // Newest first with a limit, or the newest alone; oldest first with a limit.
  /SEARCH (audit|a) USING (COVERING )?INDEX sqlite_autoindex_audit_1 \(tenant_id=\?/,
  /SEARCH purge USING INDEX purge_pending \(tenant_id=\?/,
  // All purges of the tenant, where a branch or tag is made of a past position.
  /SEARCH p USING INDEX sqlite_autoindex_purge_1 \(tenant_id=\?\)/,
  // All branches and tags of the tenant: what may still be named has no narrower bound.
  /SEARCH [ht] USING INDEX (ref_name|sqlite_autoindex_ref_1) \(tenant_id=\?\)/,
  // Small common tables again, indexed on the fly or read for their minimum.
  /SEARCH (f|b|m)( (EXISTS )?USING AUTOMATIC|$)/,
]

function isBounded(step: string): boolean {
  if (step.startsWith('SCAN ')) return SMALL.test(step)
  return !step.startsWith('SEARCH ') || SEEKS.some((seek) => seek.test(step))
}

async function planOf(sql: string, params: readonly unknown[]): Promise<string[]> {
  const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .bind(...params)
    .run<{ detail: string }>()
  return results.map(({ detail }) => detail)
}
