import { setImmediate as othersHaveRun } from 'node:timers/promises'
import { VerbFailure, type Doc, type MongoVerbs, type Query } from '#store/mongo/verbs'

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** A process: what it has asked for and not heard of yet dies with it, or arrives all the same. */
export interface Process {
  readonly died: Promise<'died'>
  isDead: boolean
  die(): void
}

export function startProcess(): Process {
  const { promise, resolve } = Promise.withResolvers<'died'>()
  const self: Process = {
    died: promise,
    isDead: false,
    die: () => {
      self.isDead = true
      resolve('died')
    },
  }
  return self
}

interface Call {
  readonly process: Process
  readonly isWrite: boolean
  readonly execute: () => Promise<unknown>
  readonly answer: (result: unknown) => void
  readonly fail: (error: unknown) => void
}

/**
 * Decides what happens next: every verb of every process waits here until it is picked, and meets a fate. Nothing else
 * in these tests takes time, so a seed stands for one history.
 */
export class Scheduler {
  /** Without faults every verb is answered; the order stays arbitrary. */
  faults = true
  private readonly random: () => number
  private readonly waiting: Call[] = []

  constructor(random: () => number) {
    this.random = random
  }

  /** Runs until the work is done and no delayed write is left. */
  async run(work: Promise<unknown>): Promise<void> {
    let isDone = false
    const end = work.finally(() => {
      isDone = true
    })
    end.catch(() => undefined)
    for (let idle = 0; idle < 3;) {
      await othersHaveRun()
      const next = this.waiting.splice(Math.floor(this.random() * this.waiting.length), 1)[0]
      if (next) {
        idle = 0
        await this.meetFate(next)
      } else if (isDone) break
      else idle += 1
    }
    if (!isDone) throw new Error('expected every process to go on or to be dead')
    await end
  }

  /** The verbs as one process has them. */
  verbsFor(process: Process, server: MongoVerbs): MongoVerbs {
    const call = async <T>(isWrite: boolean, execute: () => Promise<T>): Promise<T> =>
      new Promise((resolve, reject) => {
        this.waiting.push({ process, isWrite, execute, answer: (result) => resolve(result as T), fail: reject })
      })
    const find = async <T extends Doc>(query: Query): Promise<T[]> => {
      const before = await call(false, async () => server.find<T>(query))
      const isCut = query.limit !== undefined && before.length >= query.limit
      return isCut || this.random() < 0.7
        ? before
        : this.torn(before, await call(false, async () => server.find<T>(query)))
    }
    return {
      find,
      findOne: async <T extends Doc>(query: Query) => call(false, async () => server.findOne<T>(query)),
      insertOne: async (collection, document) => call(true, async () => server.insertOne(collection, document)),
      insertMany: async (collection, documents) => {
        for (const document of documents) await call(true, async () => server.insertOne(collection, document))
      },
      updateOne: async (update) => call(true, async () => server.updateOne(update)),
      deleteMany: async (collection, filter) => call(true, async () => server.deleteMany(collection, filter)),
      aggregate: async <T extends Doc>(collection: string, pipeline: Parameters<MongoVerbs['aggregate']>[1]) =>
        call(false, async () => server.aggregate<T>(collection, pipeline)),
    }
  }

  /** A cursor is no snapshot: of what changes while it is read, it shows any part. */
  private torn<T extends Doc>(before: readonly T[], after: readonly T[]): T[] {
    const earlier = new Map(before.map((document) => [document._id, document]))
    const later = new Map(after.map((document) => [document._id, document]))
    const order = [...new Set([...before, ...after].map(({ _id }) => _id))]
    return order.flatMap((id) => {
      const seen = this.random() < 0.5 ? earlier.get(id) : later.get(id)
      return seen ? [seen] : []
    })
  }

  private async meetFate(call: Call): Promise<void> {
    const { process, isWrite, execute, answer, fail } = call
    const lost = new VerbFailure('unknown', 'the answer was lost')
    const fate = this.faults ? this.random() : 1
    if (process.isDead) {
      if (isWrite && this.random() < 0.5) await execute().catch(() => undefined)
    } else if (fate < 0.02) {
      process.die()
      this.waiting.push(call)
    } else if (fate < 0.04) {
      fail(lost)
    } else if (fate < 0.06) {
      await execute().catch(() => undefined)
      fail(lost)
    } else if (fate < 0.08 && isWrite) {
      this.waiting.push({ ...call, answer: () => undefined, fail: () => undefined })
      fail(lost)
    } else if (fate < 0.09) {
      fail(new VerbFailure('not-done', 'the server was busy'))
    } else if (fate < 0.11 && isWrite) {
      await execute().catch(() => undefined)
      await execute().then(answer, fail)
    } else await execute().then(answer, fail)
  }
}
