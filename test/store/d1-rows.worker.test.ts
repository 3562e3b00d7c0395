// Contract: what a statement reads depends on what it answers, not on how much is stored beside it.
// Source: DESIGN §2.1 "Indexes", §2.5; security case 23 (overlap check that grew with the number of siblings).
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, it } from 'vitest'
import { d1Store } from '#store/sql/d1'
import { commitOf, create, fork, land, mustRead, newTenant, tableKey, tableValue } from '#test/contract/fixture'
import type { Fixture } from '#test/contract/fixture'

const SIBLINGS = 1500
let rowsRead = 0
let few: Fixture
let many: Fixture

beforeAll(async () => {
  const open = async () => d1Store(countingDatabase(env.DB, (rows) => (rowsRead += rows)))
  few = await newTenant(open)
  many = await newTenant(open)
  await fill(few, 20)
  await fill(many, SIBLINGS)
  for (const { tenant, main } of [few, many])
    for (let i = 0; i < (tenant === many.tenant ? 60 : 3); i += 1) {
      const { rev, objectId } = await mustRead(tenant, main.id, tableKey('a', 't00003'))
      const next = tableValue({ objectId, locations: ['s3://lake/demo/3/'] })
      await land(tenant, commitOf(main.id, [{ key: tableKey('a', 't00003'), expect: rev, next }]))
    }
})

describe('rows read', () => {
  it('by a page are its own and one more', async () => {
    const read = ({ tenant, main }: Fixture) =>
      tenant.read({
        at: { branchId: main.id },
        page: { class: 'asset', namespace: 'a', kind: 'table', after: 't00002', limit: 10 },
      })
    expect(await rowsOf(() => read(many))).toBe(await rowsOf(() => read(few)))
    expect(await rowsOf(() => read(many))).toBeGreaterThan(10)
    expect(await rowsOf(() => read(many))).toBeLessThan(30)
  })

  it('by a page of a branch do not grow with what it rests on', async () => {
    const pages: number[] = []
    for (const fixture of [few, many]) {
      const { id } = await fork(fixture.tenant, fixture.main.id, 'dev')
      const page = { class: 'asset', namespace: 'a', kind: 'table', after: 't00005', limit: 10 } as const
      pages.push(await rowsOf(() => fixture.tenant.read({ at: { branchId: id }, page })))
      await fixture.tenant.branches.close(id)
    }
    expect(pages[1]).toBe(pages[0])
  })

  it('by a key do not grow with its history or its siblings', async () => {
    const read = ({ tenant }: Fixture) =>
      tenant.read({ at: { catalog: 'demo', ref: 'main' }, keys: [tableKey('a', 't00003')] })
    expect(await rowsOf(() => read(many))).toBe(await rowsOf(() => read(few)))
  })

  it('by a commit do not grow with siblings or history', async () => {
    const update = async ({ tenant, main }: Fixture) => {
      const { rev, objectId } = await mustRead(tenant, main.id, tableKey('a', 't00003'))
      const next = tableValue({ objectId, locations: ['s3://lake/demo/3/'] })
      return rowsOf(() => land(tenant, commitOf(main.id, [{ key: tableKey('a', 't00003'), expect: rev, next }])))
    }
    expect(await update(many)).toBe(await update(few))
    const insert = ({ tenant, main }: Fixture) => {
      const change = create(tableKey('a', 'new'), tableValue({ locations: ['s3://lake/demo/new/'] }))
      return rowsOf(() => land(tenant, commitOf(main.id, [{ ...change, unusedBefore: ['s3://lake/demo/new/'] }])))
    }
    expect(await insert(many)).toBe(await insert(few))
  })
})

describe('rows read by a commit into a free folder', () => {
  it('do not grow with the history of a dropped table that had it', async () => {
    const counts: number[] = []
    for (const { tenant, main } of [few, many]) {
      const { rev } = await mustRead(tenant, main.id, tableKey('a', 't00003'))
      await land(tenant, commitOf(main.id, [{ key: tableKey('a', 't00003'), expect: rev, next: null }]))
      const change = create(tableKey('a', 'next'), tableValue({ locations: ['s3://lake/demo/3/'] }))
      const branch = await fork(tenant, main.id, 'after')
      counts.push(await rowsOf(() => land(tenant, commitOf(branch.id, [change]))))
    }
    expect(counts[1]).toBeLessThan((counts[0] ?? 0) + 10)
  })

  it('do not grow with the branches and tags of the tenant', async () => {
    const insert = ({ tenant, main }: Fixture, folder: string) => {
      const change = create(tableKey('a', folder), tableValue({ locations: [`s3://lake/demo/${folder}/`] }))
      return rowsOf(() => land(tenant, commitOf(main.id, [change])))
    }
    const before = await insert(few, 'before')
    for (let i = 0; i < 20; i += 1) await fork(few.tenant, few.main.id, `branch ${i}`)
    expect(await insert(few, 'after')).toBe(before)
  })
})

async function fill({ tenant, main }: Fixture, count: number): Promise<void> {
  for (let start = 0; start < count; start += 500) {
    const changes = Array.from({ length: Math.min(500, count - start) }, (_, i) => {
      const locations = [`s3://lake/demo/${start + i}/`]
      return create(tableKey('a', `t${String(start + i).padStart(5, '0')}`), tableValue({ locations }))
    })
    await land(tenant, commitOf(main.id, changes))
  }
}

async function rowsOf(run: () => Promise<unknown>): Promise<number> {
  rowsRead = 0
  await run()
  return rowsRead
}

/** A D1 that counts the rows its batches read. */
function countingDatabase(real: D1Database, count: (rows: number) => void): D1Database {
  return new Proxy(real, {
    get(target, property) {
      if (property === 'batch')
        return async (statements: D1PreparedStatement[]) => {
          const results = await target.batch(statements)
          for (const { meta } of results) count(meta.rows_read)
          return results
        }
      const value: unknown = Reflect.get(target, property)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
