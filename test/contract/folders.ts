import { describe, expect, it } from 'vitest'
import type { Change, Entry, PurgeRequest } from '#versions/model'
import {
  AT,
  commitOf,
  create,
  fork,
  land,
  landCreate,
  mustRead,
  newId,
  newTenant,
  tableKey,
  tableValue,
  type OpenStore,
} from './fixture.ts'

/** No two tables have files in one place, and nothing is purged that somebody can still see. */
export function foldersContract(open: OpenStore): void {
  describe('folders', () => {
    it.each([
      ['the same', ['s3://lake/a/b/'], false],
      ['one above', ['s3://lake/a/'], false],
      ['one below', ['s3://lake/a/b/c/'], false],
      ['the second of several', ['s3://lake/z/', 's3://lake/other/x/y/'], false],
      ['a sibling', ['s3://lake/a/c/'], true],
      ['a sibling with the same beginning', ['s3://lake/a/b2/'], true],
      ['a sibling that sorts right behind', ['s3://lake/a/b0/', 's3://lake/a/b./'], true],
      ['the same in another bucket', ['s3://lake2/a/b/'], true],
      ['with characters of LIKE', ['s3://lake/a/_/', 's3://lake/%/'], true],
    ])('of another table: %s', async (_, locations, allowed) => {
      const { tenant, main } = await newTenant(open)
      const taken = ['s3://lake/a/b/', 's3://lake/other/x/']
      await landCreate(tenant, main.id, tableKey('n', 'x'), tableValue({ locations: taken }))
      const changes = [
        create(tableKey('n', 'free'), tableValue({ locations: ['s3://lake/free/'] })),
        create(tableKey('n', 'y'), tableValue({ locations })),
      ]
      const outcome = await tenant.commit(commitOf(main.id, changes))
      expect(outcome).toEqual(allowed ? { outcome: 'committed', seq: 2 } : { outcome: 'overlap', change: 1 })
    })

    it('of another table count on every branch of the tenant, and in no other tenant', async () => {
      const { tenant, main, store } = await newTenant(open)
      const other = await newTenant(async () => store)
      const dev = await fork(tenant, main.id, 'dev')
      const locations = ['s3://lake/a/']
      await landCreate(tenant, dev.id, tableKey('n', 'x'), tableValue({ locations }))
      const change = create(tableKey('n', 'y'), tableValue({ locations }))
      expect(await tenant.commit(commitOf(main.id, [change]))).toEqual({ outcome: 'overlap', change: 0 })
      expect(await other.tenant.commit(commitOf(other.main.id, [change]))).toMatchObject({ outcome: 'committed' })
    })

    it('are won by one of two tables that want them at the same time, also on two branches', async () => {
      const { tenant, main } = await newTenant(open)
      const dev = await fork(tenant, main.id, 'dev')
      for (let round = 0; round < 10; round += 1) {
        const outcomes = await Promise.all(
          [main, dev].map(async ({ id }, i) => {
            const locations = [`s3://lake/${round}/${i === round % 2 ? '' : 'below/'}`]
            const key = tableKey('n', newId())
            return (await tenant.commit(commitOf(id, [create(key, tableValue({ locations }))]))).outcome
          }),
        )
        expect(outcomes.toSorted()).toEqual(['committed', 'overlap'])
      }
    })

    it('of a dropped table are taken as long as a branch or a tag shows it', async () => {
      const { tenant, main } = await newTenant(open)
      const key = tableKey('n', 'x')
      const entry = await landCreate(tenant, main.id, key, tableValue({ locations: ['s3://lake/a/'] }))
      const dev = await fork(tenant, main.id, 'dev')
      const fix = await fork(tenant, dev.id, 'fix')
      await land(tenant, commitOf(main.id, [dropOf(entry)]))
      const tryAgain = (branchId: string) =>
        tenant.commit(
          commitOf(branchId, [create(tableKey('n', newId()), tableValue({ locations: ['s3://lake/a/b/'] }))]),
        )
      for (const { id } of [main, dev, fix]) expect(await tryAgain(id)).toEqual({ outcome: 'overlap', change: 0 })
      await tenant.branches.close(dev.id)
      expect(await tryAgain(main.id)).toEqual({ outcome: 'overlap', change: 0 })
      await tenant.branches.tag({ id: newId(), name: 'v1', from: { branchId: fix.id }, at: AT })
      await land(tenant, commitOf(fix.id, [dropOf(entry)]))
      await tenant.branches.close(fix.id)
      expect(await tryAgain(main.id)).toEqual({ outcome: 'overlap', change: 0 })
    })

    it('of what only a closed branch shows are free, and those of a tag on it are not', async () => {
      const { tenant, main } = await newTenant(open)
      const dropped = await landCreate(tenant, main.id, tableKey('n', 'x'), tableValue({ locations: ['s3://lake/a/'] }))
      const dev = await fork(tenant, main.id, 'dev')
      await landCreate(tenant, dev.id, tableKey('n', 'y'), tableValue({ locations: ['s3://lake/b/'] }))
      await tenant.branches.tag({ id: newId(), name: 'v1', from: { branchId: dev.id }, at: AT })
      await landCreate(tenant, dev.id, tableKey('n', 'z'), tableValue({ locations: ['s3://lake/c/'] }))
      await land(tenant, commitOf(main.id, [dropOf(dropped)]))
      const outcomes = async () => {
        const found: string[] = []
        for (const folder of ['a', 'b', 'c']) {
          const next = tableValue({ locations: [`s3://lake/${folder}/`] })
          found.push((await tenant.commit(commitOf(main.id, [create(tableKey('n', folder), next)]))).outcome)
        }
        return found
      }
      expect(await outcomes()).toEqual(['overlap', 'overlap', 'overlap'])
      await tenant.branches.close(dev.id)
      expect(await outcomes()).toEqual(['overlap', 'overlap', 'committed'])
    })

    it('of a dropped table are free once the branch that shows it is closed', async () => {
      const { tenant, main } = await newTenant(open)
      const entry = await landCreate(tenant, main.id, tableKey('n', 'x'), tableValue({ locations: ['s3://lake/a/'] }))
      const dev = await fork(tenant, main.id, 'dev')
      await land(tenant, commitOf(main.id, [dropOf(entry)]))
      const again = create(tableKey('n', 'y'), tableValue({ locations: ['s3://lake/a/'] }))
      expect(await tenant.commit(commitOf(main.id, [again]))).toEqual({ outcome: 'overlap', change: 0 })
      await tenant.branches.close(dev.id)
      await land(tenant, commitOf(main.id, [again]))
    })

    it('of one object are its own, on all branches and under all names', async () => {
      const { tenant, main } = await newTenant(open)
      const key = tableKey('n', 'x')
      const entry = await landCreate(tenant, main.id, key, tableValue({ locations: ['s3://lake/a/'] }))
      const dev = await fork(tenant, main.id, 'dev')
      const inside = tableValue({ objectId: entry.objectId, locations: ['s3://lake/a/', 's3://lake/a/b/'] })
      for (const branch of [main.id, dev.id])
        await land(tenant, commitOf(branch, [{ key, expect: entry.rev, next: inside }]))
      expect(await mustRead(tenant, dev.id, key)).toMatchObject({ locations: inside.locations })
    })

    it('of two changes of one commit must differ, too', async () => {
      const { tenant, main } = await newTenant(open)
      const changes = ['s3://lake/a/b/', 's3://lake/c/', 's3://lake/a/'].map((location, i) =>
        create(tableKey('n', `t${i}`), tableValue({ locations: [location] })),
      )
      expect(await tenant.commit(commitOf(main.id, changes))).toEqual({ outcome: 'overlap', change: 2 })
    })

    it('of a dropped table are free, except for a change that asks for unused ones', async () => {
      const { tenant, main } = await newTenant(open)
      const entry = await landCreate(tenant, main.id, tableKey('n', 'x'), tableValue({ locations: ['s3://lake/a/'] }))
      await land(tenant, commitOf(main.id, [{ key: tableKey('n', 'x'), expect: entry.rev, next: null }]))
      const again: Change = create(tableKey('n', 'y'), tableValue({ locations: ['s3://lake/a/b/'] }))
      const careful = commitOf(main.id, [{ ...again, unusedBefore: ['s3://lake/a/b/'] }])
      expect(await tenant.commit(careful)).toEqual({ outcome: 'overlap', change: 0 })
      const back = create(tableKey('n', 'x'), tableValue({ objectId: entry.objectId, locations: ['s3://lake/a/'] }))
      const check = commitOf(main.id, [{ ...back, unusedBefore: ['s3://lake/a/'] }])
      expect(await tenant.commit(check)).toMatchObject({ outcome: 'committed' })
      expect(await tenant.commit(commitOf(main.id, [again]))).toEqual({ outcome: 'overlap', change: 0 })
      const current = await mustRead(tenant, main.id, tableKey('n', 'x'))
      await land(tenant, commitOf(main.id, [{ key: tableKey('n', 'x'), expect: current.rev, next: null }]))
      await land(tenant, commitOf(main.id, [{ ...again, unusedBefore: ['s3://lake/c/'] }]))
    })
  })

  describe('purges', () => {
    it('are kept by the commit that asks for them, until done', async () => {
      const { tenant, main } = await newTenant(open)
      const jobs: PurgeRequest[] = []
      for (let i = 0; i < 3; i += 1) {
        const entry = await landCreate(
          tenant,
          main.id,
          tableKey('n', 'x'),
          tableValue({ locations: [`s3://lake/${i}/`] }),
        )
        const job = purgeOf(entry)
        jobs.push(job)
        const at = `2026-01-0${i + 1}T00:00:00.000Z`
        await land(tenant, commitOf(main.id, [dropOf(entry)], { purges: [job], at }))
      }
      const pending = await tenant.purges.pending({ limit: 10 })
      const expected = jobs.map((job, i) => ({ ...job, cursor: null, createdAt: `2026-01-0${i + 1}T00:00:00.000Z` }))
      expect(pending).toEqual(expected)
      expect(await tenant.purges.pending({ limit: 1 })).toEqual(expected.slice(0, 1))
      const first = jobs[0]?.id ?? ''
      await tenant.purges.save(first, '{"manifest":3}')
      expect((await tenant.purges.pending({ limit: 1 }))[0]?.cursor).toBe('{"manifest":3}')
      await tenant.purges.done(first)
      expect(await tenant.purges.pending({ limit: 1, after: first })).toEqual(expected.slice(1, 2))
      expect(await tenant.purges.pending({ limit: 10 })).toEqual(expected.slice(1))
    })

    it('keep a past position that shows the table from becoming a branch or a tag again, also when done', async () => {
      const { tenant, main } = await newTenant(open)
      const kept = await landCreate(tenant, main.id, tableKey('n', 'y'), tableValue({ locations: ['s3://lake/y/'] }))
      const entry = await landCreate(tenant, main.id, tableKey('n', 'x'), tableValue({ locations: ['s3://lake/x/'] }))
      const job = purgeOf(entry)
      await land(tenant, commitOf(main.id, [dropOf(entry)], { purges: [job] }))
      const at = '2026-01-01T00:00:00.000Z'
      const from = (seq: number) => ({ branchId: main.id, seq })
      for (const state of ['pending', 'done']) {
        expect(
          await tenant.branches.fork({ id: newId(), name: `f ${state}`, from: from(entry.fromSeq), at }),
        ).toBeNull()
        expect(await tenant.branches.tag({ id: newId(), name: `t ${state}`, from: from(entry.fromSeq), at })).toBeNull()
        const before = { id: newId(), name: `before ${state}`, from: from(kept.fromSeq), at }
        expect(await tenant.branches.fork(before)).toMatchObject({ name: `before ${state}` })
        const head = { id: newId(), name: `head ${state}`, from: { branchId: main.id }, at }
        expect(await tenant.branches.tag(head)).toMatchObject({ name: `head ${state}` })
        await tenant.purges.done(job.id)
      }
    })

    it('leave no trace if their commit is refused', async () => {
      const { tenant, main } = await newTenant(open)
      const entry = await landCreate(tenant, main.id, tableKey('n', 'x'), tableValue({ locations: ['s3://lake/a/'] }))
      const stale = { ...dropOf(entry), expect: newId() }
      expect(await tenant.commit(commitOf(main.id, [stale], { purges: [purgeOf(entry)] }))).toMatchObject({
        outcome: 'conflict',
      })
      expect(await tenant.purges.pending({ limit: 10 })).toEqual([])
    })

    it('keep their folders closed, also to the purged object, until done', async () => {
      const { tenant, main } = await newTenant(open)
      const entry = await landCreate(tenant, main.id, tableKey('n', 'x'), tableValue({ locations: ['s3://lake/a/b/'] }))
      const job = purgeOf(entry)
      await land(tenant, commitOf(main.id, [dropOf(entry)], { purges: [job] }))
      const tries = [
        tableValue({ locations: ['s3://lake/a/b/'] }),
        tableValue({ locations: ['s3://lake/a/'] }),
        tableValue({ locations: ['s3://lake/a/b/c/'] }),
        tableValue({ objectId: entry.objectId, locations: ['s3://lake/a/b/'] }),
      ]
      for (const value of tries)
        expect(await tenant.commit(commitOf(main.id, [create(tableKey('n', 'y'), value)]))).toEqual({
          outcome: 'overlap',
          change: 0,
        })
      await tenant.purges.done(job.id)
      await landCreate(tenant, main.id, tableKey('n', 'y'), tableValue({ locations: ['s3://lake/a/'] }))
    })

    it('do not stop the table where a branch still has it', async () => {
      const { tenant, main } = await newTenant(open)
      const entry = await landCreate(tenant, main.id, tableKey('n', 'x'), tableValue({ locations: ['s3://lake/a/'] }))
      const dev = await fork(tenant, main.id, 'dev')
      await land(tenant, commitOf(main.id, [dropOf(entry)], { purges: [purgeOf(entry)] }))
      const next = tableValue({ objectId: entry.objectId, locations: entry.locations })
      await land(tenant, commitOf(dev.id, [{ key: tableKey('n', 'x'), expect: entry.rev, next }]))
      const changed = await mustRead(tenant, dev.id, tableKey('n', 'x'))
      await land(tenant, commitOf(dev.id, [create(tableKey('n', 'y'), next), dropOf(changed)]))
      expect(await tenant.commit(commitOf(main.id, [create(tableKey('n', 'x'), next)]))).toMatchObject({
        outcome: 'overlap',
      })
    })
  })

  describe('stillNamed', () => {
    it('counts current rows on open branches, above and below', async () => {
      const { tenant, main } = await newTenant(open)
      const entry = await landCreate(
        tenant,
        main.id,
        tableKey('n', 'x'),
        tableValue({ locations: ['s3://lake/z/', 's3://lake/a/b/'] }),
      )
      for (const location of ['s3://lake/a/b/', 's3://lake/a/', 's3://lake/a/b/c/'])
        expect(await tenant.purges.stillNamed([location])).toBe(true)
      expect(await tenant.purges.stillNamed(['s3://lake/a/b2/', 's3://lake/a/c/'])).toBe(false)
      expect(await tenant.purges.stillNamed(['s3://lake/q/', 's3://lake/a/b/'])).toBe(true)
      expect(await tenant.purges.stillNamed([])).toBe(false)
      await land(tenant, commitOf(main.id, [dropOf(entry)]))
      expect(await tenant.purges.stillNamed(['s3://lake/a/b/'])).toBe(false)
    })

    it('counts what a branch shows of an ancestor, until the branch has dropped it or is closed', async () => {
      const { tenant, main } = await newTenant(open)
      const named = () => tenant.purges.stillNamed(['s3://lake/a/'])
      const entry = await landCreate(tenant, main.id, tableKey('n', 'x'), tableValue({ locations: ['s3://lake/a/'] }))
      const dev = await fork(tenant, main.id, 'dev')
      const fix = await fork(tenant, dev.id, 'fix')
      await land(tenant, commitOf(main.id, [dropOf(entry)]))
      expect(await named()).toBe(true)
      await tenant.branches.close(dev.id)
      expect(await named()).toBe(true)
      await tenant.branches.close(fix.id)
      expect(await named()).toBe(false)
    })

    it('counts what a tag shows, through the lineage of its branch, closed or not', async () => {
      const { tenant, main } = await newTenant(open)
      const named = () => tenant.purges.stillNamed(['s3://lake/a/'])
      const entry = await landCreate(tenant, main.id, tableKey('n', 'x'), tableValue({ locations: ['s3://lake/a/'] }))
      const dev = await fork(tenant, main.id, 'dev')
      await landCreate(tenant, dev.id, tableKey('n', 'y'), tableValue({ locations: ['s3://lake/y/'] }))
      await tenant.branches.tag({ id: newId(), name: 'v1', from: { branchId: dev.id }, at: AT })
      await tenant.branches.close(dev.id)
      await land(tenant, commitOf(main.id, [dropOf(entry)]))
      expect(await named()).toBe(true)
      expect(await tenant.purges.stillNamed(['s3://lake/y/'])).toBe(true)
    })

    it('does not count a tag before the table or after it', async () => {
      const { tenant, main } = await newTenant(open)
      await land(tenant, commitOf(main.id, []))
      await tenant.branches.tag({ id: newId(), name: 'before', from: { branchId: main.id }, at: AT })
      const entry = await landCreate(tenant, main.id, tableKey('n', 'x'), tableValue({ locations: ['s3://lake/a/'] }))
      await land(tenant, commitOf(main.id, [dropOf(entry)]))
      await tenant.branches.tag({ id: newId(), name: 'after', from: { branchId: main.id }, at: AT })
      expect(await tenant.purges.stillNamed(['s3://lake/a/'])).toBe(false)
    })

    it('knows no other tenant', async () => {
      const { tenant, main, store } = await newTenant(open)
      const other = await newTenant(async () => store)
      await landCreate(tenant, main.id, tableKey('n', 'x'), tableValue({ locations: ['s3://lake/a/'] }))
      expect(await other.tenant.purges.stillNamed(['s3://lake/a/'])).toBe(false)
    })
  })
}

function dropOf(entry: Entry): Change {
  const { class: of, namespace, name, rev } = entry
  return { key: { class: of, namespace, name }, expect: rev, next: null }
}

function purgeOf(entry: Entry): PurgeRequest {
  const { objectId, metadataLocation, locations } = entry
  return { id: newId(), objectId, warehouseId: 'w', metadataLocation: metadataLocation ?? '', locations }
}
