import { describe, expect, it } from 'vitest'
import type { Catalog, User } from '#domain/records'
import type { Bootstrap } from '#store/store'
import {
  answered,
  AT,
  commitOf,
  firstRecords,
  land,
  member,
  newId,
  newTenant,
  readKey,
  tableKey,
  tableValue,
  type OpenStore,
} from './fixture.ts'

/** Plain records, and the wall between tenants. */
export function recordsContract(open: OpenStore): void {
  describe('bootstrap', () => {
    it('makes a tenant once', async () => {
      const store = await open()
      const first = firstRecords(newId())
      const racing = await Promise.all([store.bootstrap(first), store.bootstrap(first)])
      expect(racing.toSorted()).toEqual([false, true])
      expect(await store.bootstrap(firstRecords(first.tenant.id))).toBe(false)
      const tenant = store.tenant(first.tenant.id)
      expect(await tenant.catalogs.list({ limit: 10 })).toEqual({ records: [first.catalog] })
      expect(await tenant.warehouses.get(first.warehouse.id)).toEqual(first.warehouse)
      expect(await tenant.users.byName('admin')).toEqual(first.user)
      expect(await tenant.branches.get(first.catalog.id, 'main')).toEqual(first.branch)
    })

    it('leaves the store ready', async () => {
      expect(await (await open()).readiness()).toEqual({ ready: true })
    })
  })

  describe('records', () => {
    const user = (over: Partial<User> = {}): User => ({
      id: newId(),
      username: newId(),
      role: 'tenant-user',
      passwordHash: null,
      active: true,
      createdAt: AT,
      ...over,
    })

    it('are found by id and by name, and have both once', async () => {
      const { tenant } = await newTenant(open)
      const bob = user({ username: 'bob' })
      expect(await tenant.users.create(bob)).toBe(true)
      expect(await tenant.users.create(user({ username: 'bob' }))).toBe(false)
      expect(await tenant.users.create(user({ id: bob.id }))).toBe(false)
      expect(await tenant.users.get(bob.id)).toEqual(bob)
      expect(await tenant.users.byName('bob')).toEqual(bob)
      expect(await tenant.users.get('nobody')).toBeNull()
      expect(await tenant.users.byName('Bob')).toBeNull()
      expect(await tenant.catalogs.byName('bob')).toBeNull()
    })

    it('are renamed to a free name only, and deleted once', async () => {
      const { tenant } = await newTenant(open)
      const [bob, eve] = [user({ username: 'bob' }), user({ username: 'eve' })]
      await tenant.users.create(bob)
      await tenant.users.create(eve)
      expect(await tenant.users.update({ ...eve, username: 'bob' })).toBe(false)
      expect(await tenant.users.get(eve.id)).toEqual(eve)
      expect(await tenant.users.update({ ...eve, active: false })).toBe(true)
      expect(await tenant.users.get(eve.id)).toEqual({ ...eve, active: false })
      expect(await tenant.users.update({ ...eve, username: 'mallory' })).toBe(true)
      expect(await tenant.users.byName('eve')).toBeNull()
      expect(await tenant.users.update(user())).toBe(false)
      expect(await tenant.users.delete(bob.id)).toBe(true)
      expect(await tenant.users.delete(bob.id)).toBe(false)
      expect(await tenant.users.create(user({ username: 'bob' }))).toBe(true)
    })

    it('have a name or none, and are listed in pages', async () => {
      const { tenant } = await newTenant(open)
      const grants = Array.from({ length: 5 }, (_, i) => ({
        id: `g${i}`,
        userId: 'u',
        scope: { type: 'tenant' } as const,
        actions: ['read'] as const,
        createdAt: AT,
      }))
      for (const grant of grants.toReversed()) expect(await tenant.grants.create(grant)).toBe(true)
      expect(await tenant.grants.byName('g1')).toBeNull()
      const first = await tenant.grants.list({ limit: 3 })
      expect(first).toEqual({ records: grants.slice(0, 3), next: 'g2' })
      expect(await tenant.grants.list({ limit: 3, after: 'g2' })).toEqual({ records: grants.slice(3) })
    })

    it('let a catalog move to another name and warehouse', async () => {
      const { tenant, catalog, main } = await newTenant(open)
      const warehouse = {
        id: newId(),
        name: 'ice',
        storage: { kind: 'r2', bucket: newId(), prefix: 'p/' },
        createdAt: AT,
      } as const
      await tenant.warehouses.create(warehouse)
      const moved: Catalog = { ...catalog, name: 'sales', warehouseId: warehouse.id }
      expect(await tenant.catalogs.update(moved)).toBe(true)
      const { place } = await tenant.read({ at: { catalog: 'sales', ref: 'main' } })
      expect(place).toMatchObject({ catalog: moved, warehouse, branch: { id: main.id } })
      expect((await tenant.read({ at: { catalog: 'demo', ref: 'main' } })).place).toBeNull()
    })
  })

  describe('tenants', () => {
    it('with the same names and the same ids never see or touch each other', async () => {
      const store = await open()
      const first = firstRecords(newId())
      const second = withStorageOf(newId(), { ...first, tenant: { ...first.tenant, id: newId() } })
      for (const records of [first, second]) await store.bootstrap(records)
      const [mine, other] = [store.tenant(first.tenant.id), store.tenant(second.tenant.id)]
      const branchId = first.branch.id
      const key = tableKey('a', 't')
      const one = member({ idempotency: answered() })
      const commit = commitOf(branchId, [{ key, expect: null, next: tableValue({ locations: ['s3://lake/a/'] }) }], {
        members: [one],
        purges: [
          { id: 'p', objectId: 'o', warehouseId: 'w', metadataLocation: 's3://lake/m', locations: ['s3://lake/q/'] },
        ],
      })
      await land(mine, commit)
      const nothing = await other.read({
        caller: { userId: first.user.id, tokenId: 't' },
        at: { branchId },
        keys: [key],
        page: { class: 'asset', namespace: 'a', kind: 'table', limit: 10 },
      })
      expect(nothing).toMatchObject({ place: { branch: { headSeq: 0 } }, entries: [null], page: { entries: [] } })
      expect(await other.history.log({ branchId, limit: 10 })).toEqual({ entries: [] })
      expect(await other.history.audit({ limit: 10 })).toEqual({ records: [] })
      expect(await other.purges.pending({ limit: 10 })).toEqual([])
      expect(await other.settle(newId())).toEqual({ landed: false })
      await other.purges.done('p')
      await other.purges.save('p', 'x')
      await other.branches.close(branchId)
      await other.users.delete(first.user.id)
      await other.catalogs.update({ ...first.catalog, name: 'theirs' })
      expect(await mine.purges.pending({ limit: 10 })).toMatchObject([{ id: 'p', cursor: null }])
      expect(await mine.users.get(first.user.id)).toEqual(first.user)
      expect((await mine.read({ at: { catalog: 'demo', ref: 'main' } })).place?.branch.state).toBe('open')
      expect(await other.commit(commit)).toEqual({ outcome: 'branch-closed' })
      expect(await readKey(mine, branchId, key)).not.toBeNull()
    })

    it('land the same ids, keys and idempotency keys each for itself', async () => {
      const store = await open()
      const first = firstRecords(newId())
      const second = withStorageOf(newId(), { ...first, tenant: { ...first.tenant, id: newId() } })
      for (const records of [first, second]) await store.bootstrap(records)
      const value = tableValue({ locations: ['s3://lake/a/'] })
      const commit = commitOf(first.branch.id, [{ key: tableKey('a', 't'), expect: null, next: value }], {
        members: [member({ idempotency: answered('same') })],
      })
      for (const { tenant } of [first, second]) expect(await land(store.tenant(tenant.id), commit)).toBe(1)
    })

    it('that nobody has made have nothing', async () => {
      const { store, main } = await newTenant(open)
      const stranger = store.tenant(newId())
      expect(await stranger.read({ at: { catalog: 'demo', ref: 'main' } })).toEqual({ place: null, entries: [] })
      expect(await stranger.commit(commitOf(main.id, []))).toEqual({ outcome: 'branch-closed' })
    })
  })
}

/** The records with a warehouse in another bucket. */
function withStorageOf(bucket: string, first: Bootstrap): Bootstrap {
  return { ...first, warehouse: { ...first.warehouse, storage: { kind: 'r2', bucket, prefix: '' } } }
}
