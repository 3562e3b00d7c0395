import { describe, expect, it } from 'vitest'
import type { FinalAnswer } from '#versions/model'
import {
  answered,
  AT,
  commitOf,
  create,
  firstRecords,
  land,
  landCreate,
  member,
  newId,
  newTenant,
  readKey,
  tableKey,
  tableValue,
  type OpenStore,
} from './fixture.ts'

const REFUSED: FinalAnswer = { kind: 'error', error: 'commit-failed', message: 'it\'s "refused" – 🦎' }
const ANSWERS: readonly FinalAnswer[] = [
  { kind: 'none' },
  { kind: 'json', text: '{"removed":["9007199254740993"],"float":1.0}' },
  { kind: 'table', objectId: 'o', metadataLocation: 's3://lake/m.json', metadataSha256: null },
  { kind: 'view', objectId: 'o', metadataLocation: 's3://lake/v.json', metadataSha256: 'abc' },
  REFUSED,
]

/** `hours` after `AT`. */
function later(hours: number): string {
  return new Date(Date.parse(AT) + hours * 3_600_000).toISOString()
}

/** A key stands for one answer, whoever gives it first. */
export function idempotencyContract(open: OpenStore): void {
  describe('an idempotency key', () => {
    it('lands once, and stands for the answer that its commit said', async () => {
      const { tenant, main } = await newTenant(open)
      for (const answer of ANSWERS) {
        const keyed = answered(newId(), { answer })
        const once = () => tenant.commit(commitOf(main.id, [], { members: [member(), member({ idempotency: keyed })] }))
        expect(await once()).toMatchObject({ outcome: 'committed' })
        expect(await once()).toEqual({ outcome: 'replayed', idempotencyKey: keyed.key })
        expect(await tenant.read({ idempotencyKey: keyed.key })).toEqual({
          entries: [],
          idempotency: { ...keyed, at: AT },
        })
      }
    })

    it('of one member of many stops them all, and is named', async () => {
      const { tenant, main } = await newTenant(open)
      const taken = answered()
      await land(tenant, commitOf(main.id, [], { members: [member({ idempotency: taken })] }))
      const members = [undefined, answered(), taken].map((each) => member({ idempotency: each ?? null }))
      const key = tableKey('a', 't')
      expect(await tenant.commit(commitOf(main.id, [create(key, tableValue())], { members }))).toEqual({
        outcome: 'replayed',
        idempotencyKey: taken.key,
      })
      expect(await readKey(tenant, main.id, key)).toBeNull()
      expect((await tenant.read({ idempotencyKey: members[1]?.idempotency?.key ?? '' })).idempotency).toBeNull()
    })

    it('stays free for a retry if its commit did not land', async () => {
      const { tenant, main } = await newTenant(open)
      const idempotency = answered()
      const changes = [{ key: tableKey('a', 't'), expect: newId(), next: null }]
      const lost = commitOf(main.id, changes, { members: [member({ idempotency })] })
      expect(await tenant.commit(lost)).toEqual({ outcome: 'conflict', change: 0 })
      expect((await tenant.read({ idempotencyKey: idempotency.key })).idempotency).toBeNull()
      await land(tenant, commitOf(main.id, [], { members: [member({ idempotency })] }))
    })

    it('is read in the same state as the rows', async () => {
      const { tenant, main, catalog } = await newTenant(open)
      const key = tableKey('a', 't')
      for (let round = 0; round < 10; round += 1) {
        const { rev } = await landCreate(tenant, main.id, key, tableValue())
        const idempotency = answered()
        const drop = commitOf(main.id, [{ key, expect: rev, next: null }], { members: [member({ idempotency })] })
        const look = () =>
          tenant.read({
            caller: { userId: 'u', tokenId: 't' },
            at: { catalog: catalog.name, ref: 'main' },
            keys: [key],
            idempotencyKey: idempotency.key,
          })
        const [, ...reads] = await Promise.all([tenant.commit(drop), look(), look(), look()])
        for (const read of [...reads, await look()]) expect(read.idempotency === null).toBe(read.entries[0] !== null)
      }
    })

    it('lands for exactly one of many that race for it', async () => {
      const { tenant, main } = await newTenant(open)
      const idempotency = answered()
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, (_, i) =>
          tenant.commit(
            commitOf(main.id, [create(tableKey('a', `t${i}`), tableValue())], { members: [member({ idempotency })] }),
          ),
        ),
      )
      expect(outcomes.filter(({ outcome }) => outcome === 'committed')).toHaveLength(1)
      expect(outcomes.filter(({ outcome }) => outcome === 'replayed')).toHaveLength(7)
    })

    it('that was finished first is closed to the commit that arrives later', async () => {
      const { tenant, main } = await newTenant(open)
      const refused = answered(newId(), { answer: REFUSED })
      expect(await tenant.idempotency.finish({ ...refused, at: AT })).toBeNull()
      const late = commitOf(main.id, [create(tableKey('a', 't'), tableValue())], {
        members: [member({ idempotency: answered(refused.key) })],
      })
      for (let i = 0; i < 2; i += 1)
        expect(await tenant.commit(late)).toEqual({ outcome: 'replayed', idempotencyKey: refused.key })
      expect(await readKey(tenant, main.id, tableKey('a', 't'))).toBeNull()
      expect((await tenant.read({ idempotencyKey: refused.key })).idempotency).toEqual({ ...refused, at: AT })
    })

    it('that landed first is returned to whoever wants to finish it', async () => {
      const { tenant, main } = await newTenant(open)
      const landed = answered(newId(), { answer: { kind: 'json', text: '{}' } })
      await land(tenant, commitOf(main.id, [], { members: [member({ idempotency: landed })] }))
      const other = { key: landed.key, fingerprint: 'another', answer: REFUSED, at: later(0.5) }
      for (let i = 0; i < 2; i += 1) expect(await tenant.idempotency.finish(other)).toEqual({ ...landed, at: AT })
    })

    it('ends as one answer when it is finished while its commit is on its way', async () => {
      const { tenant, main } = await newTenant(open)
      for (let round = 0; round < 10; round += 1) {
        const idempotency = answered()
        const commit = commitOf(main.id, [], { members: [member({ idempotency })] })
        const refused = { ...idempotency, answer: REFUSED, at: AT }
        const early = round % 2 === 0 ? tenant.idempotency.finish(refused) : null
        const [outcome, stands] = await Promise.all([
          tenant.commit(commit),
          early ?? tenant.idempotency.finish(refused),
        ])
        const isLanded = outcome.outcome === 'committed'
        expect(stands === null).toBe(!isLanded)
        const { idempotency: found } = await tenant.read({ idempotencyKey: idempotency.key })
        expect(found?.answer.kind).toBe(isLanded ? 'none' : 'error')
      }
    })

    it('belongs to one tenant', async () => {
      const store = await open()
      const tenants = [firstRecords(newId()), firstRecords(newId())]
      for (const first of tenants) await store.bootstrap(first)
      const [mine, other] = tenants.map(({ tenant }) => store.tenant(tenant.id))
      const refused = answered('same', { answer: REFUSED })
      expect(await mine?.idempotency.finish({ ...refused, at: AT })).toBeNull()
      expect((await other?.read({ idempotencyKey: 'same' }))?.idempotency).toBeNull()
      expect(await other?.idempotency.finish({ ...answered('same'), at: later(9) })).toBeNull()
      expect((await mine?.read({ idempotencyKey: 'same' }))?.idempotency).toEqual({ ...refused, at: AT })
    })
  })

  describe('what idempotency keys stand for', () => {
    it('is swept away once it is old, a little with every new one, oldest first', async () => {
      const { tenant, main } = await newTenant(open)
      const old = Array.from({ length: 10 }, (_, i) => `old-${i}`)
      for (const [i, key] of old.entries()) await tenant.idempotency.finish({ ...answered(key), at: later(i * 0.001) })
      const young = { ...answered('young'), at: later(5) }
      await tenant.idempotency.finish(young)
      const left = async () => {
        const found = await Promise.all(old.map((idempotencyKey) => tenant.read({ idempotencyKey })))
        return old.filter((_, i) => found[i]?.idempotency)
      }
      expect(await left()).toEqual(old.slice(4))
      await land(tenant, commitOf(main.id, [], { at: later(5), members: [member()] }))
      expect(await left()).toEqual(old.slice(4))
      const members = [member({ idempotency: answered() }), member()]
      await land(tenant, commitOf(main.id, [], { at: later(5), members }))
      expect(await left()).toEqual(old.slice(8))
      await tenant.idempotency.finish({ ...answered(), at: later(5.9) })
      expect(await left()).toEqual([])
      expect((await tenant.read({ idempotencyKey: 'young' })).idempotency).toEqual(young)
    })

    it('stays for an hour at least', async () => {
      const { tenant } = await newTenant(open)
      const one = { ...answered(), at: AT }
      await tenant.idempotency.finish(one)
      await tenant.idempotency.finish({ ...answered(), at: later(1) })
      expect((await tenant.read({ idempotencyKey: one.key })).idempotency).toEqual(one)
      await tenant.idempotency.finish({ ...answered(), at: later(1.01) })
      expect((await tenant.read({ idempotencyKey: one.key })).idempotency).toBeNull()
    })
  })
}
