import { describe, expect, it } from 'vitest'
import {
  commitOf,
  create,
  dump,
  land,
  member,
  newId,
  newTenant,
  tableKey,
  tableValue,
  type OpenStore,
} from './fixture.ts'

/** "Did it land?" has one answer for ever. */
export function fencingContract(open: OpenStore): void {
  describe('settle', () => {
    it('says where a commit landed, as often as asked', async () => {
      const { tenant, main } = await newTenant(open)
      await land(tenant, commitOf(main.id, []))
      const one = member()
      const commit = commitOf(main.id, [create(tableKey('a', 't'), tableValue())], { members: [one] })
      expect(await land(tenant, commit)).toBe(2)
      for (let i = 0; i < 2; i += 1) expect(await tenant.settle(one.id)).toEqual({ landed: true, seq: 2 })
      expect(await tenant.commit(commit)).toEqual({ outcome: 'decided', id: one.id })
    })

    it('makes an unknown id void: the commit that arrives later changes nothing', async () => {
      const { tenant, main } = await newTenant(open)
      const [one, two] = [member(), member()]
      expect(await tenant.settle(two.id)).toEqual({ landed: false })
      const before = await dump(tenant, main.id, ['a'])
      const late = commitOf(main.id, [create(tableKey('a', 't'), tableValue())], { members: [one, two] })
      for (let i = 0; i < 2; i += 1) expect(await tenant.commit(late)).toEqual({ outcome: 'decided', id: two.id })
      expect(await tenant.settle(two.id)).toEqual({ landed: false })
      expect(await dump(tenant, main.id, ['a'])).toEqual(before)
      await land(tenant, { ...late, members: [one, member()] })
    })

    it('answers every one of many that ask while the commit is on its way alike', async () => {
      const { tenant, main } = await newTenant(open)
      for (let round = 0; round < 10; round += 1) {
        const one = member()
        const commit = commitOf(main.id, [create(tableKey('a', `t${round}`), tableValue())], { members: [one] })
        const asked = round % 2 === 0
        const early = asked ? [tenant.settle(one.id)] : []
        const [outcome, ...answers] = await Promise.all([
          tenant.commit(commit),
          ...early,
          tenant.settle(one.id),
          tenant.settle(one.id),
        ])
        const landed = outcome.outcome === 'committed'
        for (const answer of answers) expect(answer.landed).toBe(landed)
      }
    })

    it('leaves a refused id undecided until it is asked about', async () => {
      const { tenant, main } = await newTenant(open)
      const one = member()
      const changes = [{ key: tableKey('a', 't'), expect: newId(), next: null }]
      const refused = commitOf(main.id, changes, { members: [one] })
      expect(await tenant.commit(refused)).toMatchObject({ outcome: 'conflict' })
      expect(await tenant.commit(refused)).toMatchObject({ outcome: 'conflict' })
      expect(await tenant.settle(one.id)).toEqual({ landed: false })
      expect(await tenant.commit(refused)).toEqual({ outcome: 'decided', id: one.id })
    })
  })
}
