// Contract: concurrent writers of one table queue up in its lane, so that none of them loses a race at the store, and
// those that waited for the one before them are published together.
// From: the design, "A table commit is one pure step"; the lane is the real Durable Object.
import { beforeAll, expect, test } from 'vitest'
import { TableLane } from '#src/table-lane'
import { counted, prototypeOf, replace } from './counted.ts'
import { env } from 'cloudflare:workers'
import { propertyCommit, seedTables } from './lake.ts'
import { openWorker, type CostWorker, type Sent } from './worker.ts'

const WRITERS = 16
const TABLES = '/v1/demo/namespaces/lake/tables'

let worker: CostWorker

beforeAll(async () => {
  worker = await openWorker()
  await seedTables(worker, 'lake', WRITERS + 2, true)
})

test('16 writers on one table: 16 reads, one file and commit for the first, one for the 15 that waited', async () => {
  await worker.call(['POST', `${TABLES}/t0000`, propertyCommit(0)])
  const { value, count } = await counted(env, () =>
    queuedUp((n) => worker.call(['POST', `${TABLES}/t0000`, propertyCommit(n + 1)])),
  )
  expect(value.map(({ status }) => status)).toEqual(Array.from({ length: WRITERS }, () => 200))
  expect(new Set(value.map(({ text }) => text)).size).toBe(2)
  expect(count).toMatchObject({
    store: WRITERS + 2,
    storeFailures: 0,
    gets: 0,
    puts: 2,
    deletes: 0,
    durableObjects: WRITERS,
    fetches: 0,
  })
})

test('16 writers on a table nobody has touched yet: its metadata is read once', async () => {
  const { value, count } = await counted(env, () =>
    queuedUp((n) => worker.call(['POST', `${TABLES}/t0001`, propertyCommit(n)])),
  )
  expect(value.map(({ status }) => status)).toEqual(Array.from({ length: WRITERS }, () => 200))
  expect(count).toMatchObject({ store: WRITERS + 2, storeFailures: 0, gets: 1, puts: 2, durableObjects: WRITERS })
})

test('16 writers on 16 tables of one branch: no lost race either', async () => {
  const { value, count } = await counted(env, () =>
    together((n) => worker.call(['POST', `${TABLES}/t${String(n + 2).padStart(4, '0')}`, propertyCommit(n)])),
  )
  expect(value.map(({ status }) => status)).toEqual(Array.from({ length: WRITERS }, () => 200))
  expect(count).toMatchObject({ store: 2 * WRITERS, storeFailures: 0, puts: WRITERS, durableObjects: WRITERS })
})

test('what a lost race looks like here: of two creates of one namespace one fails at the store', async () => {
  const create: Sent = ['POST', '/v1/demo/namespaces', { namespace: ['twice'] }]
  const { value, count } = await counted(env, () => Promise.all([worker.call(create), worker.call(create)]))
  expect(new Set(value.map(({ status }) => status))).toEqual(new Set([200, 409]))
  expect(count).toMatchObject({ store: 4, storeFailures: 1 })
})

async function together<T>(one: (n: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: WRITERS }, (_, n) => one(n)))
}

/** As {@link together}, and the first file is not written before all the others wait in the lane. */
async function queuedUp<T>(one: (n: number) => Promise<T>): Promise<T[]> {
  const all = Promise.withResolvers<void>()
  let arrived = 0
  const undo = [
    replace(
      TableLane.prototype,
      'commit',
      (commit) =>
        function (this: unknown, ...input) {
          const reply = Reflect.apply(commit, this, input)
          arrived += 1
          if (arrived === WRITERS) all.resolve()
          return reply
        },
    ),
    replace(
      prototypeOf(env.LAKE),
      'put',
      (put) =>
        async function (this: unknown, ...input) {
          await all.promise
          return Reflect.apply(put, this, input)
        },
    ),
  ]
  try {
    return await together(one)
  } finally {
    for (const each of undo) each()
  }
}
