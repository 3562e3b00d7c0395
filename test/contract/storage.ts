import { describe, expect, it } from 'vitest'
import type { Warehouse } from '#domain/records'
import type { Bootstrap } from '#store/store'
import { AT, firstRecords, newId, type OpenStore } from './fixture.ts'

/** No two tenants have storage in one place. */
export function storageContract(open: OpenStore): void {
  describe('the storage of another tenant', () => {
    it.each([
      ['the same', 'a/b/', 'a/b/', false],
      ['one above', 'a/b/', 'a/', false],
      ['one below', 'a/b/', 'a/b/c/d/', false],
      ['all of the bucket', 'a/b/', '', false],
      ['a part of a whole bucket', '', 'a/', false],
      ['both all of the bucket', '', '', false],
      ['a sibling', 'a/b/', 'a/c/', true],
      ['a sibling with the same beginning', 'a/b/', 'a/b2/', true],
      ['siblings that sort around it', 'a/b/', 'a/b./', true],
      ['the one that sorts right behind', 'a/b/', 'a/b0/', true],
      ['with characters of LIKE', 'a/b/', '_/b/', true],
      ['in another case', 'a/b/', 'A/B/', true],
    ])('%s', async (_, theirs, mine, allowed) => {
      const store = await open()
      for (const way of ['bootstrap', 'create', 'update'] as const) {
        const bucket = newId()
        expect(await store.bootstrap(tenantIn(bucket, theirs))).toBe(true)
        const second = tenantIn(way === 'bootstrap' ? bucket : newId(), way === 'bootstrap' ? mine : '')
        const { warehouses, users, branches } = store.tenant(second.tenant.id)
        if (way !== 'bootstrap') await store.bootstrap(second)
        const { storage } = warehouseIn(bucket, mine)
        const wanted = { ...second.warehouse, storage, ...(way === 'create' ? { id: newId(), name: newId() } : {}) }
        const before = await warehouses.get(wanted.id)
        const claim = way === 'bootstrap' ? store.bootstrap(second) : warehouses[way](wanted)
        if (allowed) expect(await claim, way).toBe(true)
        else await expect(claim, way).rejects.toMatchObject(refusalOf(bucket, mine))
        expect(await warehouses.get(wanted.id)).toEqual(allowed ? wanted : before)
        const isThere = allowed || way !== 'bootstrap'
        expect(await users.get(second.user.id)).toEqual(isThere ? second.user : null)
        expect(await branches.get(second.catalog.id, 'main')).toEqual(isThere ? second.branch : null)
      }
    })

    it('is another one in another bucket, also one whose name begins alike', async () => {
      const store = await open()
      const bucket = newId()
      for (const name of [bucket, `${bucket}2`, `${bucket}.x`, bucket.slice(0, -1)])
        expect(await store.bootstrap(tenantIn(name, ''))).toBe(true)
    })

    it('is refused without a word on whose it is', async () => {
      const store = await open()
      const [first, second] = [tenantIn(newId(), 'a/'), tenantIn(newId(), '')]
      for (const records of [first, second]) await store.bootstrap(records)
      const { bucket } = first.warehouse.storage
      await expect(store.tenant(second.tenant.id).warehouses.create(warehouseIn(bucket, ''))).rejects.toMatchObject({
        message: `The storage s3://${bucket}/ overlaps with the warehouse of another tenant; choose another bucket or prefix`,
      })
    })

    it('counts all its warehouses, and is free once they are gone or moved', async () => {
      const store = await open()
      const [first, second] = [tenantIn(newId(), 'a/'), tenantIn(newId(), '')]
      for (const records of [first, second]) await store.bootstrap(records)
      const { bucket } = first.warehouse.storage
      const [mine, theirs] = [store.tenant(first.tenant.id), store.tenant(second.tenant.id)]
      const more = warehouseIn(bucket, 'b/')
      expect(await mine.warehouses.create(more)).toBe(true)
      const wanted = warehouseIn(bucket, 'b/c/')
      await expect(theirs.warehouses.create(wanted)).rejects.toMatchObject(refusalOf(bucket, 'b/c/'))
      expect(await mine.warehouses.delete(more.id)).toBe(true)
      expect(await theirs.warehouses.create(wanted)).toBe(true)
      await expect(mine.warehouses.create(more)).rejects.toMatchObject(refusalOf(bucket, 'b/'))
      expect(await mine.warehouses.update({ ...first.warehouse, storage: warehouseIn(newId(), '').storage })).toBe(true)
      expect(await theirs.warehouses.create(warehouseIn(bucket, 'a/'))).toBe(true)
    })

    it('goes to one of those who ask for it at once', async () => {
      const store = await open()
      const bucket = newId()
      const racing = ['', 'a/', 'a/b/', 'a/', ''].map((prefix) => tenantIn(bucket, prefix))
      const outcomes = await Promise.allSettled(racing.map((records) => store.bootstrap(records)))
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toEqual([{ status: 'fulfilled', value: true }])
      for (const [i, { tenant, warehouse }] of racing.entries()) {
        const found = await store.tenant(tenant.id).warehouses.get(warehouse.id)
        expect(found).toEqual(outcomes[i]?.status === 'fulfilled' ? warehouse : null)
      }
    })
  })

  describe('the storage of one tenant', () => {
    it('may overlap with itself, and a tenant that exists is not made again', async () => {
      const store = await open()
      const first = tenantIn(newId(), 'a/')
      const { bucket } = first.warehouse.storage
      await store.bootstrap(first)
      const { warehouses } = store.tenant(first.tenant.id)
      for (const prefix of ['a/', 'a/b/', '']) expect(await warehouses.create(warehouseIn(bucket, prefix))).toBe(true)
      expect(await warehouses.update({ ...first.warehouse, name: 'renamed' })).toBe(true)
      const other = tenantIn(newId(), '')
      await store.bootstrap(other)
      expect(await store.bootstrap({ ...first, warehouse: other.warehouse })).toBe(false)
    })

    it('is told before anything else, and has a prefix that is a folder', async () => {
      const store = await open()
      const [first, second] = [tenantIn(newId(), ''), tenantIn(newId(), '')]
      for (const records of [first, second]) await store.bootstrap(records)
      const { warehouses } = store.tenant(second.tenant.id)
      const taken = { ...second.warehouse, storage: first.warehouse.storage }
      const refused = refusalOf(first.warehouse.storage.bucket, '')
      await expect(warehouses.create(taken)).rejects.toMatchObject(refused)
      await expect(warehouses.update({ ...taken, id: newId() })).rejects.toMatchObject(refused)
      await expect(warehouses.create(warehouseIn(newId(), 'a'))).rejects.toMatchObject({ kind: 'bad-request' })
      await expect(store.bootstrap(tenantIn(newId(), 'a'))).rejects.toMatchObject({ kind: 'bad-request' })
      for (const prefix of ['\u212aonto/', 'cafe\u0301/']) {
        await expect(warehouses.create(warehouseIn(newId(), prefix))).rejects.toMatchObject({ kind: 'bad-request' })
        await expect(store.bootstrap(tenantIn(newId(), prefix))).rejects.toMatchObject({ kind: 'bad-request' })
      }
      expect(await warehouses.create({ ...warehouseIn(newId(), ''), name: second.warehouse.name })).toBe(false)
      expect(await warehouses.update(warehouseIn(newId(), ''))).toBe(false)
    })
  })
}

function warehouseIn(bucket: string, prefix: string): Warehouse {
  return { id: newId(), name: newId(), storage: { kind: 'r2', bucket, prefix }, createdAt: AT }
}

function tenantIn(bucket: string, prefix: string): Bootstrap {
  const first = firstRecords(newId())
  return { ...first, warehouse: { ...first.warehouse, storage: { kind: 'r2', bucket, prefix } } }
}

function refusalOf(bucket: string, prefix: string): object {
  const message = expect.stringContaining(`s3://${bucket}/${prefix} overlaps`) as string
  return { name: 'CatalogError', kind: 'already-exists', message }
}
