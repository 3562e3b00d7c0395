// Contract: a metadata file is given up exactly if the object named it and no position can still lead to it.
// Source: `HistoryStore.trim` in src/store/store.ts.
import { describe, expect, it } from 'vitest'
import { OPEN_SEQ, type Bound } from '#versions/model'
import { freeFiles, type NamingRow } from '#versions/trim'

const FORGOTTEN = { objectId: 'o', forgottenAt: { branchId: 'main', seq: 5 } }
const HEAD: Bound = { branchId: 'main', seq: OPEN_SEQ }

function named(metadataLocation: string, fromSeq: number, toSeq: number, row: Partial<NamingRow> = {}): NamingRow {
  return { metadataLocation, branchId: 'main', objectId: 'o', fromSeq, toSeq, ...row }
}

describe('freeFiles', () => {
  it('gives up what only closed rows of the object name, in order', () => {
    expect(freeFiles([named('b', 2, 3), named('a', 1, 2)], [HEAD], FORGOTTEN)).toEqual(['a', 'b'])
  })

  it('keeps what the object never pointed at', () => {
    expect(freeFiles([named('a', 1, 2, { objectId: 'other' })], [HEAD], FORGOTTEN)).toEqual([])
  })

  it.each([
    ['is shown at a position', [named('a', 1, 4)], [HEAD, { branchId: 'main', seq: 3 }]],
    ['is current', [named('a', 1, OPEN_SEQ)], [HEAD]],
    [
      'may be in the log of a position before it was forgotten',
      [named('a', 1, 2)],
      [HEAD, { branchId: 'main', seq: 4 }],
    ],
    ['is shown as another object', [named('a', 1, 2), named('a', 3, OPEN_SEQ, { objectId: 'other' })], [HEAD]],
    ['is on a branch that never forgot it', [named('a', 1, 2, { branchId: 'dev' })], [{ branchId: 'dev', seq: 9 }]],
  ])('keeps what %s', (_, rows, bounds) => {
    expect(freeFiles(rows, bounds, FORGOTTEN)).toEqual([])
  })

  it('heeds only positions from the row on, on its branch', () => {
    const bounds = [HEAD, { branchId: 'dev', seq: 3 }, { branchId: 'main', seq: 1 }]
    expect(freeFiles([named('a', 2, 4)], bounds, FORGOTTEN)).toEqual(['a'])
  })
})
