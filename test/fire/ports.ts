import { CatalogError } from '#domain/errors'
import type { ObjectStore } from '#objects/objects'
import { memoryStore } from '#store/memory/memory'
import type { Signer } from '#signers/signer'
import { fromLane, fromPurgeRunner } from '#src/durable-calls'
import { impatient, within } from '#src/time-limits'
import type { CommitOutcome, Store, TenantStore } from '#store/store'
import { memoryObjects, type MemoryObjects } from '#test/support/objects'

/** What can be called at the two ports, and can fail there. */
export type PortCall =
  | 'store.read'
  | 'store.commit'
  | 'store.settle'
  | 'store.finish'
  | 'store.stillNamed'
  | 'store.trim'
  | 'objects.read'
  | 'objects.stream'
  | 'objects.create'
  | 'objects.delete'
  | 'signer.sign'
  | 'lane.commit'
  | 'purges.wake'

/**
 * How a call fails. `before`: it never happened; `after`: it happened and its answer was lost; `late`: its answer is lost
 * and it happens once the request is over. With `hang` in front the answer is not a failure but none at all, until the
 * product's own limit ends the wait; `hang` alone: it never happened. For a commit also the outcomes that say that nothing
 * was done: `busy`, and `lost`, a race that was lost to somebody who has put everything back since. A lane that is
 * `overloaded` has not begun.
 */
export type Fault = 'before' | 'after' | 'late' | Hang | 'busy' | 'lost' | 'overloaded'

type Hang = 'hang' | 'hang after' | 'hang late'

const CHANGING = ['before', 'after', 'late', 'hang', 'hang after', 'hang late'] as const
const READING = ['before', 'after', 'hang'] as const

const FAULTS: Readonly<Record<PortCall, readonly Fault[]>> = {
  'store.read': READING,
  'store.commit': [...CHANGING, 'busy', 'lost'],
  'store.settle': CHANGING,
  'store.finish': CHANGING,
  'store.trim': CHANGING,
  'store.stillNamed': READING,
  'objects.read': READING,
  'objects.stream': READING,
  'objects.create': CHANGING,
  'objects.delete': CHANGING,
  // Signing happens here and waits for nobody.
  'signer.sign': ['before'],
  'lane.commit': [...CHANGING, 'overloaded'],
  'purges.wake': READING,
}

/** The product's limits, made short: only calls that hang are held against them, so the speed of this machine is nothing. */
const HANG_MS = 1
const NEVER = new Promise<never>(() => undefined)
const HUNG_BUCKET = impatient(
  { read: () => NEVER, stream: () => NEVER, create: () => NEVER, delete: () => NEVER },
  HANG_MS,
)
const hungDatabase = (): Promise<never> => within(HANG_MS, 'The catalog database', NEVER)

/** What a call can suffer. A read that happens late is one that never happened. */
export function faultsOf(call: PortCall): readonly Fault[] {
  return FAULTS[call]
}

/** Whether a fault lets its call happen once the request is over. */
export function isLate(fault: Fault): boolean {
  return fault === 'late' || fault === 'hang late'
}

/** Whether a fault leaves its call without any answer. */
export function hangs(fault: Fault): fault is Hang {
  return fault === 'hang' || fault === 'hang after' || fault === 'hang late'
}

/** Decides about each call as it is made; it may wait first. Null lets it through. */
export type Judge = (call: PortCall) => Fault | null | Promise<Fault | null>

/** A store and an object store in memory whose every call can be made to fail. */
export interface FaultyPorts {
  readonly store: Store
  readonly objects: ObjectStore
  /** What is put in the place of the catalog's signer, lanes and purge runner. */
  readonly signer: (real: Signer) => Signer
  readonly callLane: <T>(run: () => Promise<T>) => Promise<T>
  readonly wakePurge: () => Promise<void>
  /** The objects themselves, which never fail. */
  readonly files: MemoryObjects
  /** The store itself, which never fails. */
  readonly real: Store
  judge: Judge
  /** Calls whose answer was lost and that have not happened yet. */
  readonly delayed: (() => Promise<unknown>)[]
}

