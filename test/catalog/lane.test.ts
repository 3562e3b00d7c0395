// Contract: commits through lanes are applied one after the other; a stale or second lane loses a race and nothing else.
// Source: DESIGN 2.2; security cases 20, 22, 32.
import { beforeEach, describe, expect, it } from 'vitest'
import { dropAsset, renameAsset } from '#catalog/change-table'
import { readTable } from '#catalog/current-row'
import { createTable } from '#catalog/create-table'
import { tableLane } from '#catalog/lane'
import { parseCreateRequest } from '#iceberg/create'
import { LANE_QUEUE_CHARS_MAX, LANE_QUEUE_MAX } from '#src/limits'
import { SIMPLE_SCHEMA } from '#test/support/catalog'
import { turn } from '#test/support/lake'
import { identifier, namespaceRow, openLaneLake, setting, type LaneLake } from './lane-lake.ts'

let lake: LaneLake
let deps: LaneLake['deps']
let objects: LaneLake['objects']
let place: LaneLake['place']
let caller: LaneLake['caller']
let outcomes: LaneLake['outcomes']

beforeEach(async () => {
  lake = await openLaneLake()
  ;({ deps, objects, place, caller, outcomes } = lake)
})

const requestOf: LaneLake['requestOf'] = (body) => lake.requestOf(body)

async function properties(): Promise<Record<string, string>> {
  return (await lake.metadata()).properties
}

describe('one lane', () => {
  it('applies 50 concurrent commits without one lost race, whatever row each of them had read', async () => {
    const lane = tableLane()
    const requests = await Promise.all(Array.from({ length: 50 }, (_, i) => requestOf(setting(`k${i}`))))
    await Promise.all(requests.map((request) => lane.commit(deps, request)))
    expect(new Set(outcomes)).toEqual(new Set(['committed']))
    expect(Object.keys(await properties()).filter((key) => key.startsWith('k'))).toHaveLength(50)
  })

  it('writes nothing for a commit that changes nothing', async () => {
    const lane = tableLane()
    await lane.commit(deps, await requestOf(setting('a')))
    const files = objects.files.size
    const again = await lane.commit(deps, await requestOf(setting('a')))
    expect([objects.files.size, outcomes.length]).toEqual([files, 1])
    expect(again.metadataLocation).toBe((await readTable(deps, place, identifier))?.metadataLocation)
  })

  it('refuses a failed requirement with 409 and goes on with the next in the queue', async () => {
    const lane = tableLane()
    const failing = { requirements: [{ type: 'assert-current-schema-id', 'current-schema-id': 9 }], updates: [] }
    const results = await Promise.allSettled([
      lane.commit(deps, await requestOf(failing)),
      lane.commit(deps, await requestOf(setting('b'))),
    ])
    expect(results[0]).toMatchObject({ status: 'rejected', reason: { kind: 'commit-failed' } })
    expect(results[1].status).toBe('fulfilled')
  })

  it('turns away what no longer fits into the queue', async () => {
    const lane = tableLane()
    const request = await requestOf(setting('c'))
    const all = await Promise.allSettled(Array.from({ length: LANE_QUEUE_MAX + 5 }, () => lane.commit(deps, request)))
    expect(all.filter((each) => each.status === 'rejected')).toHaveLength(5)
    expect(all.at(-1)).toMatchObject({ reason: { kind: 'too-many-requests' } })
  })
})

it('turns large commits away before they fill the memory of the lane, and keeps none of them', async () => {
  const lane = tableLane()
  const large = await requestOf(setting('big', 'x'.repeat(LANE_QUEUE_CHARS_MAX / 3)))
  const all = await Promise.allSettled(Array.from({ length: 5 }, () => lane.commit(deps, large)))
  const refused = all.filter((each) => each.status === 'rejected')
  expect(refused.length).toBeGreaterThanOrEqual(3)
  for (const each of refused) expect(each).toMatchObject({ reason: { kind: 'too-many-requests' } })
  await lane.commit(deps, await requestOf(setting('small')))
})

