// Contract: whatever happens to the answer of a commit, `settle` says what became of it, and keeps its word.
// Source: DESIGN §2.1 "Outcome fencing"; security cases 22, 32, 36; D1's own words for its failures.
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import type { TenantStore } from '#store/store'
import { d1Store } from '#store/sql/d1'
import { commitOf, create, dump, land, member, newTenant, readKey, tableKey, tableValue } from '#test/contract/fixture'
import { faultyDatabase, type BatchFault } from './faulty-database.ts'

const KEY = tableKey('a', 't')

/** A tenant reached twice: once as it is, once through a database whose next batch fails in the given way. */
async function twoWays(fault: BatchFault) {
  const fixture = await newTenant(async () => d1Store(env.DB))
  const faulty = d1Store(faultyDatabase(env.DB, fault)).tenant(fixture.tenantId)
  const one = member()
  const commit = commitOf(fixture.main.id, [create(KEY, tableValue({ locations: ['s3://lake/a/'] }))], {
    members: [one],
  })
  return { ...fixture, faulty, one, commit }
}

describe('a commit whose answer is lost', () => {
  it('has landed if it was executed', async () => {
    const { tenant, faulty, commit, one, main } = await twoWays(async (execute) => {
      await execute()
      throw new Error('D1_ERROR: Network connection lost.')
    })
    expect(await faulty.commit(commit)).toMatchObject({ outcome: 'unknown' })
    expect(await tenant.settle(one.id)).toEqual({ landed: true, seq: 1 })
    expect(await readKey(tenant, main.id, KEY)).toMatchObject({ rev: one.id })
  })

  it('is void if it was not, and stays so', async () => {
    const { tenant, faulty, commit, one, main } = await twoWays(async () => {
      throw new Error('D1_ERROR: internal error; reference = 0123')
    })
    expect(await faulty.commit(commit)).toMatchObject({ outcome: 'unknown' })
    expect(await tenant.settle(one.id)).toEqual({ landed: false })
    expect(await tenant.commit(commit)).toEqual({ outcome: 'decided', id: one.id })
    expect(await readKey(tenant, main.id, KEY)).toBeNull()
    await land(tenant, { ...commit, members: [member()] })
  })

  it('never lands once void, when the delayed batch arrives after the answer', async () => {
    const gate = Promise.withResolvers<void>()
    const { tenant, faulty, commit, one, main } = await twoWays(async (execute) => {
      await gate.promise
      return execute()
    })
    const delayed = faulty.commit(commit)
    expect(await tenant.settle(one.id)).toEqual({ landed: false })
    const before = await dump(tenant, main.id, ['a'])
    gate.resolve()
    expect(await delayed).toEqual({ outcome: 'decided', id: one.id })
    expect(await tenant.settle(one.id)).toEqual({ landed: false })
    expect(await dump(tenant, main.id, ['a'])).toEqual(before)
  })

  it('can be tried again as it is if D1 refused to start it', async () => {
    for (const message of [
      'D1_ERROR: D1 DB is overloaded. Too many requests queued.',
      'D1_ERROR: D1 DB is overloaded. Requests queued for too long.',
      'D1_ERROR: database is locked: SQLITE_BUSY',
    ]) {
      const cause = new Error(message)
      const { faulty, tenant, commit } = await twoWays(async () => {
        throw cause
      })
      expect(await faulty.commit(commit)).toEqual({ outcome: 'busy', cause })
      await land(tenant, commit)
    }
  })

  it('is unknown if its id is taken and nobody can say by what: the same batch may have come twice', async () => {
    const { faulty, commit } = await twoWays(async () => {
      throw new Error('D1_ERROR: UNIQUE constraint failed: commit_id.tenant_id, commit_id.id: SQLITE_CONSTRAINT')
    })
    expect(await faulty.commit(commit)).toMatchObject({ outcome: 'unknown' })
  })

  it('was not made if there is no room for it, which somebody has to see to', async () => {
    const { faulty, tenant, commit } = await twoWays(async () => {
      throw new Error('D1_ERROR: database or disk is full: SQLITE_FULL')
    })
    await expect(faulty.commit(commit)).rejects.toMatchObject({
      kind: 'unavailable',
      message: 'The catalog database has no space left; nothing was changed',
    })
    await land(tenant, commit)
  })

  it.each([
    'D1_ERROR: D1 DB storage operation exceeded timeout which caused object to be reset.',
    'D1_ERROR: D1 DB reset because its code was updated.',
    'D1_ERROR: Internal error while starting up D1 DB storage caused object to be reset.',
    'The operation was aborted',
  ])('is unknown after: %s', async (message) => {
    const cause = new Error(message)
    const { faulty, commit } = await twoWays(async () => {
      throw cause
    })
    expect(await faulty.commit(commit)).toEqual({ outcome: 'unknown', cause })
  })
})

describe('when the database does not answer', () => {
  const asks: readonly [string, (tenant: TenantStore) => Promise<unknown>][] = [
    ['settle', (tenant) => tenant.settle('x')],
    ['read', (tenant) => tenant.read({ at: { branchId: 'b' } })],
    ['fork', (tenant) => tenant.branches.fork({ id: 'x', name: 'x', from: { branchId: 'b' }, at: '' })],
    ['a purge', (tenant) => tenant.purges.done('x')],
  ]
  it.each(asks)('%s says so, and asks to try again', async (_, ask) => {
    const { faulty } = await twoWays(async () => {
      throw new Error('D1_ERROR: Network connection lost.')
    })
    await expect(ask(faulty)).rejects.toMatchObject({ name: 'CatalogError', kind: 'unavailable' })
  })

  it('readiness says so without details', async () => {
    const broken = new Proxy(env.DB, {
      get: () => () => {
        throw new Error('secret')
      },
    })
    expect(await d1Store(broken).readiness()).toEqual({ ready: false, reason: 'The catalog database does not answer' })
  })
})
