// Contract: the first branch of a lineage with a row valid at its bound decides what a key is.
// Source: DESIGN §2.1.
import { describe, expect, it } from 'vitest'
import {
  boundsBefore,
  forkAncestors,
  forkOf,
  LINEAGE_DEPTH_MAX,
  lineageOf,
  livingBounds,
  resolveEntry,
  resolveRow,
  rowToHide,
  tagOf,
  validAt,
  type Row,
} from '#versions/lineage'
import { OPEN_SEQ, type Branch } from '#versions/model'
import { TABLE_VALUE } from './table-value.ts'

function row(branchId: string, fromSeq: number, toSeq: number = OPEN_SEQ, tombstone = false): Row {
  const key = { class: 'asset', namespace: 'a', name: 't' } as const
  return { entry: { ...TABLE_VALUE, ...key, branchId, rev: `${branchId}${fromSeq}`, fromSeq, toSeq }, tombstone }
}

function rowsOf(...rows: Row[]): (branchId: string) => readonly Row[] {
  return (branchId) => rows.filter(({ entry }) => entry.branchId === branchId)
}

describe('a row', () => {
  it('is valid from its first position up to, not including, its last', () => {
    const closed = row('main', 3, 5)
    expect([2, 3, 4, 5, OPEN_SEQ].map((seq) => validAt(closed, seq))).toEqual([false, true, true, false, false])
    const open = row('main', 3)
    expect([2, 3, OPEN_SEQ - 1, OPEN_SEQ].map((seq) => validAt(open, seq))).toEqual([false, true, true, true])
  })
})

describe('a key', () => {
  const dev = { id: 'dev', ancestors: [{ branchId: 'main', seq: 4 }] }

  it('is what the nearest branch has', () => {
    const rows = rowsOf(row('main', 1), row('dev', 2))
    expect(resolveEntry(rows, lineageOf(dev))?.rev).toBe('dev2')
    expect(resolveEntry(rows, lineageOf(dev, 1))?.rev).toBe('main1')
  })

  it('is what the ancestor had at the fork, whatever came later', () => {
    const rows = rowsOf(row('main', 1, 5), row('main', 5))
    expect(resolveEntry(rows, lineageOf(dev))).toMatchObject({ rev: 'main1' })
    expect(resolveEntry(rowsOf(row('main', 5)), lineageOf(dev))).toBeNull()
  })

  it('is absent behind a tombstone, and shows again through a closed row', () => {
    const tombstone = row('dev', 2, OPEN_SEQ, true)
    const rows = rowsOf(row('main', 1), tombstone)
    expect(resolveEntry(rows, lineageOf(dev))).toBeNull()
    expect(resolveRow(rows, lineageOf(dev))).toBe(tombstone)
    expect(resolveEntry(rowsOf(row('main', 1), row('dev', 2, 3, true)), lineageOf(dev))).toMatchObject({ rev: 'main1' })
  })

  it('needs a tombstone exactly if an ancestor shows it', () => {
    expect(rowToHide(rowsOf(row('dev', 1)), dev.ancestors)).toBeNull()
    expect(rowToHide(rowsOf(row('main', 1)), dev.ancestors)).not.toBeNull()
    expect(rowToHide(rowsOf(row('main', 1, 4)), dev.ancestors)).toBeNull()
    expect(rowToHide(rowsOf(row('main', 5)), dev.ancestors)).toBeNull()
    expect(rowToHide(rowsOf(row('main', 1, OPEN_SEQ, true)), dev.ancestors)).toBeNull()
  })
})

describe('a fork', () => {
  it('rests on its source up to the position, then on what that rests on', () => {
    const dev = { id: 'dev', ancestors: forkAncestors({ id: 'main', ancestors: [] }, 4) }
    expect(forkAncestors(dev, 2)).toEqual([
      { branchId: 'dev', seq: 2 },
      { branchId: 'main', seq: 4 },
    ])
  })

  it('rests on a bounded number of others', () => {
    const ancestors = Array.from({ length: LINEAGE_DEPTH_MAX }, (_, i) => ({ branchId: `b${i}`, seq: 1 }))
    expect(forkAncestors({ id: 'tip', ancestors: ancestors.slice(1) }, 1)).toHaveLength(LINEAGE_DEPTH_MAX)
    expect(() => forkAncestors({ id: 'tip', ancestors }, 1)).toThrow(/at most 32/)
  })
})

describe('positions', () => {
  const main: Branch = { id: 'main', catalogId: 'c', name: 'main', state: 'open', headSeq: 7, ancestors: [] }
  const dev: Branch = { ...forkOf(main, 4, { id: 'dev', name: 'dev' }), headSeq: 2 }

  it('that readers can name are heads, tags, and what they rest on, each once', () => {
    const tags = [tagOf(main, 4, { id: 't', name: 't' }), tagOf(dev, 1, { id: 'u', name: 'u' })]
    const closed: Branch = { ...dev, state: 'closed' }
    const fork = { branchId: 'main', seq: 4 }
    const heads = [{ branchId: 'main', seq: OPEN_SEQ }, { branchId: 'dev', seq: OPEN_SEQ }, fork]
    expect(livingBounds([main, dev], [])).toEqual(heads)
    expect(livingBounds([main, closed], tags)).toEqual([heads[0], fork, { branchId: 'dev', seq: 1 }])
  })

  it('of a log go on before an entry, from its branch downwards', () => {
    const fork = { branchId: 'main', seq: 4 }
    expect(boundsBefore(dev, undefined)).toEqual([{ branchId: 'dev', seq: 2 }, fork])
    expect(boundsBefore(dev, { branchId: 'dev', seq: 2 })).toEqual([{ branchId: 'dev', seq: 1 }, fork])
    expect(boundsBefore(dev, { branchId: 'main', seq: 3 })).toEqual([{ branchId: 'main', seq: 2 }])
    expect(boundsBefore(dev, { branchId: 'main', seq: 9 })).toEqual([fork])
    expect(boundsBefore(dev, { branchId: 'none', seq: 1 })).toEqual([])
  })
})
