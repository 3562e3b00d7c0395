// Contract: in a group every member keeps its own Idempotency-Key; who was answered before leaves it, and the rest goes on.
// Source: DESIGN 2.2 (group commit), 2.1 (the key is unique in the same commit). A gate in the store makes the groups.
import { beforeEach, describe, expect, it } from 'vitest'
import { tableLane, type TableLane } from '#catalog/lane'
import type { LaneRequest } from '#catalog/lane-queue'
import type { TableState } from '#catalog/create-table'
import type { CatalogDeps } from '#catalog/deps'
import { CatalogError } from '#domain/errors'
import { COMMIT_RETRIES_MAX } from '#src/limits'
import type { TenantStore } from '#store/store'
import { openLaneLake, setting, type LaneLake } from './lane-lake.ts'

let lake: LaneLake
let lane: TableLane

beforeEach(async () => {
  lake = await openLaneLake()
  lane = tableLane()
})

/** Lets the requests queue up behind a commit that is held back, so that the next publication takes them together. */
async function together(
  requests: readonly LaneRequest[],
  deps: CatalogDeps = lake.deps,
): Promise<PromiseSettledResult<TableState>[]> {
  const gate = lake.hold()
  const first = lane.commit(lake.deps, await lake.requestOf(setting('first')))
  await gate.held
  const all = Promise.allSettled(requests.map((request) => lane.commit(deps, request)))
  gate.letGo()
  await first
  return all
}

function told(settled: readonly PromiseSettledResult<TableState>[]): string[] {
  return settled.map((one) =>
    one.status === 'fulfilled' ? 'done' : one.reason instanceof CatalogError ? one.reason.kind : 'defect',
  )
}

async function answerOf(key: string): Promise<unknown> {
  return (await lake.tenant.read({ idempotencyKey: key })).idempotency?.answer
}

describe('keys in a lane', () => {
  it('each stand for the metadata that the group published', async () => {
    const requests = [
      await lake.requestOf(setting('a'), 'u', 'key-a'),
      await lake.requestOf(setting('b')),
      await lake.requestOf(setting('c'), 'u', 'key-c'),
    ]
    const all = await together(requests)
    expect(told(all)).toEqual(['done', 'done', 'done'])
    expect(lake.landed.map(({ members }) => members.length)).toEqual([1, 3])
    const metadataLocation = lake.landed[1]?.changes[0]?.next?.metadataLocation
    expect(await answerOf('key-a')).toMatchObject({ kind: 'table', metadataLocation })
    expect(await answerOf('key-c')).toMatchObject({ kind: 'table', metadataLocation })
  })

  it('take a member that was answered before out of the group, and only that', async () => {
    await lane.commit(lake.deps, await lake.requestOf(setting('a'), 'u', 'key-a'))
    const before = await answerOf('key-a')
    const requests = [
      await lake.requestOf(setting('z')),
      await lake.requestOf(setting('a', 'again'), 'u', 'key-a'),
      await lake.requestOf(setting('b'), 'u', 'key-b'),
    ]
    const files = lake.objects.files.size
    expect(told(await together(requests))).toEqual(['done', 'replayed', 'done'])
    expect((await lake.metadata()).properties).toMatchObject({ a: 'x', b: 'x', z: 'x' })
    expect(await answerOf('key-a')).toEqual(before)
    expect(lake.objects.files.size).toBe(files + 2)
  })

  it('never put two attempts at one request into one commit', async () => {
    const requests = [
      await lake.requestOf(setting('a'), 'u', 'key-a'),
      await lake.requestOf(setting('a'), 'u', 'key-a'),
      await lake.requestOf(setting('b'), 'u', 'key-b'),
    ]
    expect(told(await together(requests))).toEqual(['done', 'replayed', 'done'])
    expect(lake.landed.flatMap(({ members }) => members.map(({ idempotency }) => idempotency?.key))).toEqual([
      undefined,
      'key-a',
      'key-b',
    ])
  })

  it('that were answered before leave together, however many, and cost those behind them no try', async () => {
    const keys = Array.from({ length: COMMIT_RETRIES_MAX + 4 }, (_, n) => `key-${n}`)
    for (const key of keys) await lane.commit(lake.deps, await lake.requestOf(setting(key), 'u', key))
    const [outcomes, files] = [lake.outcomes.length, lake.objects.files.size]
    const again = keys.map((key) => lake.requestOf(setting(key, 'again'), 'u', key))
    const plain = ['a', 'b', 'c'].map((key) => lake.requestOf(setting(key)))
    const all = await together(await Promise.all([...again, ...plain]))
    expect(told(all)).toEqual([...keys.map(() => 'replayed'), 'done', 'done', 'done'])
    expect(lake.outcomes.slice(outcomes)).toEqual(['committed', 'replayed', 'committed'])
    expect(lake.objects.files.size).toBe(files + 2)
    expect((await lake.metadata()).properties).toMatchObject({ a: 'x', b: 'x', c: 'x', 'key-0': 'x' })
  })

  it('that cannot be looked up are found one by one, still at no cost of tries', async () => {
    const keys = Array.from({ length: COMMIT_RETRIES_MAX + 1 }, (_, n) => `key-${n}`)
    for (const key of keys) await lane.commit(lake.deps, await lake.requestOf(setting(key), 'u', key))
    const again = keys.map((key) => lake.requestOf(setting(key, 'again'), 'u', key))
    const requests = await Promise.all([...again, lake.requestOf(setting('a'))])
    const { tenant } = lake.deps
    const blind: TenantStore = {
      ...tenant,
      read: async (query) => {
        if (query.idempotencyKey !== undefined) throw new CatalogError('unavailable', 'busy')
        return tenant.read(query)
      },
    }
    const all = await together(requests, { ...lake.deps, tenant: blind })
    expect(told(all)).toEqual([...keys.map(() => 'replayed'), 'done'])
  })

  it('are recorded for members that find nothing to change', async () => {
    const settled = await together([
      await lake.requestOf(setting('a')),
      await lake.requestOf({ requirements: [], updates: [] }, 'u', 'key-none'),
    ])
    expect(told(settled)).toEqual(['done', 'done'])
    const metadataLocation = lake.landed[1]?.changes[0]?.next?.metadataLocation
    expect(await answerOf('key-none')).toMatchObject({ kind: 'table', metadataLocation })
  })
})
