// Contract: what queues up in a lane while one publication is under way is published together by the next: one file, one
// commit of the store, one member and one answer for each caller, as if they had come one after the other.
// Source: DESIGN 2.2. A gate in the store holds the first commit back until the others have queued up.
import { beforeEach, describe, expect, it } from 'vitest'
import { tableLane, type TableLane } from '#catalog/lane'
import type { LaneRequest } from '#catalog/lane-queue'
import type { TableState } from '#catalog/create-table'
import { CatalogError } from '#domain/errors'
import {
  COMMIT_RETRIES_MAX,
  LANE_GROUP_ANSWER_CHARS_MAX,
  LANE_GROUP_CHARS_MAX,
  LANE_GROUP_MEMBERS_MAX,
} from '#src/limits'
import { openLaneLake, setting, type LaneLake } from './lane-lake.ts'

type Settled = PromiseSettledResult<TableState>

let lake: LaneLake
let lane: TableLane

beforeEach(async () => {
  lake = await openLaneLake()
  lane = tableLane()
})

/** Sends a commit that is held back at the store until the bodies, in their order, have queued up behind it. */
async function together(bodies: readonly object[], deps = lake.deps): Promise<Settled[]> {
  const gate = lake.hold()
  const first = lane.commit(lake.deps, await lake.requestOf(setting('first')))
  await gate.held
  const requests = await Promise.all(bodies.map((body, index) => lake.requestOf(body, `p${index}`)))
  const all = Promise.allSettled(requests.map((request) => lane.commit(deps, request)))
  gate.letGo()
  await first
  return all
}

