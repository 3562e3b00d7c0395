// Contract: a transaction moves all of its tables or none, and is authorized change by change.
// Source: REST specification, commitTransaction; DESIGN 2.2; security cases 4, 10, 12.
import { beforeEach, describe, expect, it } from 'vitest'
import { assetKey, namespaceKey } from '#catalog/keys'
import type { GrantAction } from '#domain/records'
import { PARALLEL_OBJECT_CALLS_MAX, TRANSACTION_TABLES_MAX } from '#src/limits'
import { TRANSACTIONS, creating, FRESH, openLake, setting, STALE, type Lake } from '#test/support/lake'
import type { Answer, Person } from '#test/support/catalog'

/** A location as the catalog gives it: choosing another takes rights on the catalog. */
const UNCHOSEN = 's3://lake/6a2a7f4e-5e0b-4d8e-9a54-6c4b3a1d2f00'

let lake: Lake

beforeEach(async () => {
  lake = await openLake()
})

async function refused(answer: Answer, status: number, type: string, before: string): Promise<void> {
  expect([answer.status, answer.json?.error?.type], answer.text).toEqual([status, type])
  expect(await lake.everything()).toBe(before)
}

describe('a transaction', () => {
  it('moves every table in one commit and answers nothing', async () => {
    const answer = await lake.transaction(setting('a', 'k'), setting('b', 'k', 'y', FRESH), creating('n'))
    expect([answer.status, answer.text, lake.counts.commits, lake.counts.creates]).toEqual([204, '', 1, 3])
    expect([await lake.properties('a'), await lake.properties('b')]).toMatchObject([{ k: 'x' }, { k: 'y' }])
    expect((await lake.load('n')).json.metadata.location).toBe('s3://lake/n-1')
  })

  it('leaves in history what happened to each table', async () => {
    await lake.transaction(setting('a', 'k'), creating('n'))
    const { records } = await lake.catalog.store.tenant(lake.catalog.tenantId).history.audit({ limit: 2 })
    expect(records.map(({ action, target }) => `${action} ${target}`).toSorted()).toEqual([
      'commit_table ns.a',
      'create_table ns.n',
    ])
  })

  it('does nothing at all if one requirement of one table fails', async () => {
    const before = await lake.everything()
    await refused(
      await lake.transaction(setting('a', 'k'), creating('n'), setting('b', 'k', 'x', STALE)),
      409,
      'CommitFailedException',
      before,
    )
    expect([lake.counts.creates, lake.counts.commits]).toEqual([0, 0])
    await refused(await lake.transaction(setting('a', 'k'), creating('b')), 409, 'CommitFailedException', before)
  })

  it('does nothing at all if one update of one table is not valid', async () => {
    const before = await lake.everything()
    const invalid = {
      identifier: { namespace: ['ns'], name: 'b' },
      requirements: [],
      updates: [{ action: 'set-current-schema', 'schema-id': 9 }],
    }
    await refused(await lake.transaction(setting('a', 'k'), invalid), 400, 'BadRequestException', before)
    expect(lake.counts.creates).toBe(0)
  })

  it('writes nothing if no table changes', async () => {
    const before = await lake.everything()
    await lake.transaction(setting('a', 'k'))
    const after = await lake.everything()
    expect(after).not.toBe(before)
    const answer = await lake.transaction(setting('a', 'k'), { ...setting('b', 'k'), updates: [] })
    expect([answer.status, await lake.everything()]).toEqual([204, after])
  })

  it('without any table is done at once', async () => {
    const before = await lake.everything()
    expect([(await lake.transaction()).status, await lake.everything()]).toEqual([204, before])
  })

  it('writes at most so many files at a time', async () => {
    const tables = Array.from({ length: 20 }, (_, index) => creating(`many${index}`))
    expect((await lake.transaction(...tables)).status).toBe(204)
    expect([lake.counts.creates, lake.counts.createsAtOnce, lake.counts.commits]).toEqual([
      20,
      PARALLEL_OBJECT_CALLS_MAX,
      1,
    ])
  })
})

