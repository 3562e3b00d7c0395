import { describe, expect, it } from 'vitest'
import type { TenantStore } from '#store/store'
import { OPEN_SEQ, type Entry, type Key } from '#versions/model'
import {
  AT,
  commitOf,
  create,
  fork,
  land,
  landCreate,
  listNames,
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

const TABLES = { class: 'asset', namespace: 'a', kind: 'table' } as const

/** Branches read through to what they rest on, at the position they were made from. */
export function lineageContract(open: OpenStore): void {
  describe('branches', () => {
    it('share names with tags, within their catalog', async () => {
      const { tenant, main, catalog } = await newTenant(open)
      const from = { branchId: main.id }
      const dev = await tenant.branches.fork({ id: newId(), name: 'dev', from, at: AT })
      const v1 = await tenant.branches.tag({ id: newId(), name: 'v1', from, at: AT })
      expect(dev).toMatchObject({ catalogId: catalog.id, state: 'open', headSeq: 0 })
      expect(dev?.ancestors).toEqual([{ branchId: main.id, seq: 0 }])
      expect(v1?.at).toEqual({ branchId: main.id, seq: 0 })
      for (const name of ['main', 'dev', 'v1']) {
        expect(await tenant.branches.fork({ id: newId(), name, from, at: AT })).toBeNull()
        expect(await tenant.branches.tag({ id: newId(), name, from, at: AT })).toBeNull()
      }
      expect(await tenant.branches.get(catalog.id, 'dev')).toEqual(dev)
      expect(await tenant.branches.get(catalog.id, 'v1')).toEqual(v1)
      expect(await tenant.branches.get(catalog.id, 'other')).toBeNull()
      expect(await tenant.branches.get('other', 'dev')).toBeNull()
    })

    it('start only from positions that are there', async () => {
      const { tenant, main } = await newTenant(open)
      await land(tenant, commitOf(main.id, []))
      const at = { at: AT, id: newId() }
      for (const from of [{ branchId: 'other' }, { branchId: main.id, seq: 2 }]) {
        expect(await tenant.branches.fork({ ...at, name: 'x', from })).toBeNull()
        expect(await tenant.branches.tag({ ...at, name: 'x', from })).toBeNull()
      }
      expect(await tenant.branches.fork({ ...at, name: 'x', from: { branchId: main.id, seq: 0 } })).not.toBeNull()
    })

    it('read and write three deep without changing what they rest on', async () => {
      const { tenant, main } = await newTenant(open)
      for (const name of ['kept', 'changed', 'dropped'])
        await landCreate(tenant, main.id, tableKey('a', name), tableValue({ properties: { on: 'main' } }))
      const dev = await fork(tenant, main.id, 'dev')
      await landCreate(tenant, main.id, tableKey('a', 'later'), tableValue())
      await change(tenant, dev.id, tableKey('a', 'changed'), 'dev')
      await landCreate(tenant, dev.id, tableKey('a', 'new'), tableValue({ properties: { on: 'dev' } }))
      const fix = await fork(tenant, dev.id, 'fix')
      await drop(tenant, fix.id, tableKey('a', 'dropped'))
      await drop(tenant, fix.id, tableKey('a', 'new'))
      await change(tenant, fix.id, tableKey('a', 'changed'), 'fix')
      const deep = await fork(tenant, fix.id, 'deep')
      expect(deep.ancestors).toEqual([
        { branchId: fix.id, seq: 3 },
        { branchId: dev.id, seq: 2 },
        { branchId: main.id, seq: 3 },
      ])
      expect(await seenOn(tenant, main.id)).toEqual({
        kept: 'main',
        changed: 'main',
        dropped: 'main',
        later: undefined,
      })
      expect(await seenOn(tenant, dev.id)).toEqual({ kept: 'main', changed: 'dev', dropped: 'main', new: 'dev' })
      expect(await seenOn(tenant, fix.id)).toEqual({ kept: 'main', changed: 'fix' })
      expect(await seenOn(tenant, deep.id)).toEqual({ kept: 'main', changed: 'fix' })
      const entry = await mustRead(tenant, deep.id, tableKey('a', 'kept'))
      expect(entry).toMatchObject({ branchId: main.id, toSeq: OPEN_SEQ })
      await change(tenant, deep.id, tableKey('a', 'kept'), 'deep')
      expect(await seenOn(tenant, deep.id)).toEqual({ kept: 'deep', changed: 'fix' })
      expect(await seenOn(tenant, main.id)).toMatchObject({ kept: 'main' })
    })

    it('hide a dropped key of an ancestor, and show it again when it is created anew', async () => {
      const { tenant, main } = await newTenant(open)
      const key = tableKey('a', 't')
      const first = await landCreate(tenant, main.id, key, tableValue())
      const dev = await fork(tenant, main.id, 'dev')
      const absent = create(key, tableValue())
      expect(await tenant.commit(commitOf(dev.id, [absent]))).toEqual({ outcome: 'conflict', change: 0 })
      await land(tenant, commitOf(dev.id, [{ key, expect: first.rev, next: null }]))
      expect(await readKey(tenant, dev.id, key)).toBeNull()
      expect(await listNames(tenant, { branchId: dev.id }, TABLES)).toEqual([])
      expect(await tenant.commit(commitOf(dev.id, [], { checks: [{ exists: key }] }))).toMatchObject({
        outcome: 'check-failed',
      })
      await land(tenant, commitOf(dev.id, [], { checks: [{ empty: 'a' }] }))
      await land(tenant, commitOf(dev.id, [absent]))
      expect(await mustRead(tenant, dev.id, key)).toMatchObject(absent.next ?? {})
      await drop(tenant, dev.id, key)
      expect(await readKey(tenant, dev.id, key)).toBeNull()
      expect(await readKey(tenant, dev.id, key, 2)).toBeNull()
      expect(await readKey(tenant, dev.id, key, 3)).toMatchObject(absent.next ?? {})
      expect(await readKey(tenant, dev.id, key, 0)).toMatchObject({ rev: first.rev })
      expect(await mustRead(tenant, main.id, key)).toEqual(first)
    })

    it('count what an ancestor shows as content of a namespace', async () => {
      const { tenant, main } = await newTenant(open)
      await landCreate(tenant, main.id, namespaceKey('', 'a'), namespaceValue())
      for (let i = 0; i < 5; i += 1) await landCreate(tenant, main.id, tableKey('a', `t${i}`), tableValue())
      const dev = await fork(tenant, main.id, 'dev')
      const emptyOn = async (branchId: string) =>
        (await tenant.commit(commitOf(branchId, [], { checks: [{ empty: 'a' }] }))).outcome === 'committed'
      for (let i = 0; i < 5; i += 1) {
        expect(await emptyOn(dev.id)).toBe(false)
        await drop(tenant, dev.id, tableKey('a', `t${i}`))
      }
      expect(await emptyOn(dev.id)).toBe(true)
      expect(await emptyOn(main.id)).toBe(false)
    })

    it('take no commit once closed, but stay readable to what rests on them', async () => {
      const { tenant, main, catalog } = await newTenant(open)
      const dev = await fork(tenant, main.id, 'dev')
      const entry = await landCreate(tenant, dev.id, tableKey('a', 't'), tableValue())
      const fix = await fork(tenant, dev.id, 'fix')
      const tag = await tenant.branches.tag({ id: newId(), name: 'v1', from: { branchId: dev.id }, at: AT })
      expect(await tenant.branches.close(dev.id)).toBe(true)
      expect(await tenant.branches.close(dev.id)).toBe(false)
      expect(await tenant.branches.close('other')).toBe(false)
      expect(await tenant.branches.close(tag?.id ?? '')).toBe(false)
      expect(await tenant.commit(commitOf(dev.id, []))).toEqual({ outcome: 'branch-closed' })
      expect(await tenant.branches.fork({ id: newId(), name: 'x', from: { branchId: dev.id }, at: AT })).toBeNull()
      expect(await tenant.branches.tag({ id: newId(), name: 'x', from: { branchId: dev.id }, at: AT })).toBeNull()
      expect(await readKey(tenant, fix.id, tableKey('a', 't'))).toEqual(entry)
      const { place, entries } = await tenant.read({ at: { catalog: 'demo', ref: 'v1' }, keys: [tableKey('a', 't')] })
      expect(place).toMatchObject({ branch: { id: dev.id, state: 'closed' }, seq: 1 })
      expect(entries).toEqual([entry])
      expect((await tenant.read({ at: { catalog: 'demo', ref: 'dev' } })).place).toBeNull()
      expect(await tenant.branches.get(catalog.id, 'dev')).toBeNull()
      expect(await fork(tenant, main.id, 'dev')).toMatchObject({ name: 'dev' })
    })

    it('rest on no more than 32 others', async () => {
      const { tenant, main } = await newTenant(open)
      let tip = main.id
      for (let i = 0; i < 32; i += 1) tip = (await fork(tenant, tip, `b${i}`)).id
      await expect(fork(tenant, tip, 'one more')).rejects.toMatchObject({ kind: 'unprocessable' })
      await landCreate(tenant, tip, tableKey('a', 't'), tableValue())
    })
  })

  describe('tags', () => {
    it('show their position, whatever comes after', async () => {
      const { tenant, main } = await newTenant(open)
      const key = tableKey('a', 't')
      await landCreate(tenant, main.id, tableKey('a', 'other'), tableValue())
      const first = await landCreate(tenant, main.id, key, tableValue())
      const tag = await tenant.branches.tag({ id: newId(), name: 'v1', from: { branchId: main.id }, at: AT })
      expect(tag?.at).toEqual({ branchId: main.id, seq: 2 })
      await tenant.branches.tag({ id: newId(), name: 'v0', from: { branchId: main.id, seq: 1 }, at: AT })
      await change(tenant, main.id, key, 'later')
      await drop(tenant, main.id, key)
      await landCreate(tenant, main.id, tableKey('a', 'new'), tableValue())
      const at = (ref: string) =>
        tenant.read({ at: { catalog: 'demo', ref }, keys: [key], page: { ...TABLES, limit: 10 } })
      const v1 = await at('v1')
      expect(v1.place).toMatchObject({ seq: 2, branch: { id: main.id, name: 'main' } })
      expect(v1.entries).toEqual([{ ...first, toSeq: 3 }])
      expect(v1.page?.entries.map(({ name }) => name)).toEqual(['other', 't'])
      expect((await at('v0')).entries).toEqual([null])
      expect((await at('main')).page?.entries.map(({ name }) => name)).toEqual(['new', 'other'])
    })
  })

  describe('the past', () => {
    it('reads the same at every position, by key and by list', async () => {
      const { tenant, main } = await newTenant(open)
      const names = ['a', 'b', 'c']
      const past: Record<string, string>[] = [{}]
      const state = new Map<string, string>()
      for (let seq = 1; seq <= 24; seq += 1) {
        const name = names[(seq * 7) % 3] ?? 'a'
        const rev = state.get(name) ?? null
        const next = rev !== null && seq % 4 === 0 ? null : tableValue()
        const commit = commitOf(main.id, [{ key: tableKey('a', name), expect: rev, next }])
        expect(await land(tenant, commit)).toBe(seq)
        if (next) state.set(name, commit.members[0]?.id ?? '')
        else state.delete(name)
        past.push(Object.fromEntries(state))
      }
      const dev = await fork(tenant, main.id, 'dev', 11)
      for (const [seq, expected] of past.entries()) {
        const { entries, page } = await tenant.read({
          at: { branchId: main.id, seq },
          keys: names.map((name) => tableKey('a', name)),
          page: { ...TABLES, limit: 10 },
        })
        expect(revsOf(entries)).toEqual(expected)
        expect(revsOf(page?.entries ?? [])).toEqual(expected)
      }
      const { page } = await tenant.read({ at: { branchId: dev.id }, page: { ...TABLES, limit: 10 } })
      expect(revsOf(page?.entries ?? [])).toEqual(past[11])
    })

    it('shows the log through the lineage, page by page', async () => {
      const { tenant, main } = await newTenant(open)
      for (let i = 0; i < 3; i += 1) await land(tenant, commitOf(main.id, []))
      const dev = await fork(tenant, main.id, 'dev', 2)
      const empty = await fork(tenant, dev.id, 'empty')
      for (let i = 0; i < 2; i += 1) await land(tenant, commitOf(dev.id, []))
      const fix = await fork(tenant, dev.id, 'fix')
      await land(tenant, commitOf(fix.id, []))
      const expected = [
        [fix.id, 1],
        [dev.id, 2],
        [dev.id, 1],
        [main.id, 2],
        [main.id, 1],
      ]
      for (const limit of [1, 2, 3, 5, 9]) {
        const seen: unknown[] = []
        let before: { branchId: string; seq: number } | undefined
        do {
          const { entries, next } = await tenant.history.log({ branchId: fix.id, limit, ...(before && { before }) })
          expect(entries.length).toBeLessThanOrEqual(limit)
          seen.push(...entries.map(({ branchId, seq }) => [branchId, seq]))
          before = next
        } while (before)
        expect(seen).toEqual(expected)
      }
      const { entries } = await tenant.history.log({ branchId: empty.id, limit: 10 })
      expect(entries.map(({ branchId, seq }) => [branchId, seq])).toEqual(expected.slice(3))
      expect(await tenant.history.log({ branchId: 'other', limit: 10 })).toEqual({ entries: [] })
    })
  })
}

async function change(tenant: TenantStore, branchId: string, key: Key, on: string): Promise<void> {
  const { rev, objectId } = await mustRead(tenant, branchId, key)
  await land(tenant, commitOf(branchId, [{ key, expect: rev, next: tableValue({ objectId, properties: { on } }) }]))
}

async function drop(tenant: TenantStore, branchId: string, key: Key): Promise<void> {
  const { rev } = await mustRead(tenant, branchId, key)
  await land(tenant, commitOf(branchId, [{ key, expect: rev, next: null }]))
}

async function seenOn(tenant: TenantStore, branchId: string): Promise<Record<string, string | undefined>> {
  const names = await listNames(tenant, { branchId }, TABLES, 2)
  const { entries } = await tenant.read({ at: { branchId }, keys: names.map((name) => tableKey('a', name)) })
  return Object.fromEntries(entries.map((entry) => [entry?.name ?? 'missing', entry?.properties['on']]))
}

function revsOf(entries: readonly (Entry | null)[]): Record<string, string> {
  return Object.fromEntries(entries.flatMap((entry) => (entry ? [[entry.name, entry.rev]] : [])))
}
