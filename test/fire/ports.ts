import { CatalogError } from '#domain/errors'
import type { ObjectStore } from '#objects/objects'
import { memoryStore } from '#store/memory/memory'
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

/**
 * How a call fails. `before`: it never happened; `after`: it happened and its answer was lost; `late`: its answer is lost
 * and it happens once the request is over. For a commit also the outcomes that say that nothing was done: `busy`, and
 * `lost`, a race that was lost to somebody who has put everything back since.
 */
export type Fault = 'before' | 'after' | 'late' | 'busy' | 'lost'

const WRITES: readonly PortCall[] = ['store.settle', 'store.finish', 'store.trim', 'objects.create', 'objects.delete']

/** What a call can suffer. A read that happens late is one that never happened. */
export function faultsOf(call: PortCall): readonly Fault[] {
  if (call === 'store.commit') return ['before', 'after', 'late', 'busy', 'lost']
  return WRITES.includes(call) ? ['before', 'after', 'late'] : ['before', 'after']
}

/** Decides about each call as it is made; it may wait first. Null lets it through. */
export type Judge = (call: PortCall) => Fault | null | Promise<Fault | null>

/** A store and an object store in memory whose every call can be made to fail. */
export interface FaultyPorts {
  readonly store: Store
  readonly objects: ObjectStore
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
  }

  /** Runs a call, or what a fault makes of it; `lost` is what the caller gets instead of the answer. */
  async function suffer<T>(call: PortCall, run: () => Promise<T>, lost: (fault: Fault) => T): Promise<T> {
    const fault = await ports.judge(call)
    if (fault === null) return run()
    if (fault === 'after') await run()
    if (fault === 'late') ports.delayed.push(run)
    return lost(fault)
  }
  return ports
}

/** Lets everything happen that was delayed: each call is then done or refused. */
export async function letDelayedHappen(ports: FaultyPorts): Promise<void> {
  for (const run of ports.delayed.splice(0)) await run().catch(() => undefined)
}

type Suffer = <T>(call: PortCall, run: () => Promise<T>, lost: (fault: Fault) => T) => Promise<T>

function faultyTenant(real: TenantStore, suffer: Suffer): TenantStore {
  return {
    ...real,
    read: (query) => suffer('store.read', () => real.read(query), noDatabase),
    commit: (commit) => suffer('store.commit', () => real.commit(commit), lostCommit),
    settle: (id) => suffer('store.settle', () => real.settle(id), noDatabase),
    idempotency: {
      finish: (record) => suffer('store.finish', () => real.idempotency.finish(record), noDatabase),
    },
    history: { ...real.history, trim: (input) => suffer('store.trim', () => real.history.trim(input), noDatabase) },
    purges: {
      ...real.purges,
      stillNamed: (locations) => suffer('store.stillNamed', () => real.purges.stillNamed(locations), noDatabase),
    },
  }
}

function faultyObjects(files: ObjectStore, suffer: Suffer): ObjectStore {
  return {
    read: (...input) => suffer('objects.read', () => files.read(...input), noBucket),
    stream: (...input) => suffer('objects.stream', () => files.stream(...input), noBucket),
    create: (...input) => suffer('objects.create', () => files.create(...input), noBucket),
    delete: (...input) => suffer('objects.delete', () => files.delete(...input), noBucket),
  }
}

function lostCommit(fault: Fault): CommitOutcome {
  if (fault === 'busy') return { outcome: 'busy' }
  if (fault === 'lost') return { outcome: 'conflict', change: 0 }
  return { outcome: 'unknown', cause: new Error('the connection was lost') }
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
