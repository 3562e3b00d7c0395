import { newMemory } from '#store/mongo/log'
import { mongoStore } from '#store/mongo/mongo'
import { LOG } from '#store/mongo/documents'
import type { MongoVerbs } from '#store/mongo/verbs'
import { emptyState } from '#store/memory/state'
import type { Entry, Key } from '#versions/model'
import {
  answered,
  AT,
  commitOf,
  create,
  firstRecords,
  member,
  namespaceKey,
  namespaceValue,
  tableKey,
  tableValue,
} from '#test/contract/fixture'
import { checkHistory, endOf, type Operation, type Tenant } from './histories.ts'
import { memoryServer } from './memory-server.ts'
import { randomOf, Scheduler, startProcess } from './scheduler.ts'

/** What a process sees of the server; a mistake of the store is put back here, under the real store. */
export type Lens = (verbs: MongoVerbs) => MongoVerbs

const TENANT = 'tenant'
const KEYS: readonly Key[] = [namespaceKey('', 'a'), tableKey('a', 'x'), tableKey('a', 'y'), tableKey('a', 'z')]
const FOLDERS = ['s3://l/p/', 's3://l/p/q/', 's3://l/r/']
const IDEMPOTENCY_KEYS = ['key-0', 'key-1', 'key-2']
const LISTING = { class: 'asset', namespace: 'a', kind: 'table', limit: 2 } as const

/** Processes at a time, and what each of them does until it ends. */
const PROCESSES = 3
const STEPS = 7

interface World {
  readonly scheduler: Scheduler
  readonly server: MongoVerbs
  readonly random: () => number
  readonly operations: Operation[]
  readonly branches: string[]
  readonly commitIds: string[]
  readonly purges: string[]
  /** Metadata files that commits were to point at. */
  readonly files: string[]
}

/**
 * One history of a few processes that share a server, lose answers, are slow, and die. Rolls are frequent, so that they
 * meet. @throws Error if it is not one that the model could have had
 */
export async function checkSeed(seed: number, lens: Lens): Promise<void> {
  const random = randomOf(seed)
  const server = memoryServer()
  const first = named(firstRecords(TENANT))
  const state = emptyState()
  state.records.tenant.set(TENANT, first.tenant)
  state.records.warehouse.set(first.warehouse.id, first.warehouse)
  state.records.catalog.set(first.catalog.id, first.catalog)
  state.records.user.set(first.user.id, first.user)
  state.branches.set(first.branch.id, first.branch)
  await mongoStore(server, { newId: () => 'bootstrap/0', memory: newMemory() }).bootstrap(first)
  const world: World = {
    scheduler: new Scheduler(random),
    server,
    random,
    operations: [],
    branches: [first.branch.id],
    commitIds: [],
    purges: [],
    files: [],
  }
  await world.scheduler.run(Promise.all(Array.from({ length: PROCESSES }, async (_, i) => live(world, `p${i}`, lens))))
  world.scheduler.faults = false
  await world.scheduler.run(lookAtEverything(world, lens))
  await checkHistory(server, TENANT, state, world.operations)
}

/** A process does one thing after the other; when it dies, another one starts that remembers nothing. */
async function live(world: World, name: string, lens: Lens): Promise<void> {
  let count = 0
  for (let done = 0; done < STEPS;) {
    const process = startProcess()
    let doing = ''
    let attempts = 0
    const tenant = mongoStore(lens(world.scheduler.verbsFor(process, world.server)), {
      newId: () => `${doing}/${(attempts += 1)}`,
      memory: newMemory(),
      tailEntriesMax: 2,
    }).tenant(TENANT)
    const tell = async (what: string, run: Operation['run']): Promise<unknown> => {
      doing = `${name}-${(count += 1)}`
      const from = await logLength(world)
      const operation: Operation = { id: doing, what: `${doing} ${what}`, run, from, to: from, end: { is: 'open' } }
      world.operations.push(operation)
      operation.to = Number.POSITIVE_INFINITY
      const end = await Promise.race([
        process.died,
        run(tenant).then(
          (answer): Operation['end'] => ({ is: 'done', answer }),
          (error: unknown) => endOf(error),
        ),
      ])
      if (end === 'died') return null
      operation.to = await logLength(world)
      operation.end = endAfter(end)
      return end.is === 'done' ? end.answer : null
    }
    while (done < STEPS && !process.isDead) {
      done += 1
      await step(world, tell)
    }
  }
}

