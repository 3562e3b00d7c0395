// Contract: commits through lanes are applied one after the other; a stale or second lane loses a race and nothing else.
// Source: DESIGN 2.2; security cases 20, 22, 32. The races are made: a gate in the store holds a commit back.
import { beforeEach, describe, expect, it } from 'vitest'
import { createTable } from '#catalog/create-table'
import { dropAsset, readTable, renameAsset } from '#catalog/change-table'
import type { Caller, CatalogDeps, Place } from '#catalog/deps'
import { tableLane, type LaneRequest } from '#catalog/lane'
import { metadataCache } from '#catalog/metadata-files'
import { createNamespace } from '#catalog/namespaces'
import { parseCreateRequest } from '#iceberg/create'
import { LANE_QUEUE_CHARS_MAX, LANE_QUEUE_MAX } from '#src/limits'
import { openCatalog, SIMPLE_SCHEMA } from '#test/support/catalog'
import { memoryObjects, type MemoryObjects } from '#test/support/objects'
import type { CommitOutcome, TenantStore } from '#store/store'

const identifier = { namespace: ['ns'], name: 't' }

let deps: CatalogDeps
let objects: MemoryObjects
let place: Place
let caller: Caller
let outcomes: CommitOutcome['outcome'][]

beforeEach(async () => {
  const catalog = await openCatalog()
  const real = catalog.store.tenant(catalog.tenantId)
  outcomes = []
  const tenant: TenantStore = {
    ...real,
    async commit(commit) {
      const outcome = await real.commit(commit)
      outcomes.push(outcome.outcome)
      return outcome
    },
  }
  objects = memoryObjects()
  deps = {
    tenant,
    objects,
    metadataCache: metadataCache(),
    now: () => new Date(),
    newId: () => crypto.randomUUID(),
    later: () => undefined,
  }
  const read = await real.read({ at: { catalog: 'demo', ref: 'main' } })
  if (!read.place) throw new Error('no catalog')
  place = read.place
  caller = {
    tenantId: catalog.tenantId,
    userId: catalog.admin.id,
    username: 'admin',
    role: 'root',
    grants: [],
    client: null,
    requestId: 'test',
    address: null,
  }
  await createNamespace(deps, caller, { place, namespace: ['ns'], properties: {} })
  const request = parseCreateRequest({ name: 't', schema: SIMPLE_SCHEMA })
  await createTable(deps, caller, { place, identifier, request, folderChoice: 'any' })
  outcomes = []
})

async function requestOf(body: unknown): Promise<LaneRequest> {
  const entry = await readTable(deps, place, identifier)
  if (!entry) throw new Error('no table')
  const actor = { principalId: 'u', principalName: 'u', client: null, requestId: 'r', address: null }
  return {
    branchId: place.branch.id,
    storage: place.warehouse.storage,
    identifier,
    entry,
    body: JSON.stringify(body),
    actor,
    folderChoice: 'any',
  }
}

function setting(key: string, value = 'x'): unknown {
  return { requirements: [], updates: [{ action: 'set-properties', updates: { [key]: value } }] }
}

async function properties(): Promise<Record<string, string>> {
  const entry = await readTable(deps, place, identifier)
  const text = new TextDecoder().decode(objects.files.get(entry?.metadataLocation ?? ''))
  return (JSON.parse(text) as { properties: Record<string, string> }).properties
}

describe('one lane', () => {
  it('applies 50 concurrent commits without one lost race, whatever row each of them had read', async () => {
    const lane = tableLane()
    const requests = await Promise.all(Array.from({ length: 50 }, (_, i) => requestOf(setting(`k${i}`))))
    await Promise.all(requests.map((request) => lane.commit(deps, request)))
    expect(outcomes).toEqual(Array.from({ length: 50 }, () => 'committed'))
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
    await createTable(deps, caller, { place, identifier, request, folderChoice: 'any' })
    await expect(lane.commit(deps, stale)).rejects.toMatchObject({ kind: 'no-such-table' })
  })

  it('commits under the new name after a rename', async () => {
    const lane = tableLane()
    await lane.commit(deps, await requestOf(setting('a')))
    const { entry } = await requestOf(setting('b'))
    const destination = { namespace: ['ns'], name: 'moved' }
    await renameAsset(deps, caller, { place, source: identifier, destination, entry })
    const moved = await readTable(deps, place, destination)
    if (!moved) throw new Error('not moved')
    const request = { ...requestFor(moved), identifier: destination }
    await lane.commit(deps, request)
    expect(outcomes).not.toContain('conflict')
  })
})

function requestFor(entry: LaneRequest['entry']): LaneRequest {
  const actor = { principalId: 'u', principalName: 'u', client: null, requestId: 'r', address: null }
  const { storage } = place.warehouse
  return {
    branchId: place.branch.id,
    storage,
    identifier,
    entry,
    body: JSON.stringify(setting('z')),
    actor,
    folderChoice: 'any',
  }
}

describe('two lanes of one table', () => {
  it('lose races but no commit', async () => {
    const lanes = [tableLane(), tableLane()]
    const commits = Array.from({ length: 20 }, async (_, i) => {
      const request = await requestOf(setting(`k${i}`))
      return lanes[i % 2]?.commit(deps, request)
    })
    const results = await Promise.allSettled(commits)
    const landed = results.filter((result) => result.status === 'fulfilled').length
    expect(Object.keys(await properties()).filter((key) => key.startsWith('k'))).toHaveLength(landed)
    expect(outcomes.filter((outcome) => outcome === 'committed')).toHaveLength(landed)
    expect(landed).toBeGreaterThan(10)
  })
})
