// Contract: snapshots, refs, logs and statistics change together, and stale snapshots are told to try again.
// From: iceberg-rest §2.3 (add-snapshot … remove-partition-statistics; at build).
import { expect, test } from 'vitest'
import { idOf, jsonOf, type Json } from '#iceberg/json'
import { add, applied, commit, NOW_MS, read, setRef } from './commits.ts'

const LONG_MAX = jsonOf(2n ** 63n - 1n)

test('a snapshot moves no ref; main moves the log with the snapshot’s own time', () => {
  const added = applied(read('v2'), add(1, { vendor: [1] }))
  expect(added['current-snapshot-id']).toEqual(read('v2')['current-snapshot-id'])
  expect(added['last-sequence-number']).toBe(11)
  expect(added.snapshots.at(-1)).toMatchObject({ vendor: [1] })
  const moved = applied(read('v2'), add(1), setRef('main', 1))
  expect(moved['current-snapshot-id']).toBe(1)
  expect(moved['snapshot-log'].at(-1)).toEqual({ 'timestamp-ms': NOW_MS - 999, 'snapshot-id': 1 })
})

test('a rollback is logged at the time of the commit', () => {
  const first = read('v2').snapshots[0]?.['snapshot-id'] as Json
  const back = applied(read('v2'), setRef('main', first))
  expect(back['snapshot-log'].at(-1)).toEqual({ 'timestamp-ms': NOW_MS, 'snapshot-id': first })
  expect(back['last-updated-ms']).toBe(NOW_MS)
})

test('snapshots that were current only within a commit leave no trace in the log', () => {
  const next = applied(read('v2'), add(1), setRef('main', 1), add(2), setRef('main', 2))
  expect(next.snapshots).toHaveLength(read('v2').snapshots.length + 2)
  expect(next['snapshot-log'].slice(-1)).toMatchObject([{ 'snapshot-id': 2 }])
  expect(next['snapshot-log']).toHaveLength(read('v2')['snapshot-log'].length + 1)
})

test('retention alone is no move of main', () => {
  const current = read('v2')['current-snapshot-id'] as Json
  const next = applied(read('v2'), setRef('main', current, { 'max-snapshot-age-ms': LONG_MAX }))
  expect(next['snapshot-log']).toEqual(read('v2')['snapshot-log'])
  expect(next.refs['main']).toEqual({ 'snapshot-id': current, type: 'branch', 'max-snapshot-age-ms': LONG_MAX })
  expect(commit(next, [setRef('main', current, { 'max-snapshot-age-ms': LONG_MAX, 'max-ref-age-ms': null })])).toEqual({
    result: 'unchanged',
  })
})

test('removed snapshots take refs, statistics and the log before them along', () => {
  const base = read('v2')
  const [first, second] = base.snapshots.map((item) => item['snapshot-id'] as Json)
  const next = applied(base, { action: 'remove-snapshots', 'snapshot-ids': [second ?? 0, 5] })
  expect(next['snapshot-log']).toEqual(base['snapshot-log'].slice(2))
  expect(Object.keys(next.refs)).toEqual(['main', 'first', 'audit'])
  const fewer = applied(base, { action: 'remove-snapshots', 'snapshot-ids': [first ?? 0] })
  expect(Object.keys(fewer.refs)).toEqual(['main'])
  const current = base['current-snapshot-id'] as Json
  const none = applied(base, { action: 'remove-snapshots', 'snapshot-ids': [current] })
  expect(none['current-snapshot-id']).toBe(-1)
  expect(none.statistics).toEqual([])
  expect(none['snapshot-log']).toEqual([])
})

test('removing main leaves no current snapshot and keeps the log', () => {
  const next = applied(read('v3'), { action: 'remove-snapshot-ref', 'ref-name': 'main' })
  expect(next['current-snapshot-id']).toBeNull()
  expect(next['snapshot-log']).toEqual(read('v3')['snapshot-log'])
})

