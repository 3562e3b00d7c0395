// Contract: a request under an Idempotency-Key is done once and answered alike, and a 4xx is told only once it is final.
// Source: REST specification, Idempotency-Key; draft-ietf-httpapi-idempotency-key-header; iceberg-rest.md 1.6, 2.1.
import { beforeEach, describe, expect, it } from 'vitest'
import { CatalogError } from '#domain/errors'
import type { TenantStore } from '#store/store'
import { openCatalog, SIMPLE_SCHEMA, type Answer, type Person, type TestCatalog } from '#test/support/catalog'
import { bare } from '#test/support/keyed'
import { memoryObjects } from '#test/support/objects'
import { memoryStore } from '#store/memory/memory'
import { creating, setting, STALE, TRANSACTIONS } from '#test/support/lake'
import { replaceRequest, viewRequest } from '#test/support/views'

const NAMESPACES = '/v1/demo/namespaces'
const TABLES = `${NAMESPACES}/ns/tables`
const VIEWS = `${NAMESPACES}/ns/views`
const KEY = '0190a2f0-0000-7000-8000-000000000000'
const V4 = '6a2a7f4e-5e0b-4d8e-9a54-6c4b3a1d2f00'

let catalog: TestCatalog
/** Replaces operations of the store, given the real ones. */
let faults: (real: TenantStore) => Partial<TenantStore>
/** Every answer that was asked to be recorded without a commit. */
let finishes: number

beforeEach(async () => {
  faults = () => ({})
  finishes = 0
  const real = memoryStore()
  const tenant = (id: string): TenantStore => {
    const ofTenant = real.tenant(id)
    const idempotency = {
      finish: async (...input: Parameters<TenantStore['idempotency']['finish']>) => {
        finishes += 1
        return ofTenant.idempotency.finish(...input)
      },
    }
    const counted = { ...ofTenant, idempotency }
    return {
      ...counted,
      read: async (query) => ({ ...counted, ...faults(counted) }).read(query),
      commit: async (commit) => ({ ...counted, ...faults(counted) }).commit(commit),
      settle: async (id_) => ({ ...counted, ...faults(counted) }).settle(id_),
      idempotency: { finish: async (record) => ({ ...counted, ...faults(counted) }).idempotency.finish(record) },
    }
  }
  catalog = await openCatalog({ store: { ...real, tenant }, files: memoryObjects() })
  await sent('POST', NAMESPACES, { namespace: ['ns'] })
  await sent('POST', TABLES, { name: 'a', schema: SIMPLE_SCHEMA })
  await sent('POST', VIEWS, viewRequest('v'))
})

function sent(method: string, path: string, body?: unknown, key?: string, person?: Person): Promise<Answer> {
  return catalog.call(person ?? catalog.admin, method, path, body, key === undefined ? {} : { 'idempotency-key': key })
}

async function headSeq(): Promise<number> {
  const { place } = await catalog.store.tenant(catalog.tenantId).read({ at: { catalog: 'demo', ref: 'main' } })
  return place?.branch.headSeq ?? -1
}

/** The next commit lands, and its caller never hears of it; nor can the store be asked. */
function loseTheAnswer(): void {
  let isLost = false
  faults = (real) => ({
    async commit(commit) {
      if (isLost) return real.commit(commit)
      isLost = true
      await real.commit(commit)
      return { outcome: 'unknown', cause: new Error('lost') }
    },
    async settle() {
      throw new Error('lost, too')
    },
  })
}

