// Contract: a table's metadata, which may have megabytes, is parsed once for all commits of a lane and for no load.
// From: the design, "A table commit is one pure step" and "Lossless JSON"; the lane is the real Durable Object.
import { beforeAll, expect, test } from 'vitest'
import { env } from 'cloudflare:workers'
import { replace } from './counted.ts'
import { propertyCommit, seedTables } from './lake.ts'
import { openWorker, type CostWorker, type Sent } from './worker.ts'

const TABLE = '/v1/demo/namespaces/lake/tables/t0000'

let worker: CostWorker

beforeAll(async () => {
  worker = await openWorker()
  await seedTables(worker, 'lake', 1, true)
})

/** How often the text of a table's metadata was parsed while these were served together. */
async function parses(...all: readonly Sent[]): Promise<number> {
  let count = 0
  const undo = replace(
    JSON,
    'parse',
    (parse) =>
      function (this: unknown, ...input) {
        const [text] = input
        if (typeof text === 'string' && text.includes('"last-column-id"')) count += 1
        return Reflect.apply(parse, this, input)
      },
  )
  try {
    const answers = await Promise.all(all.map((sent) => worker.call(sent)))
    for (const { status, text } of answers) expect([200, 304], text).toContain(status)
    return count
  } finally {
    undo()
  }
}

test('parsed by the first commit, and by none after it', async () => {
  expect(await parses(['POST', TABLE, propertyCommit(1)])).toBe(1)
  expect(await parses(['POST', TABLE, propertyCommit(2)])).toBe(0)
  expect(await parses(...Array.from({ length: 16 }, (_, n): Sent => ['POST', TABLE, propertyCommit(n + 3)]))).toBe(0)
})

test('not parsed by a load, whether there is something new or not', async () => {
  expect(
    await parses(
      ['GET', TABLE],
      ['GET', TABLE, undefined, { 'if-none-match': '*', 'x-iceberg-access-delegation': 'none' }],
    ),
  ).toBe(0)
})

test('what counting sees: metadata that somebody else has written is parsed again, once', async () => {
  const location = `${TABLE.split('/').at(-1)}/metadata/00000-seeded.metadata.json`
  const overwrite = { name: 't0000', 'metadata-location': `s3://lake/seeded/lake/${location}`, overwrite: true }
  expect(await env.LAKE.head(`seeded/lake/${location}`)).not.toBeNull()
  await worker.call(['POST', '/v1/demo/namespaces/lake/register', overwrite])
  const writers = Array.from({ length: 16 }, (_, n): Sent => ['POST', TABLE, propertyCommit(n + 50)])
  expect(await parses(...writers)).toBe(1)
})
