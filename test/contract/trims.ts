import { describe, expect, it } from 'vitest'
import type { TenantStore } from '#store/store'
import type { Branch, Key } from '#versions/model'
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
  readKey,
  tableKey,
  tableValue,
  type OpenStore,
} from './fixture.ts'

const KEY = tableKey('n', 't')

/** Old metadata is given up only where nothing shows it, and nothing comes to show it afterwards. */
export function trimsContract(open: OpenStore): void {
  describe('trims', () => {
    it('give up files of the past, once and for all', async () => {
      const { table, trim, tenant, main } = await tableOf(open)
      expect(await trim(['m0', 'm1'], 5)).toEqual(['m0', 'm1'])
      expect(await trim(['m0', 'm1', 'm0'], 5)).toEqual(['m0', 'm1'])
      expect((await mustRead(tenant, main.id, KEY)).metadataLocation).toBe(at('m4'))
      expect((await mustRead(tenant, main.id, KEY)).objectId).toBe(table)
      expect(await readKey(tenant, main.id, KEY, 1)).toMatchObject({ metadataLocation: at('m0') })
    })

    it('keep what is shown, and what the object never pointed at', async () => {
      const { trim, tenant, main, move } = await tableOf(open)
      const other = tableValue({ metadataLocation: at('other') })
      const entry = await landCreate(tenant, main.id, tableKey('n', 'other'), other)
      await move(main, 'm5')
      await land(tenant, commitOf(main.id, [{ key: entry, expect: entry.rev, next: null }].map(keyed)))
      expect(await trim(['m5', 'other', 'nobody'], 8)).toEqual([])
      expect(await trim(['m4', 'm5'], 7)).toEqual(['m4'])
    })

    it('keep a file that another object came to show', async () => {
      const { trim, tenant, main } = await tableOf(open)
      await landCreate(tenant, main.id, tableKey('n', 'again'), tableValue({ metadataLocation: at('m1') }))
      expect(await trim(['m0', 'm1', 'm2'], 5)).toEqual(['m0', 'm2'])
      const again = await mustRead(tenant, main.id, tableKey('n', 'again'))
      await land(tenant, commitOf(main.id, [keyed({ key: again, expect: again.rev, next: null })]))
      expect(await trim(['m1'], 5)).toEqual(['m1'])
      const back = create(tableKey('n', 'back'), tableValue({ metadataLocation: at('m1') }))
      const refused = await tenant.commit(commitOf(main.id, [back], { checks: [{ untrimmed: at('m1') }] }))
      expect(refused).toEqual({ outcome: 'check-failed', check: 0 })
    })

    it('keep what the object shows under its old name again', async () => {
      const { trim, main, move } = await tableOf(open)
      await move(main, 'm1')
      expect(await trim(['m0', 'm1'], 5)).toEqual(['m0'])
    })

    it.each([
      ['a tag on it', 2],
      ['a tag on what may still log it', 4],
    ])('keep a file while there is %s', async (_, seq) => {
      const { trim, tenant, main } = await tableOf(open)
      await tenant.branches.tag({ id: newId(), name: 'v', from: { branchId: main.id, seq }, at: AT })
      expect(await trim(['m0', 'm1', 'm2', 'm3'], 5)).toEqual(seq === 2 ? ['m2', 'm3'] : [])
    })

    it('keep what a branch rests on, also through another one and once that is closed', async () => {
      const { trim, tenant, main, move } = await tableOf(open)
      const dev = await fork(tenant, main.id, 'dev', 2)
      const fix = await fork(tenant, dev.id, 'fix')
      await move(fix, 'f0')
      await tenant.branches.close(dev.id)
      expect(await trim(['m0', 'm1', 'm2'], 5)).toEqual(['m2'])
      await move(fix, 'f1')
      expect(await trim(['m1', 'f0'], 2, fix)).toEqual(['f0'])
      await tenant.branches.close(fix.id)
      expect(await trim(['m0', 'm1'], 5)).toEqual(['m0', 'm1'])
    })

    it('make past positions of the table unreadable to new branches and tags, and no others', async () => {
      const { trim, tenant, main } = await tableOf(open)
      await land(tenant, commitOf(main.id, []))
      expect(await trim(['m1', 'm2'], 5)).toEqual(['m1', 'm2'])
      const made: boolean[] = []
      for (let seq = 0; seq <= 6; seq += 1) {
        const from = { branchId: main.id, seq }
        const branch = await tenant.branches.fork({ id: newId(), name: `b${seq}`, from, at: AT })
        const tag = await tenant.branches.tag({ id: newId(), name: `t${seq}`, from, at: AT })
        expect(tag === null).toBe(branch === null)
        made.push(branch !== null)
      }
      expect(made).toEqual([true, true, false, false, true, true, true])
    })

    it('refuse a commit that would point at the file again, where it checks that', async () => {
      const { trim, tenant, main, table } = await tableOf(open)
      expect(await trim(['m1'], 5)).toEqual(['m1'])
      const { rev } = await mustRead(tenant, main.id, KEY)
      const next = tableValue({ objectId: table, metadataLocation: at('m1') })
      const checks = [{ untrimmed: at('m0') }, { untrimmed: at('never') }, { untrimmed: at('m1') }]
      expect(await tenant.commit(commitOf(main.id, [{ key: KEY, expect: rev, next }], { checks }))).toEqual({
        outcome: 'check-failed',
        check: 2,
      })
      const kept = { ...next, metadataLocation: at('m0') }
      await land(tenant, commitOf(main.id, [{ key: KEY, expect: rev, next: kept }], { checks: checks.slice(0, 2) }))
    })

    it('of one tenant touch nothing of another', async () => {
      const first = await tableOf(open)
      const second = await tableOf(async () => first.store)
      const input = { objectId: first.table, metadataLocations: [at('m0')] }
      const forgottenAt = { branchId: first.main.id, seq: 5 }
      expect(await second.tenant.history.trim({ ...input, forgottenAt })).toEqual([])
      expect(await first.trim(['m0'], 5)).toEqual(['m0'])
      expect(await second.trim(['m0'], 5)).toEqual(['m0'])
    })

    it('and forks, tags or registrations of the same position never both succeed', async () => {
      for (let round = 0; round < 18; round += 1) {
        const { trim, tenant, main, table } = await tableOf(open)
        const from = { branchId: main.id, seq: 2 }
        const input = { id: newId(), name: 'x', from, at: AT }
        const { rev } = await mustRead(tenant, main.id, KEY)
        const next = tableValue({ objectId: table, metadataLocation: at('m1') })
        const commit = commitOf(main.id, [{ key: KEY, expect: rev, next }], { checks: [{ untrimmed: at('m1') }] })
        const rival = [
          async () => (await tenant.branches.fork(input)) !== null,
          async () => (await tenant.branches.tag(input)) !== null,
          async () => (await tenant.commit(commit)).outcome === 'committed',
        ][round % 3]
        if (!rival) throw new Error('expected a rival')
        const gone = async (): Promise<boolean> => (await trim(['m1'], 5)).length > 0
        const outcomes = await Promise.all(round % 2 === 0 ? [gone(), rival()] : [rival(), gone()])
        expect(outcomes.toSorted()).toEqual([false, true])
      }
    })
  })
}

