// Contract: wherever a connection is lost during a commit, what the store says of it is true, and stays so.
// Source: DESIGN §2.1 "Outcome fencing"; the protocol's messages, counted by a proxy in front of a real server.
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { neonDatabase } from '#store/sql/postgres/neon'
import { postgresStore } from '#store/sql/postgres/postgres'
import { tcpDatabase } from '#store/sql/postgres/tcp'
import type { CommitOutcome, Store } from '#store/store'
import { commitOf, create, dump, land, member, newTenant, readKey, tableKey, tableValue } from '#test/contract/fixture'

const KEY = tableKey('a', 't')
const clean = postgresStore(tcpDatabase(env.POSTGRES_TEST_URL))

/** The store whose connections meet the fault. */
function faulty(fault: string): Store {
  const url = new URL(env.POSTGRES_TEST_URL)
  url.port = env.FAULTS_TEST_PORT
  url.searchParams.set('application_name', fault)
  return postgresStore(tcpDatabase(url.href))
}

/** Commits through a store, and asks another one what became of it. False: nobody knows whether it happened. */
async function commitThrough(store: Store): Promise<CommitOutcome['outcome']> {
  const { tenant, tenantId, main } = await newTenant(async () => clean)
  const one = member()
  const commit = commitOf(main.id, [create(KEY, tableValue({ locations: ['s3://lake/a/'] }))], { members: [one] })
  const outcome = await store.tenant(tenantId).commit(commit)
  const settled = await tenant.settle(one.id)
  expect((await readKey(tenant, main.id, KEY)) !== null).toBe(settled.landed)
  if (outcome.outcome === 'committed') expect(settled).toEqual({ landed: true, seq: outcome.seq })
  else if (outcome.outcome !== 'unknown') expect(settled).toEqual({ landed: false })
  // Neither the answer nor what it is about changes any more.
  const before = await dump(tenant, main.id, ['a'])
  expect(await tenant.commit(commit)).toEqual({ outcome: 'decided', id: one.id })
  expect(await tenant.settle(one.id)).toEqual(settled)
  expect(await dump(tenant, main.id, ['a'])).toEqual(before)
  return outcome.outcome
}

/** More than a commit sends, or is answered. */
const MESSAGES = 100

describe('a connection that is lost', () => {
  it.each(['request', 'answer'])('at any %s of a commit leaves what its outcome says', async (direction) => {
    const outcomes: string[] = []
    while (outcomes.length < MESSAGES && outcomes.at(-1) !== 'committed')
      outcomes.push(await commitThrough(faulty(`${direction}-${outcomes.length}`)))
    expect(outcomes.length).toBeGreaterThan(40)
    expect(new Set(outcomes)).toEqual(new Set(['unknown', 'committed']))
  })

  it('before or after a commit over HTTP leaves what its outcome says', async () => {
    for (const fault of ['cut-before', 'cut-after']) {
      const url = new URL(env.POSTGRES_TEST_URL)
      url.searchParams.set('application_name', fault)
      const store = postgresStore(neonDatabase(url.href, env.NEON_TEST_URL))
      expect(await commitThrough(store)).toBe('unknown')
    }
  })
})

describe('a server that refuses', () => {
  it.each(['55P03', '40001', '40P01'])('a commit with %s has not made it, and may be asked again', async (code) => {
    expect(await commitThrough(faulty(`error-${code}`))).toBe('busy')
  })

  it.each([
    ['error-53100', /no disk space/],
    ['error-25006', /takes no writes/],
    ['error-53200', /out of resources/],
    ['refuse-57P03', /starting up or shutting down/],
    ['refuse-53300', /no connection to spare/],
    ['refuse-28P01', /user or the password/],
    ['refuse-3D000', /does not exist/],
  ])('with %s says so in words, without a secret', async (fault, words) => {
    const { tenant, tenantId, main } = await newTenant(async () => clean)
    const commit = commitOf(main.id, [create(KEY, tableValue())])
    const store = faulty(fault)
    const refusal = { name: 'CatalogError', kind: 'unavailable', message: expect.stringMatching(words) as string }
    await expect(store.tenant(tenantId).commit(commit)).rejects.toMatchObject(refusal)
    await expect(store.tenant(tenantId).read({ at: { branchId: main.id } })).rejects.toMatchObject(refusal)
    expect(await store.readiness()).toEqual({ ready: false, reason: expect.stringMatching(words) as string })
    expect(JSON.stringify(await store.readiness())).not.toContain('secret')
    await land(tenant, commit)
  })

  it('that is not there is said to be so', async () => {
    const store = postgresStore(tcpDatabase('postgres://someone:the%20secret@127.0.0.1:1/none'))
    expect(await store.readiness()).toEqual({ ready: false, reason: 'The catalog database cannot be reached' })
    const { tenantId, main } = await newTenant(async () => clean)
    const commit = store.tenant(tenantId).commit(commitOf(main.id, []))
    await expect(commit).rejects.toMatchObject({ kind: 'unavailable' })
  })
})