test('a stale snapshot is to be tried again', () => {
  const parent = { 'parent-snapshot-id': 5 }
  expect(commit(read('v2'), [add(1, { 'sequence-number': 4, ...parent })])).toMatchObject({ result: 'stale' })
  expect(commit(read('v2'), [add(1, { 'sequence-number': 1 })])).toMatchObject({ result: 'changed' })
  const rows = { 'first-row-id': 3, 'added-rows': 1 }
  expect(commit(read('v3'), [add(1, rows)])).toMatchObject({ result: 'stale' })
  const next = applied(read('v3'), add(1, { 'first-row-id': 12, 'added-rows': 7 }))
  expect(next['next-row-id']).toBe(19)
})

test.each<[string, readonly Json[]]>([
  ['a snapshot twice', [add(1), add(1)]],
  ['main to an unknown snapshot', [setRef('main', 5)]],
  ['main as a tag', [add(1), setRef('main', 1, { type: 'tag' })]],
  ['a snapshot from a far future', [add(1, { 'timestamp-ms': NOW_MS + 61_000 }), setRef('main', 1)]],
  ['a snapshot long before the last one', [add(1, { 'timestamp-ms': 5 }), setRef('main', 1)]],
])('%s is invalid', (_what, updates) => {
  expect(commit(read('v2'), updates)).toMatchObject({ result: 'invalid' })
})

test('v1 has no sequence numbers, v3 needs row ids', () => {
  expect(commit(read('v1'), [add(1)])).toMatchObject({ result: 'invalid' })
  const next = applied(read('v1'), add(1, { 'sequence-number': 0 }))
  expect(next.snapshots.at(-1)).not.toHaveProperty('sequence-number')
  expect(commit(read('v3'), [add(1)])).toMatchObject({ result: 'invalid' })
})

test.each<[string, Json]>([
  ['a negative id', add(-1)],
  ['an id of 64 bits', add(1, { 'snapshot-id': jsonOf(2n ** 63n) })],
  ['no manifest list', add(1, { 'manifest-list': null })],
  ['manifests in place', add(1, { manifests: ['s3://lake/m.avro'] })],
  ['an unknown operation', add(1, { summary: { operation: 'guess' } })],
  ['a summary of numbers', add(1, { summary: { operation: 'append', n: 1 } })],
  ['a first row without rows', add(1, { 'first-row-id': 1 })],
  ['a tag with branch retention', setRef('x', 1, { type: 'tag', 'min-snapshots-to-keep': 1 })],
  ['a retention of nothing', setRef('x', 1, { 'max-ref-age-ms': 0 })],
  ['a ref of another kind', setRef('x', 1, { type: 'note' })],
  ['a ref without a name', setRef('', 1)],
])('an update with %s is a bad request', (_what, update) => {
  expect(() => commit(read('v3'), [update])).toThrow(/^(Invalid|Tags do not support)/)
})

test('statistics are one per snapshot', () => {
  const file = {
    'snapshot-id': 77,
    'statistics-path': 's3://lake/s',
    'file-size-in-bytes': 1,
    'file-footer-size-in-bytes': 1,
    'key-metadata': null,
    'blob-metadata': [],
  }
  const set = { action: 'set-statistics', 'snapshot-id': 77, statistics: file }
  const next = applied(read('v2'), set, set, { action: 'set-partition-statistics', 'partition-statistics': file })
  expect(next.statistics).toHaveLength(2)
  expect(next['partition-statistics'].map((item) => idOf(item['snapshot-id']))).toEqual(['77'])
  expect(next.statistics[1]).not.toHaveProperty('key-metadata')
  const gone = applied(
    next,
    { action: 'remove-statistics', 'snapshot-id': 77 },
    { action: 'remove-partition-statistics', 'snapshot-id': 77 },
  )
  expect(gone.statistics).toEqual(read('v2').statistics)
})