type Tell = (what: string, run: Operation['run']) => Promise<unknown>

async function step(world: World, tell: Tell): Promise<void> {
  const branchId = world.random() < 0.5 ? 'main' : pick(world, world.branches)
  const chance = world.random()
  if (chance < 0.17) await read(tell, branchId)
  else if (chance < 0.21) await finish(world, tell)
  else if (chance < 0.28) await trim(world, tell, branchId)
  else if (chance < 0.77) await commit(world, tell, branchId)
  else if (chance < 0.87) {
    const id = `ref-${world.operations.length}`
    const what = world.random() < 0.7 ? 'fork' : 'tag'
    const from = { branchId, ...(world.random() < 0.3 ? { seq: Math.floor(world.random() * 4) } : {}) }
    if (what === 'fork') world.branches.push(id)
    const name = `n${Math.floor(world.random() * 4)}`
    await tell(`${what} ${id} of ${branchId}`, async (tenant) => tenant.branches[what]({ id, name, from, at: AT }))
  } else if (chance < 0.91) await tell(`close ${branchId}`, async (tenant) => tenant.branches.close(branchId))
  else if (chance < 0.95 && world.purges.length > 0) {
    const id = pick(world, world.purges)
    await tell(`purged ${id}`, async (tenant) => tenant.purges.done(id))
  } else if (world.commitIds.length > 0) {
    const id = pick(world, world.commitIds)
    await tell(`settle ${id}`, async (tenant) => tenant.settle(id))
  }
}

async function read(tell: Tell, branchId: string): Promise<readonly (Entry | null)[]> {
  const query = { at: { branchId }, keys: KEYS, page: LISTING, idempotencyKey: IDEMPOTENCY_KEYS[0] ?? '' }
  const found = await tell(`read ${branchId}`, async (tenant) => tenant.read(query))
  return (found as { entries: readonly (Entry | null)[] } | null)?.entries ?? []
}

/** Gives a key an answer of its own, so that no commit with it lands any more. */
async function finish(world: World, tell: Tell): Promise<void> {
  const record = { ...answered(pick(world, IDEMPOTENCY_KEYS), { fingerprint: 'finished' }), at: AT }
  await tell(`finish ${record.key}`, async (tenant) => ({ stands: await tenant.idempotency.finish(record) }))
}

/** Gives up files, then names a past position that may show one of them, while others do the same. */
async function trim(world: World, tell: Tell, branchId: string): Promise<void> {
  const { random, files, operations } = world
  const objectId = `object-${Math.floor(random() * 3)}`
  const metadataLocations = files.filter(() => random() < 0.7)
  const forgottenAt = { branchId, seq: Math.floor(random() * 3) }
  await tell(`trim ${metadataLocations.join(' ')} of ${objectId} by ${branchId} ${forgottenAt.seq}`, async (tenant) =>
    tenant.history.trim({ objectId, metadataLocations, forgottenAt }),
  )
  const input = { id: `ref-${operations.length}`, name: `n${operations.length}`, at: AT }
  const from = { branchId, seq: Math.floor(random() * 4) }
  await tell(`tag ${branchId} ${from.seq}`, async (tenant) => tenant.branches.tag({ ...input, from }))
}

