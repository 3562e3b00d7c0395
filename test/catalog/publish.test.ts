// Contract: after publish the fate of a commit is known, and a file stays only if a commit names it or nobody can tell.
// Source: DESIGN 2.1 "Outcome fencing", 2.2; security case 32.
import { describe, expect, it } from 'vitest'
import { metadataCache } from '#catalog/metadata-files'
import { publish, publisherOf, untilDecided, type MetadataFile } from '#catalog/publish'
import { validateFile } from '#domain/location'
import type { ObjectStore } from '#objects/objects'
import { RETRY_PAUSE_MS, RETRY_PAUSE_MS_MAX, SETTLE_MS_MAX, UNQUEUED_RETRIES_MAX } from '#src/limits'
import { memoryStore } from '#store/memory/memory'
import type { CommitOutcome, TenantStore } from '#store/store'
import type { CatalogCommit } from '#versions/model'
import { memoryObjects } from '#test/support/objects'

const STORAGE = { kind: 'r2', bucket: 'lake', prefix: '' } as const
const location = validateFile('s3://lake/t/metadata/00000-a.metadata.json', STORAGE, 'file')
const file = { location, text: '{}' }

/** Time that stands still. */
const CLOCK = { pause: async () => undefined, now: () => new Date('2026-01-01T00:00:00.000Z') }

async function tenantWithBranch(): Promise<{ tenant: TenantStore; branchId: string }> {
  const store = memoryStore()
  const [tenantId, catalogId, branchId, warehouseId] = ['tenant', 'catalog', 'branch', 'warehouse']
  const createdAt = '2026-01-01T00:00:00.000Z'
  await store.bootstrap({
    tenant: { id: tenantId, name: 'default', createdAt },
    warehouse: { id: warehouseId, name: 'local', storage: { kind: 'r2', bucket: 'lake', prefix: '' }, createdAt },
    catalog: { id: catalogId, name: 'demo', warehouseId, properties: {}, createdAt },
    branch: { id: branchId, catalogId, name: 'main', state: 'open', headSeq: 0, ancestors: [] },
    user: { id: 'user', username: 'admin', role: 'root', passwordHash: null, active: true, createdAt },
  })
  return { tenant: store.tenant(tenantId), branchId }
}

function commitOf(branchId: string, id: string, expect_: string | null = null): CatalogCommit {
  const who = { principalId: 'user', principalName: 'admin', client: null, requestId: 'r', address: null }
  return {
    branchId,
    at: '2026-01-01T00:00:00.000Z',
    members: [
      {
        id,
        idempotency: null,
        log: { kind: 'create', author: 'admin', message: 'm' },
        audit: { ...who, action: 'create', target: 'ns', targetId: 'o', message: 'm', result: 'success' },
      },
    ],
    changes: [
      {
        key: { class: 'namespace', namespace: '', name: 'ns' },
        expect: expect_,
        next: { objectId: 'o', kind: 'namespace', metadataLocation: null, locations: [], properties: {}, summary: {} },
      },
    ],
    checks: [],
    purges: [],
  }
}

/** A tenant whose `commit` is replaced. */
function withCommit(tenant: TenantStore, commit: TenantStore['commit']): TenantStore {
  return { ...tenant, commit }
}

