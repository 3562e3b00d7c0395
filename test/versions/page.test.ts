// Contract: pages of a lineage merge into pages of what its readers see; names are ordered by code point.
// Source: DESIGN §2.1 ("List is a keyset merge over the lineage, by name").
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Row } from '#versions/lineage'
import { OPEN_SEQ } from '#versions/model'
import { compareNames, cutPage, mergePages } from '#versions/page'
import { TABLE_VALUE } from './table-value.ts'

function row(branchId: string, name: string, tombstone = false): Row {
  return {
    entry: {
      ...TABLE_VALUE,
      class: 'asset',
      namespace: 'a',
      name,
      branchId,
      rev: branchId,
      fromSeq: 1,
      toSeq: OPEN_SEQ,
    },
    tombstone,
  }
}

const all = () => true

describe('mergePages', () => {
  it('lets the nearest branch decide', () => {
    const near = { rows: [row('dev', 'b'), row('dev', 'c', true)], more: false }
    const far = { rows: [row('main', 'a'), row('main', 'b'), row('main', 'c'), row('main', 'd')], more: false }
    const { entries, next } = mergePages([near, far], all, 10)
    expect(entries.map(({ name, branchId }) => [name, branchId])).toEqual([
      ['a', 'main'],
      ['b', 'dev'],
      ['d', 'main'],
    ])
    expect(next).toBeUndefined()
  })

  it('stops where an incomplete page ends', () => {
    const near = { rows: [row('dev', 'b')], more: true }
    const far = { rows: [row('main', 'a'), row('main', 'c')], more: false }
    const { entries, next } = mergePages([near, far], all, 10)
    expect(entries.map(({ name }) => name)).toEqual(['a', 'b'])
    expect(next).toBe('b')
  })

  it('goes on from an empty page', () => {
    const hidden = { rows: [row('dev', 'a', true)], more: true }
    expect(mergePages([hidden, { rows: [row('main', 'a')], more: false }], all, 10)).toEqual({ entries: [], next: 'a' })
  })

  it('keeps what is accepted', () => {
    const page = { rows: [row('dev', 'a'), row('dev', 'b')], more: false }
    expect(mergePages([page], ({ name }) => name === 'b', 1).entries.map(({ name }) => name)).toEqual(['b'])
  })
})

describe('cutPage', () => {
  it('says where to go on', () => {
    const entries = ['a', 'b', 'c'].map((name) => row('main', name).entry)
    expect(cutPage(entries, 2, null)).toEqual({ entries: entries.slice(0, 2), next: 'b' })
    expect(cutPage(entries, 3, null)).toEqual({ entries })
    expect(cutPage(entries, 3, 'z')).toEqual({ entries, next: 'z' })
  })
})

describe('compareNames', () => {
  const seed = Number(process.env['PAGE_SEED'] ?? Date.now() % 2 ** 31)

  it(`orders as the bytes of UTF-8 do (PAGE_SEED=${seed})`, () => {
    const text = fc.string({ unit: 'binary' })
    const property = fc.property(text, text, (a, b) => {
      expect(Math.sign(compareNames(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
    })
    fc.assert(property, { seed, numRuns: 2000 })
  })

  it('puts what JavaScript would put last where its code point belongs', () => {
    expect(['🦎', '\uff5e', '\ue000', 'z'].toSorted(compareNames)).toEqual(['z', '\ue000', '\uff5e', '🦎'])
  })
})