/** Reads, then changes some of what it has read, all under one id; asks what became of it if nobody says. */
async function commit(world: World, tell: Tell, branchId: string): Promise<void> {
  const entries = await read(tell, branchId)
  if (entries.length === 0) return
  const { random } = world
  const id = `commit-${world.operations.length}`
  const chosen = KEYS.map((key, i) => ({ key, entry: entries[i] })).filter(() => random() < 0.5)
  const changes = chosen.map(({ key, entry }, i) => {
    const objectId = entry?.kind === 'table' ? entry.objectId : `object-${Math.floor(random() * 3)}`
    const locations = random() < 0.5 ? [pick(world, FOLDERS)] : []
    const isOld = world.files.length > 0 && random() < 0.15
    const metadataLocation = isOld ? pick(world, world.files) : `s3://l/${id}-${i}.json`
    if (!isOld && key.class === 'asset') world.files.push(metadataLocation)
    const table = tableValue({ objectId, locations, metadataLocation, summary: {} })
    const value = key.class === 'namespace' ? { ...namespaceValue(), objectId: `space-${objectId}` } : table
    return { ...create(key, value), expect: entry?.rev ?? null, ...(entry && random() < 0.3 ? { next: null } : {}) }
  })
  const purge = {
    id: `purge-${id}`,
    objectId: 'object-0',
    warehouseId: 'w',
    metadataLocation: 'm',
    locations: [FOLDERS[2] ?? ''],
  }
  const purges = random() < 0.1 ? [purge] : []
  if (purges.length > 0) world.purges.push(purge.id)
  const pointed = changes.flatMap(({ next }) => next?.metadataLocation ?? [])
  const untrimmed = random() < 0.5 ? pointed.map((file) => ({ untrimmed: file })) : []
  const others = random() < 0.2 ? [random() < 0.5 ? { empty: 'a' } : { exists: tableKey('a', 'x') }] : []
  const checks = [...others, ...untrimmed]
  const idempotency = random() < 0.2 ? answered(pick(world, IDEMPOTENCY_KEYS), { fingerprint: id }) : null
  const one = commitOf(branchId, changes, { members: [member({ id, idempotency })], checks, purges })
  world.commitIds.push(id)
  const outcome = (await tell(`commit ${id} to ${branchId}`, async (tenant) => tenant.commit(one))) as {
    outcome: string
  } | null
  if (outcome === null || outcome.outcome === 'unknown') await tell(`settle ${id}`, async (tenant) => tenant.settle(id))
}

/** When all is quiet: what every branch shows, now and at every position, and all of history. */
async function lookAtEverything(world: World, lens: Lens): Promise<void> {
  const verbs = lens(world.scheduler.verbsFor(startProcess(), world.server))
  const tenant: Tenant = mongoStore(verbs, { newId: () => 'nobody/0', memory: newMemory() }).tenant(TENANT)
  const from = await logLength(world)
  const look = async (what: string, run: Operation['run']): Promise<void> => {
    const end = { is: 'done', answer: await run(tenant) } as const
    world.operations.push({ id: what, what, run, from, to: from, end })
  }
  for (const branchId of world.branches) {
    for (const seq of [undefined, 1, 2, 3]) {
      const at = { branchId, ...(seq === undefined ? {} : { seq }) }
      await look(`last read ${branchId} ${seq}`, async (one) => one.read({ at, keys: KEYS, page: LISTING }))
    }
    await look(`last log of ${branchId}`, async (one) => one.history.log({ branchId, limit: 100 }))
  }
  for (const idempotencyKey of IDEMPOTENCY_KEYS)
    await look(`last answer to ${idempotencyKey}`, async (one) => one.read({ idempotencyKey }))
  for (const folder of FOLDERS) await look(`named ${folder}`, async (one) => one.purges.stillNamed([folder]))
  await look('last audit', async (one) => one.history.audit({ limit: 1000 }))
  await look('last purges', async (one) => one.purges.pending({ limit: 1000 }))
}

/** What a commit says of itself when it does not know counts as an open end. */
function endAfter(end: Operation['end']): Operation['end'] {
  if (end.is !== 'done' || typeof end.answer !== 'object' || end.answer === null || !('outcome' in end.answer))
    return end
  if (end.answer.outcome === 'busy') return { is: 'refused' }
  return end.answer.outcome === 'unknown' ? { is: 'open' } : end
}

async function logLength({ server }: World): Promise<number> {
  return (await server.find({ collection: LOG, filter: { tenant: TENANT } })).length
}

/** The first records under ids that are the same in every run. */
function named(first: ReturnType<typeof firstRecords>): ReturnType<typeof firstRecords> {
  const { warehouse, catalog, branch, user } = first
  return {
    ...first,
    warehouse: { ...warehouse, id: 'warehouse' },
    catalog: { ...catalog, id: 'catalog', warehouseId: 'warehouse' },
    branch: { ...branch, id: 'main', catalogId: 'catalog' },
    user: { ...user, id: 'user' },
  }
}

function pick<T>({ random }: Pick<World, 'random'>, list: readonly T[]): T {
  const found = list[Math.floor(random() * list.length)]
  if (found === undefined) throw new Error('expected something to pick from')
  return found
}