/** @param change replaces the operations of the real store or the real objects, to plant a defect */
export function faultyPorts(
  change: {
    store?: (tenant: TenantStore) => Partial<TenantStore>
    objects?: (files: MemoryObjects) => Partial<ObjectStore>
  } = {},
): FaultyPorts {
  const real = memoryStore()
  const files = memoryObjects()
  const ports: FaultyPorts = {
    real,
    files,
    judge: () => null,
    delayed: [],
    store: { ...real, tenant: (id) => faultyTenant(changed(real.tenant(id), change.store), suffer) },
    objects: faultyObjects(changed(files, change.objects), suffer),
    signer: (signer) => ({ sign: (input) => suffer('signer.sign', () => signer.sign(input), noAnswer, noAnswer) }),
    async callLane(run) {
      const replied = async () => run().then(...REPLIES)
      const reply = await suffer('lane.commit', replied, noLane, () => fromLane(HANG_MS, NEVER))
      return reply()
    },
    wakePurge: () =>
      suffer(
        'purges.wake',
        async () => undefined,
        async () => fromPurgeRunner(HANG_MS, Promise.reject(new Error('the connection was lost'))),
        () => fromPurgeRunner(HANG_MS, NEVER),
      ),
  }

  /**
   * Runs a call, or what a fault makes of it. `lost` is what the caller gets instead of the answer, `hung` what he gets once
   * he has waited for it as long as the product does.
   */
  async function suffer<T>(
    call: PortCall,
    run: () => Promise<T>,
    lost: (fault: Fault) => T | Promise<T>,
    hung: () => T | Promise<T>,
  ): Promise<T> {
    const fault = await ports.judge(call)
    if (fault === null) return run()
    if (fault === 'after' || fault === 'hang after') await run()
    if (isLate(fault)) ports.delayed.push(run)
    return hangs(fault) ? hung() : lost(fault)
  }
  return ports
}

/** Lets everything happen that was delayed: each call is then done or refused. */
export async function letDelayedHappen(ports: FaultyPorts): Promise<void> {
  for (const run of ports.delayed.splice(0)) await run().catch(() => undefined)
}

type Suffer = <T>(
  call: PortCall,
  run: () => Promise<T>,
  lost: (fault: Fault) => T | Promise<T>,
  hung: () => T | Promise<T>,
) => Promise<T>

function faultyTenant(real: TenantStore, suffer: Suffer): TenantStore {
  return {
    ...real,
    read: (query) => suffer('store.read', () => real.read(query), noDatabase, hungDatabase),
    commit: (commit) => suffer('store.commit', () => real.commit(commit), lostCommit, hungCommit),
    settle: (id) => suffer('store.settle', () => real.settle(id), noDatabase, hungDatabase),
    idempotency: {
      finish: (record) => suffer('store.finish', () => real.idempotency.finish(record), noDatabase, hungDatabase),
    },
    history: {
      ...real.history,
      trim: (input) => suffer('store.trim', () => real.history.trim(input), noDatabase, hungDatabase),
    },
    purges: {
      ...real.purges,
      stillNamed: (locations) =>
        suffer('store.stillNamed', () => real.purges.stillNamed(locations), noDatabase, hungDatabase),
    },
  }
}

function faultyObjects(real: ObjectStore, suffer: Suffer): ObjectStore {
  const ask = <T>(call: PortCall, from: (files: ObjectStore) => Promise<T>): Promise<T> =>
    suffer(
      call,
      () => from(real),
      noBucket,
      () => from(HUNG_BUCKET),
    )
  return {
    read: (...input) => ask('objects.read', (files) => files.read(...input)),
    stream: (...input) => ask('objects.stream', (files) => files.stream(...input)),
    create: (...input) => ask('objects.create', (files) => files.create(...input)),
    delete: (...input) => ask('objects.delete', (files) => files.delete(...input)),
  }
}

/** A store that gives up on a commit can't tell what became of it. */
async function hungCommit(): Promise<CommitOutcome> {
  return hungDatabase().catch((cause: unknown): CommitOutcome => ({ outcome: 'unknown', cause }))
}

function lostCommit(fault: Fault): CommitOutcome {
  if (fault === 'busy') return { outcome: 'busy' }
  if (fault === 'lost') return { outcome: 'conflict', change: 0 }
  return { outcome: 'unknown', cause: new Error('the connection was lost') }
}

/** What crosses from a lane is data, its errors too: they are thrown where they arrive. */
const REPLIES = [
  <T>(value: T) =>
    () =>
      value,
  (error: unknown) => () => {
    throw error
  },
] as const

function noLane(fault: Fault): Promise<never> {
  const lost = Object.assign(new Error('the connection to the lane was lost'), { overloaded: fault === 'overloaded' })
  return fromLane(HANG_MS, Promise.reject(lost))
}

function noAnswer(): never {
  throw new Error('the connection was lost')
}

function noDatabase(): never {
  throw new CatalogError('unavailable', 'The catalog database did not answer; try again')
}

function noBucket(): never {
  throw new CatalogError('unavailable', 'Object storage could not be reached: try again later')
}

function changed<T extends object>(real: T, change: ((real: T) => Partial<T>) | undefined): T {
  return change ? { ...real, ...change(real) } : real
}
