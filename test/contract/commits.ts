import { describe, expect, it } from 'vitest'
import { OPEN_SEQ, type Change } from '#versions/model'
import {
  answered,
  AT,
  commitOf,
  create,
  dump,
  fork,
  land,
  landCreate,
  member,
  mustRead,
  namespaceKey,
  namespaceValue,
  newId,
  newTenant,
  readKey,
  tableKey,
  tableValue,
  type OpenStore,
} from './fixture.ts'

/** All of a commit or nothing. */
export function commitsContract(open: OpenStore): void {
  describe('commit', () => {
    it('creates, updates and drops a key, each once expected', async () => {
      const { tenant, main } = await newTenant(open)
      const key = tableKey('a', 't')
      const first = await landCreate(tenant, main.id, key, tableValue())
      expect(first).toMatchObject({ branchId: main.id, fromSeq: 1, toSeq: OPEN_SEQ })
      const second = tableValue({ objectId: first.objectId })
      await land(tenant, commitOf(main.id, [{ key, expect: first.rev, next: second }]))
      const entry = await mustRead(tenant, main.id, key)
      expect(entry).toMatchObject({ ...second, fromSeq: 2, toSeq: OPEN_SEQ })
      const drop = { key, expect: entry.rev, next: null }
      await land(tenant, commitOf(main.id, [drop]))
      expect(await readKey(tenant, main.id, key)).toBeNull()
      expect(await tenant.commit(commitOf(main.id, [drop]))).toEqual({ outcome: 'conflict', change: 0 })
    })

    it('names the first change whose expectation fails, and changes nothing, for every one of them', async () => {
      const { tenant, main } = await newTenant(open)
      const size = 6
      const keys = Array.from({ length: size }, (_, i) => tableKey('a', `t${i}`))
      await land(
        tenant,
        commitOf(
          main.id,
          keys.slice(0, 4).map((key) => create(key, tableValue())),
        ),
      )
      const changes: Change[] = []
      for (const key of keys) {
        const rev = (await readKey(tenant, main.id, key))?.rev ?? null
        changes.push({ key, expect: rev, next: key.name === 't0' ? null : tableValue() })
      }
      const before = await dump(tenant, main.id, ['', 'a'])
      for (let k = 0; k < size; k += 1) {
        const broken = changes.map((change, i) => (i >= k ? { ...change, expect: newId() } : change))
        expect(await tenant.commit(commitOf(main.id, broken))).toEqual({ outcome: 'conflict', change: k })
        expect(await dump(tenant, main.id, ['', 'a'])).toEqual(before)
      }
      await land(tenant, commitOf(main.id, changes))
    })

    it('renames in one commit, keeping the object', async () => {
      const { tenant, main } = await newTenant(open)
      const [source, destination] = [tableKey('a', 'x'), tableKey('b', 'y')]
      const entry = await landCreate(tenant, main.id, source, tableValue({ locations: ['s3://lake/x/'] }))
      const { objectId, kind, metadataLocation, locations, properties, summary } = entry
      const value = { objectId, kind, metadataLocation, locations, properties, summary }
      const rename = commitOf(main.id, [create(destination, value), { key: source, expect: entry.rev, next: null }])
      await land(tenant, rename)
      expect(await readKey(tenant, main.id, source)).toBeNull()
      expect(await mustRead(tenant, main.id, destination)).toMatchObject(value)
      expect(await tenant.commit({ ...rename, members: [member()] })).toEqual({ outcome: 'conflict', change: 0 })
    })

    it('lands only at the head it expects', async () => {
      const { tenant, main } = await newTenant(open)
      const one = (name: string, expectHead: number) =>
        tenant.commit(commitOf(main.id, [create(tableKey('a', name), tableValue())], { expectHead }))
      expect(await one('t0', 1)).toEqual({ outcome: 'head-moved' })
      expect(await one('t0', 0)).toEqual({ outcome: 'committed', seq: 1 })
      expect(await one('t1', 0)).toEqual({ outcome: 'head-moved' })
      expect(await one('t1', 1)).toEqual({ outcome: 'committed', seq: 2 })
    })

    it('checks what must exist and what must be empty, and names the first that does not hold', async () => {
      const { tenant, main } = await newTenant(open)
      await landCreate(tenant, main.id, namespaceKey('', 'a'), namespaceValue())
      const inside = await landCreate(tenant, main.id, tableKey('a', 't'), tableValue())
      const child = await landCreate(tenant, main.id, namespaceKey('a', 'child'), namespaceValue())
      const withChecks = (...checks: Parameters<typeof commitOf>[2][]) =>
        tenant.commit(commitOf(main.id, [], Object.assign({}, ...checks)))
      const there = { exists: namespaceKey('', 'a') }
      const missing = { exists: namespaceKey('', 'b') }
      expect(await withChecks({ checks: [there, missing] })).toEqual({ outcome: 'check-failed', check: 1 })
      expect(await withChecks({ checks: [there, { empty: 'b' }, { empty: 'a' }, missing] })).toEqual({
        outcome: 'check-failed',
        check: 2,
      })
      expect(await withChecks({ checks: [there, { empty: 'b' }] })).toMatchObject({ outcome: 'committed' })
      await land(tenant, commitOf(main.id, [{ key: tableKey('a', 't'), expect: inside.rev, next: null }]))
      expect(await withChecks({ checks: [{ empty: 'a' }] })).toEqual({ outcome: 'check-failed', check: 0 })
      await land(tenant, commitOf(main.id, [{ key: namespaceKey('a', 'child'), expect: child.rev, next: null }]))
      expect(await withChecks({ checks: [{ empty: 'a' }] })).toMatchObject({ outcome: 'committed' })
    })

    it('tells the object under a key from another one of its name', async () => {
      const { tenant, main } = await newTenant(open)
      const key = namespaceKey('', 'a')
      const first = await landCreate(tenant, main.id, key, namespaceValue())
      const stillThere = async (objectId: string, branchId = main.id) =>
        tenant.commit(commitOf(branchId, [], { checks: [{ exists: key }, { exists: key, objectId }] }))
      expect(await stillThere(first.objectId)).toMatchObject({ outcome: 'committed' })
      expect(await stillThere(newId())).toEqual({ outcome: 'check-failed', check: 1 })
      const dev = await fork(tenant, main.id, 'dev')
      await land(tenant, commitOf(main.id, [{ key, expect: first.rev, next: null }]))
      expect(await stillThere(first.objectId)).toEqual({ outcome: 'check-failed', check: 0 })
      const second = await landCreate(tenant, main.id, key, namespaceValue())
      expect(await stillThere(first.objectId)).toEqual({ outcome: 'check-failed', check: 1 })
      expect(await stillThere(second.objectId)).toMatchObject({ outcome: 'committed' })
      expect(await stillThere(first.objectId, dev.id)).toMatchObject({ outcome: 'committed' })
      expect(await stillThere(second.objectId, dev.id)).toEqual({ outcome: 'check-failed', check: 1 })
      const { objectId } = second
      await land(tenant, commitOf(main.id, [{ key, expect: second.rev, next: namespaceValue({ a: 'b' }) }]))
      expect(await stillThere(objectId)).toEqual({ outcome: 'check-failed', check: 1 })
    })

    it('looks at conditions in one order: ids, branch, head, expectations, checks, folders', async () => {
      const { tenant, main } = await newTenant(open)
      const taken = member({ idempotency: answered() })
      const folder = ['s3://lake/x/']
      const table = create(tableKey('a', 't'), tableValue({ locations: folder }))
      await land(tenant, commitOf(main.id, [table], { members: [taken] }))
      let commit = commitOf('no such branch', [create(tableKey('a', 't'), tableValue({ locations: folder }))], {
        members: [member({ idempotency: taken.idempotency }), { ...taken, idempotency: null }],
        checks: [{ empty: 'a' }],
        expectHead: 7,
      })
      const next = async (fix: Partial<typeof commit>) => {
        commit = { ...commit, ...fix }
        return tenant.commit(commit)
      }
      expect(await next({})).toEqual({ outcome: 'decided', id: taken.id })
      expect(await next({ members: [member(), member({ idempotency: taken.idempotency })] })).toEqual({
        outcome: 'replayed',
        idempotencyKey: taken.idempotency?.key,
      })
      expect(await next({ members: [member()] })).toEqual({ outcome: 'branch-closed' })
      expect(await next({ branchId: main.id })).toEqual({ outcome: 'head-moved' })
      expect(await next({ expectHead: 1 })).toEqual({ outcome: 'conflict', change: 0 })
      const other = [create(tableKey('b', 't'), tableValue({ locations: folder }))]
      expect(await next({ changes: other })).toEqual({ outcome: 'check-failed', check: 0 })
      expect(await next({ checks: [] })).toEqual({ outcome: 'overlap', change: 0 })
    })

    it('carries several callers, each with a record in the log and in the audit', async () => {
      const { tenant, main } = await newTenant(open)
      const members = [
        member({ idempotency: answered() }),
        member({}, 'replace'),
        member({ idempotency: answered() }, 'drop'),
      ]
      const changes = [create(tableKey('a', 't'), tableValue())]
      expect(await land(tenant, commitOf(main.id, changes, { members }))).toBe(1)
      const { rev } = await mustRead(tenant, main.id, tableKey('a', 't'))
      expect(rev).toBe(members[0]?.id)
      expect(await tenant.history.log({ branchId: main.id, limit: 10 })).toEqual({
        entries: [
          {
            branchId: main.id,
            seq: 1,
            at: AT,
            ids: members.map(({ id }) => id),
            records: members.map(({ log }) => log),
            changes,
          },
        ],
      })
      const { records } = await tenant.history.audit({ limit: 10 })
      expect(records.toReversed()).toEqual(
        members.map(({ id, idempotency, audit }) => ({
          ...audit,
          id: expect.any(String) as string,
          at: AT,
          commitId: id,
          idempotencyKey: idempotency?.key ?? null,
        })),
      )
      for (const { id } of members) expect(await tenant.settle(id)).toEqual({ landed: true, seq: 1 })
    })

    it('refuses what it could not keep before it asks the database', async () => {
      const { tenant, main } = await newTenant(open)
      const key = tableKey('a', 't')
      const many = Array.from({ length: 501 }, (_, i) => create(tableKey('a', `t${i}`), tableValue()))
      await expect(tenant.commit(commitOf(main.id, many))).rejects.toMatchObject({ kind: 'too-large' })
      const large = create(key, tableValue({ properties: { x: 'é'.repeat(800_000) } }))
      await expect(tenant.commit(commitOf(main.id, [large]))).rejects.toMatchObject({ kind: 'too-large' })
      const twice = [create(key, tableValue()), create(key, tableValue())]
      await expect(tenant.commit(commitOf(main.id, twice))).rejects.toMatchObject({ kind: 'bad-request' })
      for (const text of ['a\u0000', '\ud800', '\\\u0000']) {
        const odd = create(namespaceKey('', 'a'), namespaceValue({ x: text }))
        await expect(tenant.commit(commitOf(main.id, [odd]))).rejects.toMatchObject({ kind: 'bad-request' })
      }
      const text = { backslash: '\\u0000 \\\\ud800', pair: '🦎', escape: '\u001b' }
      const even = create(namespaceKey('', 'a'), namespaceValue(text))
      await land(tenant, commitOf(main.id, [even]))
      expect((await mustRead(tenant, main.id, even.key)).properties).toEqual(text)
      const long = Array.from({ length: 66 }, () => newId()).join('')
      const longest = create(tableKey(long, 'é'.repeat(12)), tableValue())
      await land(tenant, commitOf(main.id, [longest]))
      const longer = create(tableKey(long, 'é'.repeat(13)), tableValue())
      await expect(tenant.commit(commitOf(main.id, [longer]))).rejects.toMatchObject({ kind: 'bad-request' })
      await land(tenant, commitOf(main.id, many.slice(0, 500)))
      const almost = create(namespaceKey('', 'large'), namespaceValue({ x: 'é'.repeat(700_000) }))
      await land(tenant, commitOf(main.id, [almost]))
      expect(await mustRead(tenant, main.id, almost.key)).toMatchObject(almost.next ?? {})
    })
  })

  describe('log', () => {
    it('pages newest first', async () => {
      const { tenant, main } = await newTenant(open)
      for (let i = 0; i < 7; i += 1) await land(tenant, commitOf(main.id, []))
      const seen: number[] = []
      let before: { branchId: string; seq: number } | undefined
      do {
        const { entries, next } = await tenant.history.log({ branchId: main.id, limit: 3, ...(before && { before }) })
        seen.push(...entries.map(({ seq }) => seq))
        before = next
      } while (before)
      expect(seen).toEqual([7, 6, 5, 4, 3, 2, 1])
    })
  })

  describe('audit', () => {
    it('pages newest first', async () => {
      const { tenant, main } = await newTenant(open)
      const ids: string[] = []
      for (let i = 0; i < 5; i += 1) {
        const one = member()
        ids.push(one.id)
        await land(tenant, commitOf(main.id, [], { members: [one] }))
      }
      const seen: string[] = []
      let before: string | undefined
      do {
        const { records, next } = await tenant.history.audit({ limit: 2, ...(before ? { before } : {}) })
        seen.push(...records.map(({ commitId }) => commitId))
        before = next
      } while (before)
      expect(seen).toEqual(ids.toReversed())
    })
  })
}