describe('a lane whose cache is stale', () => {
  it('loses one race and then commits on top of what the other wrote', async () => {
    const [mine, other] = [tableLane(), tableLane()]
    await mine.commit(deps, await requestOf(setting('a')))
    const stale = await requestOf(setting('c'))
    await other.commit(deps, await requestOf(setting('b')))
    const files = objects.files.size
    await mine.commit(deps, stale)
    expect(outcomes).toEqual(['committed', 'committed', 'conflict', 'committed'])
    expect(await properties()).toMatchObject({ a: 'x', b: 'x', c: 'x' })
    expect(objects.files.size).toBe(files + 1)
  })

  it('checks the requirements again on what it then finds', async () => {
    const [mine, other] = [tableLane(), tableLane()]
    await mine.commit(deps, await requestOf(setting('a')))
    const schema = { type: 'struct', fields: [{ id: 1, name: 'renamed', type: 'long', required: false }] }
    const commit = {
      requirements: [{ type: 'assert-current-schema-id', 'current-schema-id': 0 }],
      updates: [{ action: 'set-properties', updates: { d: 'x' } }],
    }
    const stale = await requestOf(commit)
    await other.commit(
      deps,
      await requestOf({
        requirements: [],
        updates: [
          { action: 'add-schema', schema },
          { action: 'set-current-schema', 'schema-id': -1 },
        ],
      }),
    )
    await expect(mine.commit(deps, stale)).rejects.toMatchObject({
      kind: 'commit-failed',
      message: expect.stringContaining('current schema changed') as string,
    })
  })

  it('answers 404 after a drop, and does not write into a new table of the same name', async () => {
    const lane = tableLane()
    await lane.commit(deps, await requestOf(setting('a')))
    const stale = await requestOf(setting('b'))
    await dropAsset(deps, caller, { place, identifier, entry: stale.entry, purge: false })
    await expect(lane.commit(deps, stale)).rejects.toMatchObject({ kind: 'no-such-table' })
    const request = parseCreateRequest({ name: 't', schema: SIMPLE_SCHEMA })
    const parent = await namespaceRow({ deps, place })
    await createTable(deps, caller, { place, parent, identifier, request, folderChoice: 'any' })
    await expect(lane.commit(deps, stale)).rejects.toMatchObject({ kind: 'no-such-table' })
  })

  it('commits under the new name after a rename', async () => {
    const lane = tableLane()
    await lane.commit(deps, await requestOf(setting('a')))
    const request = await requestOf(setting('b'))
    const destination = { namespace: ['ns'], name: 'moved' }
    const parent = await namespaceRow({ deps, place })
    await renameAsset(deps, caller, { place, source: identifier, destination, parent, entry: request.entry })
    const moved = await readTable(deps, place, destination)
    if (!moved) throw new Error('not moved')
    await lane.commit(deps, { ...request, entry: moved, identifier: destination })
    expect(outcomes).not.toContain('conflict')
  })
})

describe('two lanes of one table', () => {
  it('lose races but no commit', async () => {
    const lanes = [tableLane(), tableLane()]
    const commits = Array.from({ length: 20 }, async (_, i) => {
      const request = await requestOf(setting(`k${i}`))
      for (let waited = i; waited > 0; waited -= 1) await turn()
      return lanes[i % 2]?.commit(deps, request)
    })
    const results = await Promise.allSettled(commits)
    const landed = results.filter((result) => result.status === 'fulfilled').length
    expect(Object.keys(await properties()).filter((key) => key.startsWith('k'))).toHaveLength(landed)
    expect(lake.landed.flatMap(({ members }) => members)).toHaveLength(landed)
    expect(outcomes).toContain('conflict')
    expect(landed).toBeGreaterThan(10)
  })
})
