import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memoryStore } from '#store/memory/memory'
import type { Store, TenantStore } from '#store/store'
import type { CatalogCommit, Change, Check, EntryValue, Key, Member } from '#versions/model'
import {
  answered,
  AT,
  firstRecords,
  member,
  namespaceKey,
  newId,
  readKey,
  tableKey,
  type OpenStore,
} from './fixture.ts'

const SEED = Number(process.env['STORE_SEED'] ?? Date.now() % 2 ** 31)
const RUNS = Number(process.env['STORE_RUNS'] ?? 30)

/** A world small enough for steps to meet: few keys, few objects, folders that hold each other. */
const KEYS: readonly Key[] = [
  namespaceKey('', 'a'),
  namespaceKey('a', 'c'),
  tableKey('a', 'x'),
  tableKey('a', 'y'),
  tableKey('a\u001fc', 'z'),
]
/** When everything of `AT` has expired. */
const LATER = '2026-01-03T03:04:05.000Z'
const NAMESPACES = ['', 'a', 'a\u001fc']
const FOLDERS = ['s3://l/p/', 's3://l/p/q/', 's3://l/p0/', 's3://l/r/']

const small = (max: number) => fc.nat({ max })
/** Usually `usual`; one time in ten something else. */
const rarely = <T, U>(usual: T, other: fc.Arbitrary<U>): fc.Arbitrary<T | U> =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: other })

const changeArbitrary = fc.record({
  key: small(KEYS.length - 1),
  expects: rarely('current' as const, fc.constantFrom('absent' as const, 'stale' as const)),
  drops: fc.boolean(),
  object: small(3),
  folder: fc.option(small(FOLDERS.length - 1), { freq: 1 }),
  isView: rarely(false, fc.constant(true)),
  unusedBefore: rarely(false, fc.constant(true)),
  file: small(3),
})
const checkArbitrary = fc.oneof(
  fc.record({ exists: small(KEYS.length - 1), object: fc.option(small(3), { freq: 1 }) }),
  fc.record({ empty: small(NAMESPACES.length - 1) }),
  fc.record({ untrimmed: small(3) }),
)
type CheckStep =
  | { readonly exists: number; readonly object: number | null }
  | { readonly empty: number }
  | { readonly untrimmed: number }
const commitArbitrary = fc.record({
  do: fc.constant('commit' as const),
  branch: small(4),
  changes: fc.uniqueArray(changeArbitrary, { minLength: 1, maxLength: 3, selector: ({ key }) => key }),
  checks: rarely<CheckStep[], CheckStep[]>([], fc.array(checkArbitrary, { minLength: 1, maxLength: 3 })),
  head: rarely(null, fc.constantFrom(0, 1)),
  repeats: rarely(null, fc.constantFrom('id' as const, 'key' as const)),
  purges: rarely(null, small(FOLDERS.length - 1)),
})
const refArbitrary = fc.record({
  do: fc.constantFrom('fork' as const, 'tag' as const),
  branch: small(4),
  name: small(5),
  back: rarely(null, small(6)),
})
const finishArbitrary = fc.record({ do: fc.constant('finish' as const), isSame: fc.boolean(), isLate: fc.boolean() })
const stepArbitrary = fc.oneof(
  { weight: 40, arbitrary: commitArbitrary },
  { weight: 6, arbitrary: refArbitrary },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('close' as const), branch: small(4) }) },
  { weight: 2, arbitrary: finishArbitrary },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('settle' as const), which: small(20) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('purged' as const), which: small(5) }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('trim' as const), branch: small(4), object: small(3), seq: small(9) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('named' as const), folder: small(FOLDERS.length - 1) }) },
)
type Step = typeof stepArbitrary extends fc.Arbitrary<infer T> ? T : never
type CommitStep = Extract<Step, { do: 'commit' }>

/** What a random tenant begins with: each key, twice. Its first step at random may close its only branch. */
const BEGINNING = [0, 1].flatMap((file) =>
  KEYS.map((_, key): CommitStep => {
    const rest = { drops: false, folder: null, isView: false, unusedBefore: false, file }
    const change = { key, expects: 'current' as const, object: key % 4, ...rest }
    return { do: 'commit', branch: 0, changes: [change], checks: [], head: null, repeats: null, purges: null }
  }),
)