/** Adds a snapshot on top of `parent`, which `main` must still be at. */
function appending(snapshotId: number, parent: number | null, location: string): object {
  const snapshot = {
    'snapshot-id': snapshotId,
    ...(parent === null ? {} : { 'parent-snapshot-id': parent }),
    'sequence-number': snapshotId,
    'timestamp-ms': Date.now(),
    'manifest-list': `${location}/metadata/snap-${snapshotId}.avro`,
    summary: { operation: 'append' },
    'schema-id': 0,
  }
  return {
    requirements: [{ type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': parent }],
    updates: [
      { action: 'add-snapshot', snapshot },
      { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': snapshotId },
    ],
  }
}

const FAILING = { requirements: [{ type: 'assert-current-schema-id', 'current-schema-id': 9 }], updates: [] }
const CHOOSING_UNKNOWN = {
  requirements: [],
  updates: [{ action: 'set-current-schema', 'schema-id': 77 }],
}

function removing(key: string): object {
  return { requirements: [], updates: [{ action: 'remove-properties', removals: [key] }] }
}

function told(settled: readonly Settled[]): string[] {
  return settled.map((one) =>
    one.status === 'fulfilled' ? 'done' : one.reason instanceof CatalogError ? one.reason.kind : 'defect',
  )
}

function sizes(): number[] {
  return lake.landed.map(({ members }) => members.length)
}

describe('a group', () => {
  it('is one file, one commit and one entry of the metadata log, and each caller is answered with all of it', async () => {
    const { location } = await lake.metadata()
    const files = lake.objects.files.size
    const all = await together([setting('a'), appending(1, null, location), setting('b')])
    expect(told(all)).toEqual(['done', 'done', 'done'])
    expect(sizes()).toEqual([1, 3])
    expect(lake.objects.files.size).toBe(files + 2)
    const metadata = await lake.metadata()
    expect(metadata.properties).toMatchObject({ first: 'x', a: 'x', b: 'x' })
    expect(metadata['metadata-log']).toHaveLength(2)
    const named = metadata['metadata-log'].map((entry) => entry['metadata-file'])
    expect(named.filter((uri) => !lake.objects.files.has(uri))).toEqual([])
    const [change] = lake.landed[1]?.changes ?? []
    for (const one of all)
      expect(one).toMatchObject({ value: { metadataLocation: change?.next?.metadataLocation ?? 'a file' } })
    expect(change?.next?.metadataLocation).toMatch(/\/00002-[^/]*$/)
    expect(new Set(all.map((one) => one.status === 'fulfilled' && one.value.metadata)).size).toBe(1)
  })

  it('keeps an id, a log record and an audit record of each member', async () => {
    await together([setting('a'), setting('b')])
    const { records } = await lake.tenant.history.audit({ limit: 2 })
    expect(records.map(({ principalId, action }) => [principalId, action]).toSorted()).toEqual([
      ['p0', 'commit_table'],
      ['p1', 'commit_table'],
    ])
    expect(new Set(records.map(({ commitId }) => commitId)).size).toBe(2)
    const [members] = lake.landed.slice(1).map((commit) => commit.members)
    expect(members?.map(({ log }) => log.author)).toEqual(['p0', 'p1'])
    for (const { commitId } of records) expect(await lake.tenant.settle(commitId)).toMatchObject({ landed: true })
  })

  it('leaves what its members had left one by one, but for the metadata log', async () => {
    const bodies = (location: string): object[] => [
      setting('write.metadata.previous-versions-max', '1'),
      appending(1, null, location),
      appending(2, 1, location),
      setting('write.metadata.previous-versions-max', '7'),
      removing('first'),
    ]
    await together(bodies((await lake.metadata()).location))
    const grouped = await lake.metadata()
    expect(sizes()).toEqual([1, 5])
    lake = await openLaneLake()
    lane = tableLane()
    const { location } = await lake.metadata()
    for (const body of [setting('first'), ...bodies(location)]) await lane.commit(lake.deps, await lake.requestOf(body))
    const single = await lake.metadata()
    expect(grouped.properties).toEqual(single.properties)
    const ids = [1, 2]
    expect(grouped['snapshot-log'].map((entry) => entry['snapshot-id'])).toEqual(ids)
    expect(single['snapshot-log'].map((entry) => entry['snapshot-id'])).toEqual(ids)
    expect(grouped.snapshots.map((snapshot) => snapshot['snapshot-id'])).toEqual(ids)
    expect(grouped['metadata-log']).toHaveLength(1)
  })

  it('is written also if its members leave the table as it was', async () => {
    const all = await together([setting('gone'), removing('gone')])
    expect(told(all)).toEqual(['done', 'done'])
    expect(sizes()).toEqual([1, 2])
    const metadata = await lake.metadata()
    expect(metadata.properties).not.toHaveProperty('gone')
    expect(metadata['metadata-log']).toHaveLength(2)
  })

  it('keeps the history of a snapshot that one member adds and another removes as two commits would', async () => {
    const { location } = await lake.metadata()
    const all = await together([
      appending(1, null, location),
      { requirements: [], updates: [{ action: 'remove-snapshots', 'snapshot-ids': [1] }] },
    ])
    expect(told(all)).toEqual(['done', 'done'])
    const metadata = await lake.metadata()
    expect([metadata.snapshots, metadata['snapshot-log'], metadata['current-snapshot-id']]).toEqual([[], [], -1])
  })

  it('has only what fits together: a commit that says where files go is alone, and order is kept', async () => {
    const { location } = await lake.metadata()
    await together([
      setting('a'),
      setting('b'),
      setting('write.data.path', `${location}/elsewhere`),
      setting('c'),
      { requirements: [], updates: [{ action: 'set-location', location: `${location}-moved` }] },
      setting('d'),
      setting('e'),
    ])
    expect(sizes()).toEqual([1, 2, 1, 1, 1, 2])
    expect(lake.landed.flatMap(({ members }) => members.map(({ log }) => log.author))).toEqual([
      'u',
      ...Array.from({ length: 7 }, (_, index) => `p${index}`),
    ])
  })

  it('has at most so many members', async () => {
    const all = await together(Array.from({ length: LANE_GROUP_MEMBERS_MAX + 2 }, (_, n) => setting(`k${n}`)))
    expect(new Set(told(all))).toEqual(new Set(['done']))
    expect(sizes()).toEqual([1, LANE_GROUP_MEMBERS_MAX, 2])
  })

  it('parses no more of bodies at a time than its limit, unless one alone is larger', async () => {
    const large = (key: string, share: number): object => setting(key, 'x'.repeat(LANE_GROUP_CHARS_MAX * share))
    await together([large('a', 0.4), large('b', 0.4), large('c', 0.4), large('d', 1.1), setting('e')])
    expect(sizes()).toEqual([1, 2, 1, 1, 1])
  })

  it('answers no more text at a time than its limit', async () => {
    const size = Math.floor(LANE_GROUP_ANSWER_CHARS_MAX / 3.5)
    await lane.commit(lake.deps, await lake.requestOf(setting('large', 'x'.repeat(size))))
    const all = await together(Array.from({ length: 7 }, (_, n) => setting(`k${n}`)))
    expect(told(all)).toEqual(Array.from({ length: 7 }, () => 'done'))
    expect(sizes()).toEqual([1, 1, 3, 3, 1])
  })

  it('is never one of two tables, names or policies', async () => {
    const gate = lake.hold()
    const first = lane.commit(lake.deps, await lake.requestOf(setting('first')))
    await gate.held
    const request = await lake.requestOf(setting('a'))
    const others: LaneRequest[] = [
      request,
      { ...request, clientLocations: 'replace' },
      { ...request, body: JSON.stringify(setting('b')) },
      { ...request, branchId: 'another', body: JSON.stringify(setting('c')) },
    ]
    const all = Promise.allSettled(others.map((one) => lane.commit(lake.deps, one)))
    gate.letGo()
    await first
    expect(told(await all)).toEqual(['done', 'done', 'done', 'commit-failed'])
    expect(sizes()).toEqual([1, 1, 1])
  })
})

describe('a member that changes nothing', () => {
  it('fails alone, in the middle, and the rest lands without it', async () => {
    const { location } = await lake.metadata()
    const bodies = [
      setting('a'),
      appending(1, null, location),
      appending(2, null, location),
      CHOOSING_UNKNOWN,
      setting('a'),
      setting('b'),
    ]
    const all = await together(bodies)
    expect(told(all)).toEqual(['done', 'done', 'commit-failed', 'bad-request', 'done', 'done'])
    expect(sizes()).toEqual([1, 3])
    const metadata = await lake.metadata()
    expect(metadata.snapshots.map((snapshot) => snapshot['snapshot-id'])).toEqual([1])
    expect(all[4]).toMatchObject({ value: { metadataLocation: lake.landed[1]?.changes[0]?.next?.metadataLocation } })
  })

  it('is told at once where no queued commit came before it, and later where one did', async () => {
    const gate = lake.hold()
    const first = lane.commit(lake.deps, await lake.requestOf(setting('first')))
    await gate.held
    const ends: string[] = []
    const send = async (name: string, body: object): Promise<void> => {
      const request = await lake.requestOf(body)
      await lane.commit(lake.deps, request).then(
        () => ends.push(`${name} done`),
        () => ends.push(`${name} refused`),
      )
    }
    const sent = [send('early', FAILING), send('change', setting('a')), send('late', FAILING)]
    const next = lake.hold()
    gate.letGo()
    await first
    await next.held
    expect(ends).toEqual(['early refused'])
    next.letGo()
    await Promise.all(sent)
    expect(ends).toEqual(['early refused', 'change done', 'late refused'])
  })

  it('is refused at once if its body is no commit', async () => {
    const all = await together([setting('a'), { requirements: 7 }, setting('b')])
    expect(told(all)).toEqual(['done', 'bad-request', 'done'])
    expect(sizes()).toEqual([1, 2])
  })
})

describe('a group that is not published', () => {
  it('is evaluated again, with all of its members, after a lost race', async () => {
    const { location } = await lake.metadata()
    const other = tableLane()
    // The other lane appends after the group has been evaluated: who held before fails now, and who failed holds.
    lake.faults.commit = async (commit) => {
      if (commit.members.length < 2) return lake.tenant.commit(commit)
      lake.faults = {}
      await other.commit(lake.deps, await lake.requestOf(appending(5, null, location)))
      return lake.tenant.commit(commit)
    }
    const all = await together([setting('a'), appending(1, null, location), appending(6, 5, location), setting('b')])
    expect(told(all)).toEqual(['done', 'commit-failed', 'done', 'done'])
    expect(lake.outcomes).toEqual(['committed', 'committed', 'conflict', 'committed'])
    const metadata = await lake.metadata()
    expect(metadata.snapshots.map((snapshot) => snapshot['snapshot-id'])).toEqual([5, 6])
    expect(metadata.properties).toMatchObject({ a: 'x', b: 'x' })
  })

  it('has its first refused after too many lost races, and the others go on together', async () => {
    let lost = 0
    lake.faults.commit = async (commit) => {
      if (commit.members.length < 2 || lost === COMMIT_RETRIES_MAX) return lake.tenant.commit(commit)
      lost += 1
      return { outcome: 'conflict', change: 0 }
    }
    const all = await together([setting('a'), setting('b'), setting('c')])
    expect(told(all)).toEqual(['commit-failed', 'done', 'done'])
    expect(sizes()).toEqual([1, 2])
    const { properties } = await lake.metadata()
    expect(properties).toMatchObject({ b: 'x', c: 'x' })
    expect(properties).not.toHaveProperty('a')
  })

  it('tells nobody of a refusal that rested on a predecessor who did not land', async () => {
    const { location } = await lake.metadata()
    lake.faults.commit = async (commit) => {
      if (commit.members.length < 2) return lake.tenant.commit(commit)
      throw new CatalogError('too-large', 'A commit may hold at most so many bytes')
    }
    const all = await together([setting('a'), appending(1, null, location), appending(2, null, location)])
    expect(told(all)).toEqual(['done', 'done', 'commit-failed'])
    expect(sizes()).toEqual([1, 1, 1])
  })

  it('is split where only the members together are too much, and each is told about itself', async () => {
    lake.faults.commit = async (commit) => {
      const name = commit.members.map(({ log }) => log.author).join()
      if (name === 'u' || name === 'p0' || name === 'p2') return lake.tenant.commit(commit)
      throw new CatalogError('bad-request', 'What no store could keep')
    }
    const files = lake.objects.files.size
    const all = await together([setting('a'), setting('b'), setting('c')])
    expect(told(all)).toEqual(['done', 'bad-request', 'done'])
    expect(await lake.metadata()).toMatchObject({ properties: { a: 'x', c: 'x' } })
    expect((await lake.metadata()).properties).not.toHaveProperty('b')
    expect(lake.objects.files.size).toBe(files + 3)
  })

  it('is tried again while the store is busy, and then nothing of it was done', async () => {
    lake.faults.commit = async (commit) =>
      commit.members.length < 2 ? lake.tenant.commit(commit) : { outcome: 'busy' }
    const files = lake.objects.files.size
    expect(told(await together([setting('a'), setting('b'), setting('a')]))).toEqual([
      'unavailable',
      'unavailable',
      'unavailable',
    ])
    expect(lake.objects.files.size).toBe(files + 1)
  })

  it('leaves in doubt only those who were in it', async () => {
    const { location } = await lake.metadata()
    lake.faults = {
      commit: async (commit) => {
        if (commit.members.length < 2) return lake.tenant.commit(commit)
        await lake.tenant.commit(commit)
        return { outcome: 'unknown', cause: 'the answer was lost' }
      },
      settle: async () => {
        throw new CatalogError('unavailable', 'no answer')
      },
    }
    const bodies = [FAILING, setting('a'), appending(1, null, location), appending(2, null, location), setting('a')]
    const all = await together(bodies)
    expect(told(all)).toEqual([
      'commit-failed',
      'commit-state-unknown',
      'commit-state-unknown',
      'commit-failed',
      'done',
    ])
    expect((await lake.metadata()).snapshots.map((snapshot) => snapshot['snapshot-id'])).toEqual([1])
  })

  it('has landed if the store says so after a lost answer', async () => {
    lake.faults.commit = async (commit) => {
      await lake.tenant.commit(commit)
      return { outcome: 'unknown', cause: 'the answer was lost' }
    }
    expect(told(await together([setting('a'), setting('b')]))).toEqual(['done', 'done'])
    expect(await lake.metadata()).toMatchObject({ properties: { a: 'x', b: 'x' } })
  })

  it('is told so by all of its members if no file could be written', async () => {
    const broken = { ...lake.objects, create: () => Promise.reject(new Error('no storage')) }
    const deps = { ...lake.deps, objects: broken }
    const all = await together([setting('a'), FAILING, setting('b')], deps)
    expect(told(all)).toEqual(['unavailable', 'unavailable', 'unavailable'])
    await lane.commit(lake.deps, await lake.requestOf(setting('later')))
    expect(sizes()).toEqual([1, 1])
  })
})
