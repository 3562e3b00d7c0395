import { describe, expect, it } from 'vitest'
import { OPEN_SEQ } from '#versions/model'
import {
  AT,
  commitOf,
  create,
  fork,
  land,
  landCreate,
  listNames,
  namespaceKey,
  namespaceValue,
  newId,
  newTenant,
  tableKey,
  tableValue,
  type OpenStore,
} from './fixture.ts'

/** One read answers all a request needs, from one state. */
export function readsContract(open: OpenStore): void {
  describe('read', () => {
    it('answers caller, place, entries and page together', async () => {
      const { tenant, catalog, main } = await newTenant(open)
      const user = { ...(await firstUser()), id: newId(), username: 'bob' }
      await tenant.users.create(user)
      const grant = { id: 'g1', userId: user.id, scope: { type: 'tenant' }, actions: ['read'], createdAt: AT } as const
      await tenant.grants.create(grant)
      await tenant.grants.create({ ...grant, id: 'g2', userId: 'somebody else' })
      const entry = await landCreate(tenant, main.id, tableKey('a', 't'), tableValue())
      const result = await tenant.read({
        caller: { userId: user.id, tokenId: 'token' },
        at: { catalog: 'demo', ref: 'main' },
        keys: [tableKey('a', 'missing'), tableKey('a', 't')],
        page: { class: 'asset', namespace: 'a', kind: 'table', limit: 10 },
      })
      expect(result).toEqual({
        caller: { user, grants: [grant], revoked: false },
        place: {
          catalog,
          warehouse: await tenant.warehouses.byName('lake'),
          branch: { ...main, headSeq: 1 },
          seq: OPEN_SEQ,
        },
        entries: [null, entry],
        page: { entries: [entry] },
      })
      async function firstUser() {
        const found = await tenant.users.byName('admin')
        if (!found) throw new Error('expected the first user')
        return found
      }
    })

    it('answers only what was asked for', async () => {
      const { tenant } = await newTenant(open)
      expect(await tenant.read({})).toEqual({ entries: [] })
      expect(await tenant.read({ caller: { userId: 'nobody', tokenId: 't' } })).toEqual({
        caller: { user: null, grants: [], revoked: false },
        entries: [],
      })
    })

    it('knows a revoked token and one that was taken back', async () => {
      const { tenant } = await newTenant(open)
      const isRevoked = async () => (await tenant.read({ caller: { userId: 'u', tokenId: 'jti' } })).caller?.revoked
      await tenant.revokedTokens.create({ id: 'jti', expiresAt: AT })
      expect(await isRevoked()).toBe(true)
      await tenant.revokedTokens.delete('jti')
      expect(await isRevoked()).toBe(false)
    })

    it.each([
      ['an unknown catalog', { catalog: 'other', ref: 'main' }],
      ['an unknown branch', { catalog: 'demo', ref: 'other' }],
      ['an unknown branch id', { branchId: 'other' }],
    ])('finds no place for %s', async (_, at) => {
      const { tenant } = await newTenant(open)
      const page = { class: 'asset', namespace: 'a', kind: 'table', limit: 10 } as const
      expect(await tenant.read({ at, keys: [tableKey('a', 't')], page })).toEqual({
        place: null,
        entries: [],
        page: { entries: [] },
      })
    })

    it('finds a branch by id, at its head and at a position', async () => {
      const { tenant, main, catalog } = await newTenant(open)
      await landCreate(tenant, main.id, tableKey('a', 't'), tableValue())
      const head = await tenant.read({ at: { branchId: main.id }, keys: [tableKey('a', 't')] })
      expect(head.place).toMatchObject({ catalog, branch: { id: main.id, headSeq: 1 }, seq: OPEN_SEQ })
      expect(head.entries).toHaveLength(1)
      const before = await tenant.read({ at: { branchId: main.id, seq: 0 }, keys: [tableKey('a', 't')] })
      expect(before.place?.seq).toBe(0)
      expect(before.entries).toEqual([null])
    })

    it('takes hundreds of keys at once, in the order asked', async () => {
      const { tenant, main } = await newTenant(open)
      const keys = Array.from({ length: 300 }, (_, i) => tableKey('a', `t${i}`))
      await land(
        tenant,
        commitOf(
          main.id,
          keys.filter((_, i) => i % 2 === 0).map((key) => create(key, tableValue())),
        ),
      )
      const { entries } = await tenant.read({ at: { branchId: main.id }, keys: keys.toReversed() })
      expect(entries.map((entry) => entry?.name ?? null)).toEqual(
        keys.map((key, i) => (i % 2 === 0 ? key.name : null)).toReversed(),
      )
    })

    it('keeps values and names as they are', async () => {
      const { tenant, main } = await newTenant(open)
      const properties = { '': 'empty', 'it\'s "x"': '\\ 🦎 \u2028 é', __proto__x: '1', n: '1.0', json: '{"a":[1]}' }
      for (const name of ["o'brien", '100%', '🦎', 'a/b', '"', 'É', '{"x":1}', ' ', '\\', 'null', '0']) {
        const key = namespaceKey('a\u001fb', name)
        const entry = await landCreate(tenant, main.id, key, namespaceValue(properties))
        expect(entry).toMatchObject({ ...key, properties })
      }
      const table = tableValue({ summary: { currentSnapshotId: '9223372036854775807' } })
      expect(await landCreate(tenant, main.id, tableKey('a', 't'), table)).toMatchObject(table)
    })

    it('lists names in the order of their code points, and each kind and class for itself', async () => {
      const { tenant, main } = await newTenant(open)
      const names = ['B', 'a', 'aa', 'b', 'é', '\ue000', '\uff5e', '🦎', '🦏'].toSorted()
      const [tables, views] = [names, ['a view', 'zz']]
      await land(
        tenant,
        commitOf(main.id, [
          ...tables.map((name) => create(tableKey('n', name), tableValue())),
          ...views.map((name) => create(tableKey('n', name), tableValue({ kind: 'view' }))),
          create(namespaceKey('n', 'child'), namespaceValue()),
          create(tableKey('n\u001fchild', 'inside'), tableValue()),
        ]),
      )
      const ordered = ['B', 'a', 'aa', 'b', 'é', '\ue000', '\uff5e', '🦎', '🦏']
      const at = { branchId: main.id }
      const dev = { branchId: (await fork(tenant, main.id, 'dev')).id }
      for (const place of [at, dev])
        for (const limit of [1, 2, 9, 100]) {
          expect(await listNames(tenant, place, { class: 'asset', namespace: 'n', kind: 'table' }, limit)).toEqual(
            ordered,
          )
          expect(await listNames(tenant, place, { class: 'asset', namespace: 'n', kind: 'view' }, limit)).toEqual(views)
          const spaces = { class: 'namespace', namespace: 'n', kind: 'namespace' } as const
          expect(await listNames(tenant, place, spaces, limit)).toEqual(['child'])
        }
    })
  })
}