/** Whatever is done to the store and to the model, in whatever order, both answer alike and hold the same. */
export function agreesWithModel(name: string, open: OpenStore): void {
  describe(`${name} store against the model`, () => {
    it(`answers ${RUNS} random histories alike (STORE_SEED=${SEED})`, { timeout: 600_000 }, async () => {
      const store = await open()
      const property = fc.asyncProperty(
        fc.array(stepArbitrary, { minLength: 8, maxLength: 40, size: 'max' }),
        async (steps) => {
          const model = memoryStore()
          const first = firstRecords(newId())
          for (const each of [model, store]) await each.bootstrap(first)
          const pair = { model: model.tenant(first.tenant.id), real: store.tenant(first.tenant.id) }
          const history = new History([first.branch.id], first.catalog.id)
          for (const each of steps) await both(pair, await history.action(pair.model, each))
          await compareAll(pair, history)
        },
      )
      await fc.assert(property, { seed: SEED, numRuns: RUNS })
    })
  })
}

/** A tenant with a random history in a store, and the model that knows what it must be. */
export interface RandomTenant {
  readonly tenantId: string
  /** The branch it began with. */
  readonly main: string
  /** Does the same to a store that has the tenant and to the model: `steps` random ones, after what it begins with. */
  goOn(store: Store, steps: number): Promise<void>
  /** Compares whatever can be read in a store that has the tenant. */
  agrees(store: Store): Promise<void>
}

export async function randomTenant(store: Store, first = firstRecords(newId()), seed = SEED): Promise<RandomTenant> {
  const modelStore = memoryStore()
  const tenantId = first.tenant.id
  for (const each of [modelStore, store]) await each.bootstrap(first)
  const model = modelStore.tenant(tenantId)
  const history = new History([first.branch.id], first.catalog.id)
  let rounds = 0
  return {
    tenantId,
    main: first.branch.id,
    goOn: async (real, steps) => {
      rounds += 1
      const random = fc.sample(stepArbitrary, { seed: seed + rounds, numRuns: steps })
      for (const each of [...(rounds === 1 ? BEGINNING : []), ...random])
        await both({ model, real: real.tenant(tenantId) }, await history.action(model, each))
    },
    agrees: async (real) => compareAll({ model, real: real.tenant(tenantId) }, history),
  }
}

interface Pair {
  readonly model: TenantStore
  readonly real: TenantStore
}
type Action = (tenant: TenantStore) => Promise<unknown>

/** Turns steps into actions with the same ids and expectations for both stores. */
class History {
  readonly branches: string[]
  readonly catalogId: string
  readonly names = ['main']
  private readonly ids: string[] = []
  private readonly revs: string[] = []
  private readonly purges: string[] = []
  private count = 0

  constructor(branches: string[], catalogId: string) {
    this.branches = branches
    this.catalogId = catalogId
  }

  async action(model: TenantStore, each: Step): Promise<Action> {
    const branchId = 'branch' in each ? pick(this.branches, each.branch) : ''
    switch (each.do) {
      case 'commit': {
        const commit = await this.commit(model, branchId, each)
        return (tenant) => tenant.commit(commit)
      }
      case 'fork':
      case 'tag':
        return this.ref(model, branchId, each)
      case 'close':
        return (tenant) => tenant.branches.close(branchId)
      case 'settle': {
        const id = this.ids[each.which] ?? this.id()
        return (tenant) => tenant.settle(id)
      }
      case 'finish': {
        const finished = { ...answered(each.isSame ? 'the same key' : this.id()), at: each.isLate ? LATER : AT }
        return (tenant) => tenant.idempotency.finish(finished)
      }
      case 'purged': {
        const id = this.purges[each.which] ?? 'none'
        return (tenant) => tenant.purges.done(id)
      }
      case 'named':
        return (tenant) => tenant.purges.stillNamed([pick(FOLDERS, each.folder)])
      case 'trim': {
        const forgottenAt = { branchId, seq: each.seq }
        const metadataLocations = [0, 1, 2].map(fileAt)
        return (tenant) => tenant.history.trim({ objectId: `object ${each.object}`, metadataLocations, forgottenAt })
      }
      default:
        return each satisfies never
    }
  }

  private async ref(
    model: TenantStore,
    branchId: string,
    each: Extract<Step, { do: 'fork' | 'tag' }>,
  ): Promise<Action> {
    const head = (await model.read({ at: { branchId } })).place?.branch.headSeq ?? 0
    const from = {
      branchId,
      ...(each.back === null ? {} : { seq: head + 1 - each.back < 0 ? 0 : head + 1 - each.back }),
    }
    const input = { id: this.id(), name: `n${each.name}`, from, at: AT }
    if (!this.names.includes(input.name)) this.names.push(input.name)
    if (each.do === 'tag') return (tenant) => tenant.branches.tag(input)
    this.branches.push(input.id)
    return (tenant) => tenant.branches.fork(input)
  }

