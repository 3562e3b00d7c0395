// Contract: the log says why something failed, with all its causes, and repeats no connection string.
// Source: src/log.ts; drivers, some of which quote the connection string in what they throw.
import { expect, it } from 'vitest'
import { errorFields } from '#src/log'
import { tellingCommits } from '#src/telling-commits'
import type { CommitOutcome, TenantStore } from '#store/store'
import { commitOf } from '#test/contract/fixture'

it('hides users and passwords, wherever they are quoted', () => {
  const url = 'postgres://user:p@ss:w/rd@host.example/db?sslmode=require'
  const error = new Error(`Not a URL: ${url}`, { cause: { asked: new Error(url), text: url } })
  const text = JSON.stringify(errorFields(new Error('wrapped', { cause: error })))
  expect(text).not.toMatch(/user|p@ss|w\/rd/)
  expect(text).toContain('Not a URL: postgres://…@host.example/db')
})

it('has the code of each error', () => {
  const sent = Object.assign(new Error('canceling statement due to lock timeout'), { code: '55P03' })
  expect(errorFields(new Error('wrapped', { cause: sent }))).toMatchObject({ cause: { code: '55P03' } })
})

it.each<[CommitOutcome, number]>([
  [{ outcome: 'unknown', cause: new Error('lost') }, 1],
  [{ outcome: 'busy', cause: new Error('locked') }, 1],
  [{ outcome: 'committed', seq: 1 }, 0],
  [{ outcome: 'conflict', change: 0 }, 0],
])('tells of a commit that ended as %j, and leaves it as it is', async (outcome, count) => {
  const told: object[] = []
  const tenant = {
    commit: async () => outcome,
    get users() {
      return 'the users'
    },
  } as unknown as TenantStore
  const telling = tellingCommits(tenant, (fields) => void told.push(fields))
  expect(await telling.commit(commitOf('main', []))).toBe(outcome)
  expect(telling.users).toBe('the users')
  expect(told).toHaveLength(count)
  if (count > 0)
    expect(told[0]).toMatchObject({ commit: outcome.outcome, failure: { error: expect.any(String) as string } })
})
