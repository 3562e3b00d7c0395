// Contract: racing transactions end as 204 or 409, a fault leaves all or nothing, and nobody ever sees a half.
// Source: DESIGN 2.1 "Outcome fencing", 2.2, 5; security cases 20, 22, 32.
import { beforeEach, describe, expect, it } from 'vitest'
import { assetKey } from '#catalog/keys'
import type { CommitOutcome, TenantStore } from '#store/store'
import type { Answer } from '#test/support/catalog'
import { creating, FRESH, meanwhile, openLake, setting, turn, type Lake } from '#test/support/lake'

let lake: Lake

beforeEach(async () => {
  lake = await openLake()
})

describe('a lost race', () => {
  it('is tried again on what is there then, and leaves no file behind', async () => {
    meanwhile(lake, () => lake.post('/v1/demo/namespaces/ns/tables/b', setting('b', 'theirs')))
    expect((await lake.transaction(setting('a', 'mine'), setting('b', 'mine', 'x', FRESH))).status).toBe(204)
    expect([await lake.properties('a'), await lake.properties('b')]).toMatchObject([
      { mine: 'x' },
      { mine: 'x', theirs: 'x' },
    ])
    expect(lake.catalog.objects.files.size).toBe(3 + 3)
  })

  it('writes the files of tables that did not move no second time', async () => {
    let lost = 0
    lake.faults = (real) => ({
      async commit(commit) {
        if (commit.changes.length > 1 && lost < 3) {
          lost += 1
          await lake.post('/v1/demo/namespaces/ns/tables/b', setting('b', `theirs-${lost}`))
        }
        return real.commit(commit)
      },
    })
    const answer = await lake.transaction(setting('a', 'mine'), setting('b', 'mine'), setting('c', 'mine'))
    expect([answer.status, lost, lake.counts.creates]).toEqual([204, 3, 3 + 3 * 2])
    for (const name of ['a', 'b', 'c']) expect(await lake.properties(name)).toMatchObject({ mine: 'x' })
    expect(lake.catalog.objects.files.size).toBe(3 + 3 + 3)
  })

  it('is a 409 if a requirement no longer holds, and no table has moved', async () => {
    const schema = { type: 'struct', fields: [{ id: 1, name: 'renamed', type: 'long', required: false }] }
    meanwhile(lake, () =>
      lake.post('/v1/demo/namespaces/ns/tables/b', {
        requirements: [],
        updates: [
          { action: 'add-schema', schema },
          { action: 'set-current-schema', 'schema-id': -1 },
        ],
      }),
    )
    const answer = await lake.transaction(setting('a', 'mine'), setting('b', 'mine', 'x', FRESH))
    expect([answer.status, answer.json.error.type]).toEqual([409, 'CommitFailedException'])
    expect(await lake.properties('a')).not.toHaveProperty('mine')
    expect(lake.catalog.objects.files.size).toBe(3 + 1)
  })

  it('counts for a table on which there are only requirements', async () => {
    const main = [{ type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': null }]
    const onlyAsked = { identifier: { namespace: ['ns'], name: 'b' }, requirements: main, updates: [] }
    const snapshot = {
      'snapshot-id': 5,
      'sequence-number': 1,
      'timestamp-ms': Date.now(),
      'manifest-list': `${(await lake.load('b')).json.metadata.location}/metadata/snap-5.avro`,
      summary: { operation: 'append' },
      'schema-id': 0,
    }
    meanwhile(lake, () =>
      lake.post('/v1/demo/namespaces/ns/tables/b', {
        requirements: [],
        updates: [
          { action: 'add-snapshot', snapshot },
          { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': 5 },
        ],
      }),
    )
    const answer = await lake.transaction(setting('a', 'mine'), onlyAsked)
    expect([answer.status, answer.json.error.type]).toEqual([409, 'CommitFailedException'])
    expect(await lake.properties('a')).not.toHaveProperty('mine')
  })

  it('writes a table that only was asked about no new file', async () => {
    const { 'metadata-location': location } = (await lake.load('b')).json
    const onlyAsked = { identifier: { namespace: ['ns'], name: 'b' }, requirements: FRESH, updates: [] }
    expect((await lake.transaction(setting('a', 'mine'), onlyAsked)).status).toBe(204)
    expect((await lake.load('b')).json['metadata-location']).toBe(location)
    expect((await lake.post('/v1/demo/namespaces/ns/tables/b', setting('b', 'after'))).status).toBe(200)
  })

  it('is a 404 once the table was dropped, also if another has its name', async () => {
    meanwhile(lake, async () => {
      await lake.catalog.call(lake.catalog.admin, 'DELETE', '/v1/demo/namespaces/ns/tables/b')
      await lake.createTable('ns', 'b')
    })
    const answer = await lake.transaction(setting('a', 'mine'), setting('b', 'mine'))
    expect([answer.status, answer.json.error.type]).toEqual([404, 'NoSuchTableException'])
    expect([await lake.properties('a'), await lake.properties('b')].some((each) => 'mine' in each)).toBe(false)
  })

  it('is a 409 for a table that somebody else created first', async () => {
    meanwhile(lake, () => lake.createTable('ns', 'n'))
    const answer = await lake.transaction(setting('a', 'mine'), creating('n'))
    expect([answer.status, answer.json.error.message]).toEqual([409, 'Requirement failed: table already exists'])
    expect(await lake.properties('a')).not.toHaveProperty('mine')
  })

  it('is a 404 if the namespace of a new table was dropped', async () => {
    meanwhile(lake, () => lake.catalog.call(lake.catalog.admin, 'DELETE', '/v1/demo/namespaces/other'))
    const answer = await lake.transaction(setting('a', 'mine'), creating('n', 's3://lake/n', 'other'))
    expect([answer.status, answer.json.error.type]).toEqual([404, 'NoSuchNamespaceException'])
    expect([await lake.properties('a'), lake.catalog.objects.files.size]).toEqual([{}, 3])
  })

  it('that is lost every time ends as a 409', async () => {
    let round = 0
    let inside = false
    lake.faults = (real) => ({
      async commit(commit) {
        if (!inside) {
          inside = true
          await lake.post('/v1/demo/namespaces/ns/tables/b', setting('b', `r${(round += 1)}`))
          inside = false
        }
        return real.commit(commit)
      },
    })
    const answer = await lake.transaction(setting('a', 'mine'), setting('b', 'mine'))
    expect([answer.status, answer.json.error.type]).toEqual([409, 'CommitFailedException'])
    expect([await lake.properties('a'), round > 3]).toEqual([{}, true])
  })
})

describe('a fault', () => {
  const unknown = (): CommitOutcome => ({ outcome: 'unknown', cause: new Error('connection lost') })
  const fail = (): never => {
    throw new Error('connection lost')
  }
  const both = (): Promise<Answer> => lake.transaction(setting('a', 'k'), setting('b', 'k'))

  /** Replaces the first commit. */
  function once(step: (real: TenantStore) => TenantStore['commit']): void {
    let first = true
    lake.faults = (real) => ({
      commit: (commit) => (first ? ((first = false), step(real)(commit)) : real.commit(commit)),
    })
  }

  it.each<[string, (real: TenantStore) => TenantStore['commit']]>([
    ['the answer is lost after the commit', (real) => async (commit) => (await real.commit(commit), unknown())],
    ['the store throws after the commit', (real) => async (commit) => (await real.commit(commit), fail())],
    ['the commit never arrives', () => async () => unknown()],
  ])('%s: done once, and no file too many', async (_, step) => {
    once(step)
    expect((await both()).status).toBe(204)
    expect([await lake.properties('a'), await lake.properties('b')]).toEqual([{ k: 'x' }, { k: 'x' }])
    expect(lake.catalog.objects.files.size).toBe(3 + 2)
    const { 'metadata-log': log } = (await lake.load('a')).json.metadata
    expect(log).toHaveLength(1)
  })

  it.each([false, true])('nobody can tell (landed: %s): the answer says so, and all files stay', async (landed) => {
    lake.faults = (real) => ({
      commit: async (commit) => (landed && (await real.commit(commit)), unknown()),
      settle: async () => fail(),
    })
    const answer = await both()
    expect([answer.status, answer.json.error.type]).toEqual([500, 'CommitStateUnknownException'])
    lake.faults = () => ({})
    const expected = landed ? { k: 'x' } : {}
    expect([await lake.properties('a'), await lake.properties('b')]).toEqual([expected, expected])
    expect(lake.catalog.objects.files.size).toBe(3 + 2)
  })

  it.each([1, 2])('the bucket fails at file %s: nothing was done, and no file stays', async (nth) => {
    lake.failAt = (count) => count === nth
    const before = await lake.everything()
    const answer = await both()
    expect([answer.status, answer.json.error.type]).toEqual([503, 'ServiceUnavailableException'])
    expect(await lake.everything()).toBe(before)
    expect(lake.counts.commits).toBe(0)
    expect((await both()).status).toBe(204)
  })
})

describe('in between', () => {
  it('nobody sees a half: files are there before the commit, and the tables move together', async () => {
    const reached = Promise.withResolvers<undefined>()
    const gate = Promise.withResolvers<undefined>()
    lake.faults = (real) => ({
      async commit(commit) {
        reached.resolve(undefined)
        await gate.promise
        return real.commit(commit)
      },
    })
    const running = lake.transaction(setting('a', 'k'), setting('b', 'k'), creating('n'))
    await reached.promise
    expect(lake.catalog.objects.files.size).toBe(3 + 3)
    expect([await lake.properties('a'), await lake.properties('b'), (await lake.load('n')).status]).toEqual([
      {},
      {},
      404,
    ])
    gate.resolve(undefined)
    expect((await running).status).toBe(204)
    expect([await lake.properties('a'), await lake.properties('b'), (await lake.load('n')).status]).toEqual([
      { k: 'x' },
      { k: 'x' },
      200,
    ])
  })

  it('a reader of all tables at once sees the same transaction in each of them', async () => {
    const tenant = lake.catalog.store.tenant(lake.catalog.tenantId)
    const keys = ['a', 'b', 'c'].map((name) => assetKey({ namespace: ['ns'], name }))
    const writing = { now: true }
    const seen = new Set<string>()
    const reader = async (): Promise<void> => {
      while (writing.now) {
        const { entries } = await tenant.read({ at: { catalog: 'demo', ref: 'main' }, keys })
        const rounds = entries.map((entry) => {
          const text = new TextDecoder().decode(lake.catalog.objects.files.get(entry?.metadataLocation ?? ''))
          return (JSON.parse(text) as { properties: Record<string, string> }).properties['round'] ?? 'none'
        })
        expect(new Set(rounds).size, rounds.join()).toBe(1)
        seen.add(rounds.join())
        await turn()
      }
    }
    const readers = [reader(), reader()]
    for (let round = 0; round < 20; round += 1) {
      const value = String(round)
      const changes = ['a', 'b', 'c'].map((name) => setting(name, 'round', value))
      expect((await lake.transaction(...changes)).status).toBe(204)
    }
    writing.now = false
    await Promise.all(readers)
    expect(seen.size).toBeGreaterThan(5)
  })
})

describe('50 racing transactions over overlapping tables', () => {
  it('end as 204 or 409, and are in all of their tables or in none', async () => {
    const tables = ['a', 'b', 'c', 'd', 'e', 'f']
    for (const name of ['d', 'e', 'f']) await lake.createTable('ns', name)
    lake.faults = (real) => ({ commit: async (commit) => (await turn(), real.commit(commit)) })
    const sets = Array.from({ length: 50 }, (_, index) =>
      tables.filter((__, at) => at === index % 6 || at === (index * 5 + 2) % 6 || at === (index * 7 + 3) % 6),
    )
    const answers = await Promise.all(
      sets.map((names, index) => lake.transaction(...names.toReversed().map((name) => setting(name, `t${index}`)))),
    )
    const statuses = answers.map(({ status }) => status)
    expect(statuses.filter((status) => status !== 204 && status !== 409)).toEqual([])
    expect(statuses.filter((status) => status === 204).length).toBeGreaterThan(5)
    const found = new Map(await Promise.all(tables.map(async (name) => [name, await lake.properties(name)] as const)))
    for (const [index, names] of sets.entries())
      for (const name of tables) {
        const isThere = `t${index}` in (found.get(name) ?? {})
        expect(isThere).toBe(statuses[index] === 204 && names.includes(name))
      }
    const named = new Set<string>()
    for (const name of tables) {
      const { 'metadata-location': location, metadata } = (await lake.load(name)).json
      named.add(location)
      for (const { 'metadata-file': file } of metadata['metadata-log']) named.add(file)
    }
    expect([...lake.catalog.objects.files.keys()].toSorted()).toEqual([...named].toSorted())
  })
})