/** Every way to change something: method, path, body, and what the answer is. */
const WRITES: readonly (readonly [name: string, method: string, path: string, body: unknown, status: number])[] = [
  ['create a namespace', 'POST', NAMESPACES, { namespace: ['fresh'], properties: { p: '1' } }, 200],
  ['set properties', 'POST', `${NAMESPACES}/ns/properties`, { updates: { a: '1' }, removals: ['gone'] }, 200],
  ['drop a namespace', 'DELETE', `${NAMESPACES}/empty`, undefined, 204],
  ['create a table', 'POST', TABLES, { name: 'fresh', schema: SIMPLE_SCHEMA }, 200],
  ['commit to a table', 'POST', `${TABLES}/a`, setting('a', 'k'), 200],
  ['commit a staged table', 'POST', `${TABLES}/staged`, creating('staged'), 200],
  ['drop a table', 'DELETE', `${TABLES}/a`, undefined, 204],
  ['purge a table', 'DELETE', `${TABLES}/a?purgeRequested=true`, undefined, 204],
  [
    'rename a table',
    'POST',
    '/v1/demo/tables/rename',
    { source: { namespace: ['ns'], name: 'a' }, destination: { namespace: ['ns'], name: 'b' } },
    204,
  ],
  ['unregister a table', 'POST', `${TABLES}/a/unregister`, undefined, 200],
  ['commit a transaction', 'POST', TRANSACTIONS, { 'table-changes': [setting('a', 'k'), creating('n')] }, 204],
  ['create a view', 'POST', VIEWS, viewRequest('fresh'), 200],
  ['replace a view', 'POST', `${VIEWS}/v`, replaceRequest('select 2'), 200],
  ['drop a view', 'DELETE', `${VIEWS}/v`, undefined, 204],
  [
    'rename a view',
    'POST',
    '/v1/demo/views/rename',
    { source: { namespace: ['ns'], name: 'v' }, destination: { namespace: ['ns'], name: 'w' } },
    204,
  ],
]

describe.each(WRITES)('to %s', (_, method, path, body, status) => {
  beforeEach(() => sent('POST', NAMESPACES, { namespace: ['empty'] }))

  it('twice is to do it once and to be answered alike', async () => {
    const before = await headSeq()
    const first = await sent(method, path, body, KEY)
    const files = [...catalog.objects.files.keys()]
    catalog.evict()
    const second = await sent(method, path, body, KEY.toUpperCase())
    expect([first.status, second.status]).toEqual([status, status])
    expect(second.text).toBe(first.text)
    expect(second.headers.get('etag')).toBe(first.headers.get('etag'))
    expect(await headSeq()).toBe(before + 1)
    expect([...catalog.objects.files.keys()]).toEqual(files)
    expect(finishes).toBe(0)
  })

  it('again after the answer was lost is to be told that it is done', async () => {
    const before = await headSeq()
    loseTheAnswer()
    const lost = await sent(method, path, body, KEY)
    expect([lost.status, lost.json.error.type]).toEqual([500, 'CommitStateUnknownException'])
    faults = () => ({})
    expect((await sent(method, path, body, KEY)).status).toBe(status)
    expect(await headSeq()).toBe(before + 1)
  })

  it('many times at once is to do it once', async () => {
    const before = await headSeq()
    const answers = await Promise.all(Array.from({ length: 8 }, () => sent(method, path, body, KEY)))
    expect(new Set(answers.map((answer) => `${answer.status} ${bare(answer)}`)).size).toBe(1)
    expect(answers[0]?.status).toBe(status)
    expect(await headSeq()).toBe(before + 1)
  })
})

describe('a registration', () => {
  it.each([
    ['of a table', `${NAMESPACES}/ns/register`, `${TABLES}/a`, false],
    ['over a table', `${NAMESPACES}/ns/register`, `${TABLES}/a`, true],
    ['of a view', `${NAMESPACES}/ns/register-view`, `${VIEWS}/v`, false],
  ])('%s is told again', async (_, path, asset, overwrite) => {
    const { 'metadata-location': location } = (await sent('GET', asset)).json
    if (overwrite) await sent('POST', asset, setting('a', 'more'))
    else await sent('DELETE', asset)
    const body = { name: asset.at(-1), 'metadata-location': location, overwrite }
    const [first, second] = [await sent('POST', path, body, KEY), await sent('POST', path, body, KEY)]
    expect([first.status, second.status, second.json['metadata-location']]).toEqual([200, 200, location])
    expect(second.text).toBe(first.text)
  })
})