describe('publish', () => {
  it('keeps the file of a commit that landed', async () => {
    const { tenant, branchId } = await tenantWithBranch()
    const objects = memoryObjects()
    const deps = { tenant, objects, metadataCache: metadataCache(), ...CLOCK }
    expect(await publish(deps, commitOf(branchId, 'c1'), file)).toEqual({ outcome: 'committed', seq: 1 })
    expect([...objects.files.keys()]).toEqual([location.uri])
  })

  it('deletes the file of a commit that lost its race', async () => {
    const { tenant, branchId } = await tenantWithBranch()
    const objects = memoryObjects()
    const deps = { tenant, objects, metadataCache: metadataCache(), ...CLOCK }
    const outcome = await publish(deps, commitOf(branchId, 'c1', 'somebody-elses'), file)
    expect(outcome).toMatchObject({ outcome: 'conflict', change: 0 })
    expect(objects.files.size).toBe(0)
  })

  it.each<[string, (real: TenantStore['commit']) => TenantStore['commit'], string, number]>([
    ['the answer is lost after the commit', (real) => async (c) => (await real(c), unknown()), 'committed', 1],
    ['the store throws after the commit', (real) => async (c) => (await real(c), fail()), 'committed', 1],
    ['the commit never arrives', () => async () => unknown(), 'busy', 0],
  ])('knows the outcome when %s', async (_, replace, outcome, files) => {
    const { tenant, branchId } = await tenantWithBranch()
    const objects = memoryObjects()
    const faulty = withCommit(tenant, replace(tenant.commit.bind(tenant)))
    const deps = { tenant: faulty, objects, metadataCache: metadataCache(), ...CLOCK }
    expect((await publish(deps, commitOf(branchId, 'c1'), file)).outcome).toBe(outcome)
    expect(objects.files.size).toBe(files)
  })

  it('passes a defect of the store on, after making sure that nothing was done', async () => {
    const { tenant, branchId } = await tenantWithBranch()
    const objects = memoryObjects()
    const faulty = withCommit(tenant, async () => fail())
    const deps = { tenant: faulty, objects, metadataCache: metadataCache(), ...CLOCK }
    await expect(publish(deps, commitOf(branchId, 'c1'), file)).rejects.toMatchObject({ kind: 'internal' })
    expect(objects.files.size).toBe(0)
    expect((await tenant.commit(commitOf(branchId, 'c1'))).outcome).toBe('decided')
  })

  it('keeps a delayed commit from landing after it was told not done', async () => {
    const { tenant, branchId } = await tenantWithBranch()
    const objects = memoryObjects()
    const faulty = withCommit(tenant, async () => unknown())
    const commit = commitOf(branchId, 'c1')
    expect(
      (await publish({ tenant: faulty, objects, metadataCache: metadataCache(), ...CLOCK }, commit, file)).outcome,
    ).toBe('busy')
    expect((await tenant.commit(commit)).outcome).toBe('decided')
    const { entries } = await tenant.read({
      at: { branchId },
      keys: [{ class: 'namespace', namespace: '', name: 'ns' }],
    })
    expect(entries).toEqual([null])
  })

  it('asks again while the database is not there', async () => {
    const { tenant, branchId } = await tenantWithBranch()
    const objects = memoryObjects()
    let asked = 0
    const restarting: TenantStore = {
      ...tenant,
      commit: async (commit) => (await tenant.commit(commit), unknown()),
      settle: async (id) => ((asked += 1) < 5 ? fail() : tenant.settle(id)),
    }
    const deps = { tenant: restarting, objects, metadataCache: metadataCache(), ...CLOCK }
    expect(await publish(deps, commitOf(branchId, 'c1'), file)).toEqual({ outcome: 'committed', seq: 1 })
  })

  it('asks no longer than a lane may be held up', async () => {
    const { tenant, branchId } = await tenantWithBranch()
    let asked = 0
    const hanging: TenantStore = {
      ...tenant,
      commit: async () => unknown(),
      settle: async () => ((asked += 1), fail()),
    }
    const now = () => new Date(asked * (SETTLE_MS_MAX / 2))
    const deps = { tenant: hanging, objects: memoryObjects(), metadataCache: metadataCache(), ...CLOCK, now }
    await expect(publish(deps, commitOf(branchId, 'c1'), file)).rejects.toMatchObject({ kind: 'commit-state-unknown' })
    expect(asked).toBe(3)
  })

  it('keeps the file and says so when nobody can tell', async () => {
    const { tenant, branchId } = await tenantWithBranch()
    const objects = memoryObjects()
    const unreachable: TenantStore = { ...tenant, commit: async () => unknown(), settle: async () => fail() }
    const deps = { tenant: unreachable, objects, metadataCache: metadataCache(), ...CLOCK }
    await expect(publish(deps, commitOf(branchId, 'c1'), file)).rejects.toMatchObject({ kind: 'commit-state-unknown' })
    expect(objects.files.size).toBe(1)
  })

  it('commits nothing when the file could not be written', async () => {
    const { tenant, branchId } = await tenantWithBranch()
    const objects = { ...memoryObjects(), create: async () => fail() }
    const deps = { tenant, objects, metadataCache: metadataCache(), ...CLOCK }
    await expect(publish(deps, commitOf(branchId, 'c1'), file)).rejects.toMatchObject({ kind: 'unavailable' })
    expect(await tenant.settle('c1')).toEqual({ landed: false })
  })
})