describe('bodies', () => {
  it.each<[string, unknown]>([
    ['no list', {}],
    ['a null list', { 'table-changes': null }],
    ['a change that is no object', { 'table-changes': [1] }],
    ['no identifier', { 'table-changes': [{ requirements: [], updates: [] }] }],
    ['no updates', { 'table-changes': [{ identifier: { namespace: ['ns'], name: 'a' } }] }],
    ['a name that is none', { 'table-changes': [setting('..', 'k')] }],
    ['a table twice', { 'table-changes': [setting('a', 'k'), setting('b', 'k'), setting('a', 'j')] }],
    [
      'assert-create with another requirement',
      {
        'table-changes': [{ ...setting('a', 'k'), requirements: [{ type: 'assert-create' }, FRESH[0]] }],
      },
    ],
  ])('%s', async (_, body) => {
    const before = await lake.everything()
    await refused(await lake.post(TRANSACTIONS, body), 400, 'BadRequestException', before)
  })

  it('more tables than a transaction may have', async () => {
    const before = await lake.everything()
    const tables = Array.from({ length: TRANSACTION_TABLES_MAX + 1 }, (_, index) => setting(`t${index}`, 'k'))
    await refused(await lake.transaction(...tables), 413, 'RequestTooLargeException', before)
  })

  it.each(['s3://lake/b1', 's3://other/x', 's3://lake/../x', 'file:///x'])('a location at %s', async (location) => {
    await lake.createTable('ns', 'taken', { location: 's3://lake/b1' })
    const before = await lake.everything()
    const moved = { ...setting('a', 'k'), updates: [{ action: 'set-location', location }] }
    await refused(await lake.transaction(setting('b', 'k'), moved), 400, 'BadRequestException', before)
    await refused(
      await lake.transaction(setting('b', 'k'), creating('n', location)),
      400,
      'BadRequestException',
      before,
    )
  })

  it('two new tables in one folder', async () => {
    const before = await lake.everything()
    const both = [creating('n', 's3://lake/same'), creating('m', 's3://lake/same/inner')]
    await refused(await lake.transaction(...both), 400, 'BadRequestException', before)
  })
})

describe('names', () => {
  it('refuses a table, or a namespace for a new one, that is not there', async () => {
    const before = await lake.everything()
    await refused(
      await lake.transaction(setting('a', 'k'), setting('absent', 'k')),
      404,
      'NoSuchTableException',
      before,
    )
    const nowhere = creating('n', 's3://lake/n', 'absent')
    await refused(await lake.transaction(setting('a', 'k'), nowhere), 404, 'NoSuchNamespaceException', before)
  })

  it('takes a view neither for a table nor for a free name', async () => {
    await putView('v')
    const before = await lake.everything()
    await refused(await lake.transaction(setting('a', 'k'), setting('v', 'k')), 404, 'NoSuchTableException', before)
    await refused(await lake.transaction(setting('a', 'k'), creating('v')), 409, 'AlreadyExistsException', before)
  })

  async function putView(name: string): Promise<void> {
    const tenant = lake.catalog.store.tenant(lake.catalog.tenantId)
    const { place } = await tenant.read({ at: { catalog: 'demo', ref: 'main' } })
    const who = { principalId: 'u', principalName: 'u', client: null, requestId: 'r', address: null }
    await tenant.commit({
      branchId: place?.branch.id ?? '',
      at: new Date().toISOString(),
      members: [
        {
          id: crypto.randomUUID(),
          idempotency: null,
          log: { kind: 'create', author: 'u', message: 'view' },
          audit: { ...who, action: 'create_view', target: name, targetId: null, message: 'view', result: 'success' },
        },
      ],
      changes: [
        {
          key: assetKey({ namespace: ['ns'], name }),
          expect: null,
          next: {
            objectId: crypto.randomUUID(),
            kind: 'view',
            metadataLocation: 's3://lake/v/metadata/00000-v.metadata.json',
            locations: ['s3://lake/v/'],
            properties: {},
            summary: {},
          },
        },
      ],
      checks: [],
      purges: [],
    })
  }
})