describe('a key', () => {
  it.each([
    ['no UUID', 'abc'],
    ['too long', `${KEY}0`],
    ['in quotes', `"${KEY}"`],
    ['in braces', `{${KEY.slice(2)}}`],
    ['with spaces inside', KEY.replace('-', ' ')],
    ['twice', `${KEY}, ${V4}`],
    ['empty', ''],
  ])('that is %s is a 400, and nothing is done', async (_, key) => {
    const before = await headSeq()
    const answer = await sent('POST', NAMESPACES, { namespace: ['x'] }, key)
    expect([answer.status, answer.json.error.type]).toEqual([400, 'BadRequestException'])
    expect(answer.json.error.message).toMatch(/expected one UUID/)
    expect(await headSeq()).toBe(before)
  })

  it('is of any version, and means nothing to a read', async () => {
    expect((await sent('POST', NAMESPACES, { namespace: ['x'] }, V4)).status).toBe(200)
    for (const key of ['junk', V4]) expect((await sent('GET', `${TABLES}/a`, undefined, key)).status).toBe(200)
    expect((await sent('POST', `${TABLES}/a/metrics`, { 'report-type': 'scan-report' }, V4)).status).toBe(204)
  })

  it('used for another body, path, query or method is a 422, and nothing is done', async () => {
    await sent('DELETE', `${TABLES}/a`, undefined, KEY)
    await sent('POST', TABLES, { name: 'b', schema: SIMPLE_SCHEMA }, V4)
    const before = await headSeq()
    const others = [
      await sent('POST', TABLES, { name: 'c', schema: SIMPLE_SCHEMA }, V4),
      await sent('POST', `${NAMESPACES}/ns/views`, viewRequest('c'), V4),
      await sent('DELETE', `${TABLES}/a?purgeRequested=true`, undefined, KEY),
      await sent('POST', `${TABLES}/a`, setting('a', 'x'), KEY),
    ]
    for (const { status, json } of others) {
      expect([status, json.error.type]).toEqual([422, 'UnprocessableEntityException'])
      expect(json.error.message).toMatch(/send this one with a new key/)
    }
    expect(await headSeq()).toBe(before)
  })

  it('of another user or another tenant is another key', async () => {
    const neighbour = await catalog.neighbour()
    const other = await catalog.person('root')
    expect((await sent('POST', NAMESPACES, { namespace: ['x'] }, KEY)).status).toBe(200)
    expect((await sent('POST', NAMESPACES, { namespace: ['x'] }, KEY, other)).status).toBe(409)
    expect((await sent('POST', NAMESPACES, { namespace: ['y'] }, KEY.replace('0190', '0191'), other)).status).toBe(200)
    const theirs = await neighbour.call(
      neighbour.admin,
      'POST',
      NAMESPACES,
      { namespace: ['z'] },
      {
        'idempotency-key': KEY,
      },
    )
    expect(theirs.status).toBe(200)
  })
})

