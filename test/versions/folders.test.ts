// Contract: folders overlap if one is the other or holds it; an index finds both directions.
// Source: DESIGN §2.1, §2.6; security cases 6, 7, 23.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { changesThatClash, firstOverlap, folderRange, foldersAbove, foldersOverlap } from '#versions/folders'
import type { Change } from '#versions/model'
import { TABLE_VALUE } from './table-value.ts'

const SEED = Number(process.env['FOLDERS_SEED'] ?? Date.now() % 2 ** 31)

describe('folders', () => {
  it('lie in every folder above them, from the bucket down', () => {
    expect(foldersAbove('s3://b/x/y/')).toEqual(['s3://b/', 's3://b/x/', 's3://b/x/y/'])
    expect(foldersAbove('s3://b/')).toEqual(['s3://b/'])
  })

  it('hold what is in the range of an index, and nothing else', () => {
    const { from, to } = folderRange('s3://b/x/')
    const inside = ['s3://b/x/', 's3://b/x/y/', 's3://b/x/\u{10ffff}/']
    const outside = ['s3://b/x', 's3://b/', 's3://b/x./', 's3://b/x0/', 's3://b/x2/', 's3://b/y/']
    for (const location of inside) expect(location >= from && location < to).toBe(true)
    for (const location of outside) expect(location >= from && location < to).toBe(false)
  })

  it(`overlap exactly if the index says so (FOLDERS_SEED=${SEED})`, () => {
    const folder = fc
      .array(fc.constantFrom('a', 'b', 'a0', 'a.', 'a-'), { maxLength: 4 })
      .map((levels) => ['s3://l', ...levels, ''].join('/'))
    const property = fc.property(folder, folder, (a, b) => {
      const { from, to } = folderRange(a)
      expect(foldersAbove(a).includes(b) || (b >= from && b < to)).toBe(foldersOverlap(a, b))
    })
    fc.assert(property, { seed: SEED, numRuns: 2000 })
  })
})

function change(objectId: string, ...locations: string[]): Change {
  return {
    key: { class: 'asset', namespace: 'a', name: objectId },
    expect: null,
    next: { ...TABLE_VALUE, objectId, locations },
  }
}

describe('changesThatClash', () => {
  const drop: Change = { key: { class: 'asset', namespace: 'a', name: 'z' }, expect: 'r', next: null }

  it('names the later of two', () => {
    const changes = [
      change('x', 's3://l/a/b/'),
      drop,
      change('y', 's3://l/c/', 's3://l/a/'),
      change('z', 's3://l/c/d/'),
    ]
    expect([...changesThatClash(changes)]).toEqual([2, 3])
  })

  it('lets an object have folders in its own', () => {
    expect(changesThatClash([change('x', 's3://l/a/'), change('x', 's3://l/a/b/', 's3://l/a/')]).size).toBe(0)
  })

  it('takes a full commit in a moment', () => {
    const changes = Array.from({ length: 500 }, (_, i) => change(`o${i}`, `s3://l/${'deep/'.repeat(60)}${i}/`))
    expect(changesThatClash(changes).size).toBe(0)
  })
})

describe('firstOverlap', () => {
  const nothing = { shown: [], ever: [], purging: [], kept: new Set<string>() }
  const other = [{ location: 's3://l/a/b/', objectId: 'other' }]
  const own = [{ location: 's3://l/a/b/', objectId: 'x' }]
  const changes = [change('w', 's3://l/w/'), change('x', 's3://l/a/')]

  it('names the first change in the way of what readers see, or of a purge', () => {
    expect(firstOverlap(changes, { ...nothing, shown: other })).toBe(1)
    expect(firstOverlap(changes, { ...nothing, purging: other })).toBe(1)
    expect(firstOverlap(changes, { ...nothing, shown: own })).toBe(-1)
  })

  it('heeds what nobody sees any more only where that was asked for', () => {
    const careful = changes.map((one) => ({ ...one, unusedBefore: ['s3://l/a/'] }))
    expect(firstOverlap(changes, { ...nothing, ever: other })).toBe(-1)
    expect(firstOverlap(careful, { ...nothing, ever: other })).toBe(1)
    expect(firstOverlap(careful, { ...nothing, ever: own })).toBe(-1)
  })

  it('lets a purge of the object itself wait exactly where the object is there already', () => {
    expect(firstOverlap(changes, { ...nothing, purging: own })).toBe(1)
    expect(firstOverlap(changes, { ...nothing, purging: own, kept: new Set(['x']) })).toBe(-1)
  })

  it('names a change that clashes with another one of the commit', () => {
    expect(firstOverlap([...changes, change('y', 's3://l/a/y/')], nothing)).toBe(2)
  })
})