describe('who may', () => {
  async function granted(...grants: ['ns' | 'other', string | null, GrantAction[]][]): Promise<Person> {
    const scopes = await Promise.all(
      grants.map(async ([namespace, name, actions]) => {
        const key = name === null ? namespaceKey([namespace]) : assetKey({ namespace: [namespace], name })
        const { entries } = await lake.catalog.store
          .tenant(lake.catalog.tenantId)
          .read({ at: { catalog: 'demo', ref: 'main' }, keys: [key] })
        const type = name === null ? ('namespace' as const) : ('asset' as const)
        return { scope: { type, catalogId: lake.catalog.catalogId, objectId: entries[0]?.objectId ?? '' }, actions }
      }),
    )
    return lake.catalog.person('tenant-user', ...scopes)
  }

  it.each<[string, ['ns' | 'other', string | null, GrantAction[]][], unknown[], number, string | undefined]>([
    ['updates both', [['ns', null, ['read', 'update']]], [setting('a', 'k'), setting('b', 'k')], 204, undefined],
    [
      'updates and creates',
      [['ns', null, ['read', 'update', 'create']]],
      [setting('a', 'k'), creating('n', UNCHOSEN)],
      204,
      undefined,
    ],
    [
      'updates one and reads the other',
      [
        ['ns', 'a', ['read', 'update']],
        ['ns', 'b', ['read']],
      ],
      [setting('a', 'k'), setting('b', 'k')],
      403,
      'ForbiddenException',
    ],
    [
      'updates, but may not create',
      [['ns', null, ['read', 'update']]],
      [setting('a', 'k'), creating('n')],
      403,
      'ForbiddenException',
    ],
    [
      'creates, but may not update',
      [['ns', null, ['create']]],
      [creating('n'), setting('a', 'k')],
      403,
      'ForbiddenException',
    ],
    ['knows only one', [['ns', 'a', ['all']]], [setting('a', 'k'), setting('b', 'k')], 404, 'NoSuchTableException'],
    [
      'does not know the namespace',
      [['ns', null, ['all']]],
      [setting('a', 'k'), setting('t', 'k', 'x', [], 'other')],
      404,
      'NoSuchTableException',
    ],
    [
      'does not know the namespace to create in',
      [['ns', null, ['all']]],
      [setting('a', 'k'), creating('n', 's3://lake/n', 'other')],
      404,
      'NoSuchNamespaceException',
    ],
  ])('%s', async (_, grants, changes, status, type) => {
    await lake.createTable('other', 't')
    const person = await granted(...grants)
    const before = await lake.everything()
    const answer = await lake.catalog.call(person, 'POST', TRANSACTIONS, { 'table-changes': changes })
    expect([answer.status, type && answer.json.error.type], answer.text).toEqual([status, type])
    if (status !== 204) expect(await lake.everything()).toBe(before)
  })

  it('answers for a hidden table exactly as for none', async () => {
    await lake.createTable('other', 't')
    const person = await granted(['ns', null, ['all']])
    const [hidden, absent] = [
      await lake.catalog.call(person, 'POST', TRANSACTIONS, {
        'table-changes': [setting('t', 'k', 'x', STALE, 'other')],
      }),
      await lake.catalog.call(person, 'POST', TRANSACTIONS, {
        'table-changes': [setting('u', 'k', 'x', STALE, 'other')],
      }),
    ]
    expect([hidden.status, hidden.text]).toEqual([404, absent.text.replace('other.u', 'other.t')])
  })

  it('writes nothing on a tag', async () => {
    const tenant = lake.catalog.store.tenant(lake.catalog.tenantId)
    const { place } = await tenant.read({ at: { catalog: 'demo', ref: 'main' } })
    const from = { branchId: place?.branch.id ?? '' }
    await tenant.branches.tag({ id: crypto.randomUUID(), name: 'v1', from, at: new Date().toISOString() })
    const answer = await lake.post('/v1/demo@v1/transactions/commit', { 'table-changes': [setting('a', 'k')] })
    expect(answer.status).toBe(403)
  })
})
