import { describe, expect, it } from 'vitest'
import type { CommitOutcome } from '#store/store'
import {
  commitOf,
  create,
  land,
  landCreate,
  mustRead,
  namespaceKey,
  namespaceValue,
  newTenant,
  readKey,
  tableKey,
  tableValue,
  type OpenStore,
} from './fixture.ts'

/** Writers that meet: one wins, the others are told so, and nothing is lost in between. */
export function racesContract(open: OpenStore): void {
  describe('races', () => {
    it('lets exactly one of 50 creates of one key win', async () => {
      const { tenant, main } = await newTenant(open)
      const values = Array.from({ length: 50 }, () => tableValue())
      const outcomes = await Promise.all(
        values.map((value) => tenant.commit(commitOf(main.id, [create(tableKey('a', 't'), value)]))),
      )
      expect(count(outcomes)).toEqual({ committed: 1, conflict: 49 })
      const winner = values[outcomes.findIndex(({ outcome }) => outcome === 'committed')]
      expect(await mustRead(tenant, main.id, tableKey('a', 't'))).toMatchObject(winner ?? {})
    })

    it('lets 100 writers of one key through one after the other, losing none', async () => {
      const { tenant, main } = await newTenant(open)
      const key = tableKey('a', 't')
      await landCreate(tenant, main.id, key, tableValue({ properties: { count: '0' } }))
      const writers = 100
      let rounds = 0
      const pending = new Set(Array.from({ length: writers }, (_, i) => i))
      while (pending.size > 0 && rounds < 2 * writers) {
        rounds += 1
        const base = await mustRead(tenant, main.id, key)
        const properties = { count: String(Number(base.properties['count']) + 1) }
        const racing = [...pending].slice(0, rounds === 1 ? writers : 10)
        const outcomes = await Promise.all(
          racing.map((i) => {
            const next = tableValue({ objectId: base.objectId, properties: { ...properties, [`writer ${i}`]: '1' } })
            return tenant.commit(commitOf(main.id, [{ key, expect: base.rev, next }]))
          }),
        )
        const winners = racing.filter((_, i) => outcomes[i]?.outcome === 'committed')
        expect(winners).toHaveLength(1)
        for (const winner of winners) pending.delete(winner)
      }
      expect((await mustRead(tenant, main.id, key)).properties['count']).toBe(String(writers))
      expect(rounds).toBe(writers)
    })

    it('gives commits to different keys positions without a gap', async () => {
      const { tenant, main } = await newTenant(open)
      const outcomes = await Promise.all(
        Array.from({ length: 60 }, (_, i) =>
          tenant.commit(commitOf(main.id, [create(tableKey('a', `t${i}`), tableValue())])),
        ),
      )
      const seqs = outcomes.flatMap((outcome) => (outcome.outcome === 'committed' ? [outcome.seq] : []))
      expect(seqs.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1))
    })

    it('never drops a namespace under a table that is created in it', async () => {
      const { tenant, main } = await newTenant(open)
      for (let round = 0; round < 12; round += 1) {
        const name = `n${round}`
        const entry = await landCreate(tenant, main.id, namespaceKey('', name), namespaceValue())
        const createInside = () =>
          tenant.commit(
            commitOf(
              main.id,
              [
                create(
                  round % 3 === 0 ? namespaceKey(name, 'c') : tableKey(name, 't'),
                  round % 3 === 0 ? namespaceValue() : tableValue(),
                ),
              ],
              {
                checks: [{ exists: namespaceKey('', name) }],
              },
            ),
          )
        const drop = () =>
          tenant.commit(
            commitOf(main.id, [{ key: namespaceKey('', name), expect: entry.rev, next: null }], {
              checks: [{ empty: name }],
            }),
          )
        const outcomes = await Promise.all(round % 2 === 0 ? [createInside(), drop()] : [drop(), createInside()])
        expect(count(outcomes)).toEqual({ committed: 1, 'check-failed': 1 })
        const there = (await readKey(tenant, main.id, namespaceKey('', name))) !== null
        const inside = await readKey(tenant, main.id, round % 3 === 0 ? namespaceKey(name, 'c') : tableKey(name, 't'))
        expect(inside !== null).toBe(there)
      }
    })

    it('lets two renames to one name be won by one', async () => {
      const { tenant, main } = await newTenant(open)
      const x = await landCreate(tenant, main.id, tableKey('a', 'x'), tableValue())
      const y = await landCreate(tenant, main.id, tableKey('a', 'y'), tableValue())
      const outcomes = await Promise.all(
        [x, y].map((entry) =>
          tenant.commit(
            commitOf(main.id, [
              create(tableKey('a', 'z'), tableValue({ objectId: entry.objectId })),
              { key: tableKey('a', entry.name), expect: entry.rev, next: null },
            ]),
          ),
        ),
      )
      expect(count(outcomes)).toEqual({ committed: 1, conflict: 1 })
    })

    it('shows a reader all of a commit or nothing of it', async () => {
      const { tenant, main } = await newTenant(open)
      const keys = Array.from({ length: 5 }, (_, i) => tableKey('a', `t${i}`))
      await land(
        tenant,
        commitOf(
          main.id,
          keys.map((key) => create(key, tableValue())),
        ),
      )
      const write = async () => {
        for (let i = 0; i < 10; i += 1) {
          const { entries } = await tenant.read({ at: { branchId: main.id }, keys })
          const changes = keys.map((key, k) => ({ key, expect: entries[k]?.rev ?? null, next: tableValue() }))
          await land(tenant, commitOf(main.id, changes))
        }
      }
      const check = async () => {
        for (let i = 0; i < 20; i += 1) {
          const page = { class: 'asset', namespace: 'a', kind: 'table', limit: 10 } as const
          const seen = await tenant.read({ at: { branchId: main.id }, keys, page })
          const revs = [...seen.entries, ...(seen.page?.entries ?? [])].map((entry) => entry?.rev)
          expect(new Set(revs).size).toBe(1)
          expect(seen.place?.branch.headSeq).toBe(seen.entries[0]?.fromSeq)
        }
      }
      await Promise.all([write(), check(), check()])
    })
  })
}

function count(outcomes: readonly CommitOutcome[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { outcome } of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1
  return counts
}