describe('publish with several files', () => {
  const files = Array.from({ length: 9 }, (_, index) => ({
    location: validateFile(`s3://lake/t/metadata/0000${index}-a.metadata.json`, STORAGE, 'file'),
    text: '{}',
  }))
  const uris = files.map((each) => each.location.uri)

  it('keeps them all, or none of them', async () => {
    const { tenant, branchId } = await tenantWithBranch()
    const objects = memoryObjects()
    const deps = { tenant, objects, metadataCache: metadataCache(), ...CLOCK }
    expect((await publish(deps, commitOf(branchId, 'c1', 'somebody-elses'), ...files)).outcome).toBe('conflict')
    expect(objects.files.size).toBe(0)
    expect((await publish(deps, commitOf(branchId, 'c2'), ...files)).outcome).toBe('committed')
    expect([...objects.files.keys()].toSorted()).toEqual(uris)
  })

  it.each(uris.map((_, index) => index))('leaves none, and does not commit, if number %s fails', async (failing) => {
    const { tenant, branchId } = await tenantWithBranch()
    const memory = memoryObjects()
    const objects: ObjectStore = {
      ...memory,
      async create(place, ...rest) {
        const created = await memory.create(place, ...rest)
        return place.uri === uris[failing] ? fail() : created
      },
    }
    const deps = { tenant, objects, metadataCache: metadataCache(), ...CLOCK }
    await expect(publish(deps, commitOf(branchId, 'c1'), ...files)).rejects.toMatchObject({ kind: 'unavailable' })
    expect(memory.files.size).toBe(0)
    expect(await tenant.settle('c1')).toEqual({ landed: false })
  })

  it('does not touch a file that stood there before', async () => {
    const { tenant, branchId } = await tenantWithBranch()
    const objects = memoryObjects()
    objects.files.set(uris[4] ?? '', new Uint8Array([1]))
    const deps = { tenant, objects, metadataCache: metadataCache(), ...CLOCK }
    await expect(publish(deps, commitOf(branchId, 'c1'), ...files)).rejects.toMatchObject({ kind: 'unavailable' })
    expect([...objects.files]).toEqual([[uris[4], new Uint8Array([1])]])
  })

  it('keeps them all while nobody can tell', async () => {
    const { tenant, branchId } = await tenantWithBranch()
    const objects = memoryObjects()
    const unreachable: TenantStore = { ...tenant, commit: async () => unknown(), settle: async () => fail() }
    const deps = { tenant: unreachable, objects, metadataCache: metadataCache(), ...CLOCK }
    await expect(publish(deps, commitOf(branchId, 'c1'), ...files)).rejects.toMatchObject({
      kind: 'commit-state-unknown',
    })
    expect(objects.files.size).toBe(files.length)
  })
})

describe('attempts at one change', () => {
  const named = (name: string): MetadataFile => ({
    location: validateFile(`s3://lake/t/metadata/${name}.metadata.json`, STORAGE, 'file'),
    text: '{}',
  })
  const [kept, moved, newer] = [named('kept'), named('moved'), named('newer')]
  const uris = (...files: readonly MetadataFile[]) => files.map(({ location: { uri } }) => uri).toSorted()

  async function afterOneLost(faults: Partial<TenantStore> = {}) {
    const { tenant, branchId } = await tenantWithBranch()
    const objects = memoryObjects()
    const publisher = publisherOf({
      tenant: { ...tenant, ...faults },
      objects,
      metadataCache: metadataCache(),
      ...CLOCK,
    })
    if (!faults.commit)
      expect((await publisher.publish(commitOf(branchId, 'c1', 'other'), kept, moved)).outcome).toBe('conflict')
    const stored = () => [...objects.files.keys()].toSorted()
    return { publisher, branchId, stored }
  }

  it('leave what the one that landed names, and nothing else', async () => {
    const { publisher, branchId, stored } = await afterOneLost()
    expect((await publisher.publish(commitOf(branchId, 'c2'), kept, newer)).outcome).toBe('committed')
    await publisher.end()
    expect(stored()).toEqual(uris(kept, newer))
  })

  it('leave nothing if none has landed', async () => {
    const { publisher, stored } = await afterOneLost()
    await publisher.end()
    expect(stored()).toEqual([])
  })

  it('leave what the one names of which nobody can tell', async () => {
    let asked = 0
    const { publisher, branchId, stored } = await afterOneLost({
      commit: async () => ((asked += 1) === 1 ? { outcome: 'conflict', change: 0 } : unknown()),
      settle: async () => fail(),
    })
    expect((await publisher.publish(commitOf(branchId, 'c1'), kept, moved)).outcome).toBe('conflict')
    await expect(publisher.publish(commitOf(branchId, 'c2'), kept, newer)).rejects.toMatchObject({
      kind: 'commit-state-unknown',
    })
    await publisher.end()
    expect(stored()).toEqual(uris(kept, newer))
  })
})

it('gives up after too many attempts with an answer that is safe to retry: busy is not the same as lost', async () => {
  await expect(untilDecided(async () => 'again')).rejects.toMatchObject({ kind: 'unavailable' })
  await expect(untilDecided(async () => 'lost')).rejects.toMatchObject({ kind: 'commit-failed' })
})

it('pauses between the tries of what no lane has put in order, longer each time, and tries it more often', async () => {
  const pauses: number[] = []
  const pause = async (msMax: number): Promise<void> => void pauses.push(msMax)
  let tries = 0
  const attempt = async (): Promise<'lost'> => {
    tries += 1
    return 'lost'
  }
  await expect(untilDecided(attempt, pause)).rejects.toMatchObject({ kind: 'commit-failed' })
  expect([tries, pauses.length]).toEqual([UNQUEUED_RETRIES_MAX, UNQUEUED_RETRIES_MAX - 1])
  expect([pauses[0], pauses[1], pauses.at(-1)]).toEqual([RETRY_PAUSE_MS, 2 * RETRY_PAUSE_MS, RETRY_PAUSE_MS_MAX])
})

function unknown(): CommitOutcome {
  return { outcome: 'unknown', cause: new Error('connection lost') }
}

function fail(): never {
  throw new Error('connection lost')
}