  private async commit(model: TenantStore, branchId: string, each: CommitStep): Promise<CatalogCommit> {
    const head = (await model.read({ at: { branchId } })).place?.branch.headSeq ?? 0
    const changes: Change[] = []
    for (const one of each.changes) changes.push(await this.change(model, branchId, one))
    const purges = each.purges === null ? [] : [this.purge(pick(FOLDERS, each.purges))]
    const members = this.members(each.repeats)
    this.revs.push(members[0]?.id ?? '')
    return {
      branchId,
      at: AT,
      members,
      changes,
      checks: each.checks.map((one) => checkOf(one)),
      purges,
      ...(each.head === null ? {} : { expectHead: head - each.head }),
    }
  }

  private async change(model: TenantStore, branchId: string, one: CommitStep['changes'][number]): Promise<Change> {
    const key = pick(KEYS, one.key)
    const current = (await readKey(model, branchId, key))?.rev ?? null
    const expected = { current, absent: null, stale: this.revs[0] ?? newId() }[one.expects]
    const next = valueOf(key, one)
    const unusedBefore = one.unusedBefore ? next.locations : []
    return { key, expect: expected, next: one.drops ? null : next, unusedBefore }
  }

  private members(repeats: CommitStep['repeats']): Member[] {
    const id = repeats === 'id' && this.ids.length > 0 ? pick(this.ids, 3) : this.id()
    const idempotency = repeats === 'key' ? answered('the same key') : null
    return [member({ id, idempotency }), member({ id: this.id() })]
  }

  private purge(folder: string) {
    const id = this.id()
    this.purges.push(id)
    return { id, objectId: 'object 0', warehouseId: 'w', metadataLocation: `${folder}m.json`, locations: [folder] }
  }

  private id(): string {
    this.count += 1
    const id = `id-${String(this.count).padStart(4, '0')}`
    this.ids.push(id)
    return id
  }
}

function checkOf(one: CheckStep): Check {
  if ('untrimmed' in one) return { untrimmed: fileAt(one.untrimmed) }
  if ('empty' in one) return { empty: pick(NAMESPACES, one.empty) }
  const key = pick(KEYS, one.exists)
  return { exists: key, ...(one.object === null ? {} : { objectId: objectAt(key, one.object) }) }
}

function valueOf(key: Key, one: CommitStep['changes'][number]): EntryValue {
  const isNamespace = key.class === 'namespace'
  return {
    objectId: objectAt(key, one.object),
    kind: isNamespace ? 'namespace' : one.isView ? 'view' : 'table',
    metadataLocation: isNamespace ? null : fileAt(one.file),
    locations: isNamespace || one.folder === null ? [] : [pick(FOLDERS, one.folder)],
    properties: { p: String(one.object) },
    summary: {},
  }
}

function objectAt(key: Key, number: number): string {
  return `${key.class === 'namespace' ? 'namespace' : 'object'} ${number}`
}

function fileAt(number: number): string {
  return `s3://l/m${number}.json`
}

async function both({ model, real }: Pair, action: Action): Promise<void> {
  expect(await action(real)).toEqual(await action(model))
}

const LISTINGS = NAMESPACES.flatMap((namespace) =>
  [1, 10].flatMap((limit) => [
    { class: 'namespace', namespace, kind: 'namespace', limit } as const,
    { class: 'asset', namespace, kind: 'table', limit } as const,
    { class: 'asset', namespace, kind: 'view', limit } as const,
  ]),
)

/** Every key at many positions, one listing or another at each of them, and all of history. */
async function compareAll(pair: Pair, history: History): Promise<void> {
  const places = [
    ...history.names.map((ref) => ({ catalog: 'demo', ref })),
    ...history.branches.flatMap((branchId) => [{ branchId }, { branchId, seq: 1 }, { branchId, seq: 3 }]),
  ]
  const shift = history.branches.length + history.names.length
  for (const [i, at] of places.entries()) {
    await both(pair, (tenant) => tenant.read({ at, keys: KEYS, page: pick(LISTINGS, shift * 7 + i * 5) }))
  }
  for (const branchId of history.branches) await both(pair, (tenant) => tenant.history.log({ branchId, limit: 9 }))
  await both(pair, (tenant) => tenant.read({ idempotencyKey: 'the same key' }))
  for (const folder of FOLDERS) await both(pair, (tenant) => tenant.purges.stillNamed([folder]))
  await both(pair, async (tenant) => {
    const { records, next } = await tenant.history.audit({ limit: 1000 })
    // Their ids are a store's own: all that counts is that they go down.
    const ids = records.map(({ id }) => Number(id))
    expect(ids).toEqual([...new Set(ids)].toSorted((a, b) => b - a))
    return { records: records.map(({ id: _id, ...record }) => record), next }
  })
  await both(pair, (tenant) => tenant.purges.pending({ limit: 1000 }))
}

function pick<T>(list: readonly T[], index: number): T {
  const found = list[index % list.length]
  if (found === undefined) throw new Error('expected something to pick from')
  return found
}