describe('a refusal', () => {
  it('is final under its key, whatever becomes possible later', async () => {
    const create = () => sent('POST', NAMESPACES, { namespace: ['ns'] }, KEY)
    const stale = () => sent('POST', `${TABLES}/a`, setting('a', 'k', 'x', STALE), V4)
    const first = [await create(), await stale()]
    expect(first.map(({ status }) => status)).toEqual([409, 409])
    await sent('DELETE', `${VIEWS}/v`)
    await sent('DELETE', `${TABLES}/a`)
    await sent('DELETE', `${NAMESPACES}/ns`)
    const second = [await create(), await stale()]
    expect(second.map(({ text }) => text)).toEqual(first.map(({ text }) => text))
    expect(finishes).toBe(2)
  })

  it('is told only once it was recorded: otherwise 503, and later the same refusal', async () => {
    faults = () => ({
      idempotency: {
        finish: async () => {
          throw new CatalogError('unavailable', 'no database')
        },
      },
    })
    const body = setting('a', 'k', 'x', STALE)
    const answer = await sent('POST', `${TABLES}/a`, body, KEY)
    expect([answer.status, answer.json.error.type]).toEqual([503, 'ServiceUnavailableException'])
    expect(answer.headers.get('retry-after')).toBe('1')
    faults = () => ({})
    expect((await sent('POST', `${TABLES}/a`, body, KEY)).status).toBe(409)
  })

  it('gives way to the success of an earlier attempt that lands in between', async () => {
    // The second attempt has read before the first one lands, finds the name taken, and must not say so.
    const delayed: (() => Promise<unknown>)[] = []
    faults = (real) => ({
      async commit(commit) {
        delayed.push(() => real.commit(commit))
        return { outcome: 'unknown', cause: new Error('lost') }
      },
      settle: async () => {
        throw new Error('lost, too')
      },
    })
    const create = () => sent('POST', NAMESPACES, { namespace: ['x'], properties: {} }, KEY)
    expect((await create()).status).toBe(500)
    faults = () => ({
      async commit(commit) {
        faults = () => ({})
        await delayed[0]?.()
        return { outcome: 'conflict', change: commit.changes.length - 1 }
      },
    })
    const second = await create()
    expect([second.status, second.json]).toEqual([200, { namespace: ['x'], properties: {} }])
  })

  it('once told is never followed by its own commit that arrives late', async () => {
    const late: (() => Promise<unknown>)[] = []
    faults = (real) => ({
      async commit(commit) {
        late.push(() => real.commit(commit))
        return { outcome: 'unknown', cause: new Error('lost') }
      },
      settle: async () => {
        throw new Error('lost, too')
      },
    })
    const write = () => sent('POST', `${TABLES}/a`, setting('a', 'k'), KEY)
    expect((await write()).status).toBe(500)
    faults = () => ({})
    const reader = catalog.store.tenant(catalog.tenantId)
    const user = await reader.users.get(catalog.admin.id)
    if (!user) throw new Error('no administrator')
    await reader.users.update({ ...user, role: 'tenant-user' })
    expect((await write()).status).toBe(404)
    expect(await late[0]?.()).toMatchObject({ outcome: 'replayed' })
  })

  it('for who the caller is, is not recorded', async () => {
    expect(
      (await catalog.call(null, 'POST', NAMESPACES, { namespace: ['x'] }, { 'idempotency-key': KEY })).status,
    ).toBe(401)
    expect((await sent('POST', NAMESPACES, { namespace: 7 }, KEY)).status).toBe(400)
    expect(finishes).toBe(0)
    expect((await sent('POST', NAMESPACES, { namespace: ['x'] }, KEY)).status).toBe(200)
  })
})

describe('what found nothing to change', () => {
  it.each([
    ['a commit', 'POST', `${TABLES}/a`, setting('a', 'k')],
    ['properties', 'POST', `${NAMESPACES}/ns/properties`, { updates: { k: 'x' } }],
    ['a transaction', 'POST', TRANSACTIONS, { 'table-changes': [setting('a', 'k')] }],
    [
      'a view',
      'POST',
      `${VIEWS}/v`,
      { requirements: [], updates: [{ action: 'set-properties', updates: { k: 'x' } }] },
    ],
  ])('(%s) will not find something later', async (_, method, path, body) => {
    await sent(method, path, body)
    const [before, finished] = [await headSeq(), finishes]
    const first = await sent(method, path, body, KEY)
    expect([first.status < 300, finishes - finished]).toEqual([true, 1])
    await sent('POST', `${TABLES}/a`, { requirements: [], updates: [{ action: 'remove-properties', removals: ['k'] }] })
    await sent('POST', `${NAMESPACES}/ns/properties`, { removals: ['k'] })
    await sent('POST', `${VIEWS}/v`, { requirements: [], updates: [{ action: 'remove-properties', removals: ['k'] }] })
    const after = await headSeq()
    const second = await sent(method, path, body, KEY)
    expect([second.status, second.text]).toEqual([first.status, first.text])
    expect([await headSeq(), before < after]).toEqual([after, true])
  })
})

it('/v1/config tells clients to send keys', async () => {
  const { json } = await sent('GET', '/v1/config?warehouse=demo')
  expect(json['idempotency-key-lifetime']).toBe('PT30M')
})
