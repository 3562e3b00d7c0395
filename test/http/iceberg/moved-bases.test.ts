// Contract: a table that deletes old metadata files is never missing to who read its row just before it moved on.
// Source: Iceberg table property write.metadata.delete-after-commit.enabled; DESIGN 2.1; security case 32.
import { beforeEach, describe, expect, it } from 'vitest'
import { COMMIT_RETRIES_MAX } from '#src/limits'
import type { Answer } from '#test/support/catalog'
import { openLake, setting, TRANSACTIONS, type Lake } from '#test/support/lake'

const TABLE = '/v1/demo/namespaces/ns/tables/t'
const SHORT = {
  'write.metadata.delete-after-commit.enabled': 'true',
  'write.metadata.previous-versions-max': '1',
}
const OTHERS = { first: 'x', second: 'x' }

let lake: Lake

beforeEach(async () => {
  lake = await openLake()
  await lake.createTable('ns', 't', { properties: SHORT })
  lake.catalog.evict()
})

/** Two commits of somebody else in other isolates, after which the file that was current before is gone. */
async function moveOn(value = 'x'): Promise<void> {
  for (const key of Object.keys(OTHERS)) {
    lake.catalog.evict()
    expect((await lake.post(TABLE, setting('t', key, value))).status).toBe(200)
  }
  lake.catalog.evict()
}

const keyed = (key: string, path: string, body: unknown): Promise<Answer> =>
  lake.catalog.call(lake.catalog.admin, 'POST', path, body, { 'idempotency-key': key })

describe('a table that moves on between the reads of its row and of its file', () => {
  it('is loaded as it is then', async () => {
    lake.beforeRead = () => moveOn()
    const loaded = await lake.load('t')
    expect([loaded.status, loaded.json?.metadata?.properties]).toEqual([200, { ...SHORT, ...OTHERS }])
    const again = await lake.load('t')
    expect([loaded.headers.get('etag'), loaded.json['metadata-location']]).toEqual([
      again.headers.get('etag'),
      again.json['metadata-location'],
    ])
  })

  it.each<[string, string, unknown]>([
    ['commit', TABLE, setting('t', 'mine')],
    ['transaction', TRANSACTIONS, { 'table-changes': [setting('a', 'mine'), setting('t', 'mine')] }],
  ])('takes a %s as if it had come later, and tells it again', async (_, path, body) => {
    const key = crypto.randomUUID()
    lake.beforeRead = () => moveOn()
    const { status } = await keyed(key, path, body)
    expect(status).toBeLessThan(300)
    expect((await keyed(key, path, body)).status).toBe(status)
    expect(await lake.properties('t')).toEqual({ ...SHORT, ...OTHERS, mine: 'x' })
  })

  it('is unregistered as it is then', async () => {
    lake.beforeRead = () => moveOn()
    const answer = await keyed(crypto.randomUUID(), `${TABLE}/unregister`, undefined)
    expect([answer.status, answer.json?.metadata?.properties]).toEqual([200, { ...SHORT, ...OTHERS }])
  })

  it('is not taken for the next table of its name', async () => {
    const before = (await lake.load('t')).json['metadata-location']
    lake.catalog.evict()
    lake.beforeRead = async () => {
      await lake.catalog.call(lake.catalog.admin, 'DELETE', TABLE)
      await lake.createTable('ns', 't')
      lake.catalog.objects.files.delete(before)
    }
    const answer = await lake.load('t')
    expect([answer.status, answer.json.error?.type]).toEqual([404, 'NoSuchTableException'])
  })

  it('is a 503 if it moves on each time', async () => {
    let reads = 0
    const again = async (): Promise<void> => {
      reads += 1
      await moveOn(`${reads}`)
      lake.beforeRead = again
    }
    lake.beforeRead = again
    const answer = await lake.load('t')
    expect([answer.status, answer.json.error?.type, reads]).toEqual([
      503,
      'ServiceUnavailableException',
      COMMIT_RETRIES_MAX,
    ])
  })
})

describe('a file that is gone though its table has not moved', () => {
  it('is a 404 that names it, and nothing was done', async () => {
    const { 'metadata-location': location } = (await lake.load('t')).json
    lake.catalog.objects.files.delete(location)
    const before = await lake.everything()
    for (const ask of [() => lake.load('t'), () => lake.post(TABLE, setting('t', 'k'))]) {
      lake.catalog.evict()
      const { status, json } = await ask()
      expect([status, json.error.type, json.error.message]).toEqual([
        404,
        'NotFoundException',
        `Failed to open input stream for file: ${location}`,
      ])
    }
    expect(await lake.everything()).toBe(before)
  })
})
