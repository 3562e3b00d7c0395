// Contract: on the Worker itself, with D1, R2 and lanes, a request under an Idempotency-Key is done once and told to all.
// Source: REST specification, Idempotency-Key; DESIGN 2.1 "Outcome fencing".
import { beforeAll, describe, expect, it } from 'vitest'
import { propertyCommit, SCHEMA } from '#test/cost/lake'
import { openWorker, type CostWorker } from '#test/cost/worker'
import { bare } from '#test/support/keyed'

const TABLES = '/v1/demo/namespaces/ns/tables'

let worker: CostWorker

beforeAll(async () => {
  worker = await openWorker()
  await worker.call(['POST', '/v1/demo/namespaces', { namespace: ['ns'] }])
  await worker.call(['POST', TABLES, { name: 't', schema: SCHEMA }])
})

const keyed = () => ({ 'idempotency-key': crypto.randomUUID() })

/** The same request many times at once: statuses, and how many different answers. */
async function together(times: number, path: string, body: object): Promise<[Set<number>, number]> {
  const headers = keyed()
  const answers = await Promise.all(Array.from({ length: times }, () => worker.call(['POST', path, body, headers])))
  const told = new Set(answers.map(({ text }) => bare({ text, json: JSON.parse(text) as unknown })))
  return [new Set(answers.map(({ status }) => status)), told.size]
}

async function headSeq(): Promise<number> {
  return (await worker.tenant.read({ at: { catalog: 'demo', ref: 'main' } })).place?.branch.headSeq ?? -1
}

describe('duplicates that meet', () => {
  it('at the store create one table, and fifty hear of it', async () => {
    const before = await headSeq()
    expect(await together(50, TABLES, { name: 'fifty', schema: SCHEMA })).toEqual([new Set([200]), 1])
    expect(await headSeq()).toBe(before + 1)
  })

  it('in a lane make one commit', async () => {
    const before = await headSeq()
    expect(await together(16, `${TABLES}/t`, propertyCommit(1))).toEqual([new Set([200]), 1])
    expect(await headSeq()).toBe(before + 1)
  })
})

it('keeps the keys of two users apart', async () => {
  const id = crypto.randomUUID()
  const user = { id, username: id, role: 'root' as const, passwordHash: null, active: true, createdAt: '2026-01-01' }
  await worker.tenant.users.create(user)
  const [headers, before] = [keyed(), await headSeq()]
  const commit = ['POST', `${TABLES}/t`, propertyCommit(2), headers] as const
  const [mine, again] = [await worker.call(commit), await worker.call(commit)]
  const token = await worker.tokenOf(id)
  const theirs = await worker.call(['POST', `${TABLES}/t`, propertyCommit(3), headers], token)
  expect([mine.status, again.status, theirs.status]).toEqual([200, 200, 200])
  expect(again.text).toBe(mine.text)
  expect(await headSeq()).toBe(before + 2)
})