/** A table whose commits 1 to 5 on `main` pointed at `m0` to `m4`. */
async function tableOf(open: OpenStore) {
  const fixture = await newTenant(open)
  const { tenant, main } = fixture
  const table = newId()
  const move = async (branch: Branch, file: string): Promise<void> => {
    const current = await readKey(tenant, branch.id, KEY)
    const next = tableValue({ objectId: table, metadataLocation: at(file) })
    await land(tenant, commitOf(branch.id, [{ key: KEY, expect: current?.rev ?? null, next }]))
  }
  for (let n = 0; n < 5; n += 1) await move(main, `m${n}`)
  const trim = async (files: readonly string[], seq: number, branch: Branch = main): Promise<string[]> =>
    trimmed(tenant, table, files, { branchId: branch.id, seq })
  return { ...fixture, table, move, trim }
}

async function trimmed(
  tenant: TenantStore,
  objectId: string,
  files: readonly string[],
  forgottenAt: { branchId: string; seq: number },
): Promise<string[]> {
  const free = await tenant.history.trim({ objectId, metadataLocations: files.map(at), forgottenAt })
  return files.filter((file, index) => free.includes(at(file)) && files.indexOf(file) === index)
}

function at(file: string): string {
  return `s3://lake/t/metadata/${file}.metadata.json`
}

function keyed<T extends { key: Key }>(change: T): T {
  const { class: of, namespace, name } = change.key
  return { ...change, key: { class: of, namespace, name } }
}
