// Contract: what each update and the requirement of views do: reuse, "last added", history limits, the dialect rules.
// From: iceberg-rest §2.5; Iceberg view specification, "Versions", "Version log".
import { describe, expect, it } from 'vitest'
import { parseViewCommit } from '#iceberg/view-commit'
import type { ViewMetadata } from '#iceberg/view-metadata'
import { applied, commit, newView, NOW_MS, replacement, viewSchema, viewVersion, VIEW_UUID } from './view-live.ts'

const setCurrent = (id: number) => ({ action: 'set-current-view-version', 'view-version-id': id })
const setProperties = (updates: Record<string, string>) => ({ action: 'set-properties', updates })
const add = (sql: string, dialects: string[], more = {}) => ({
  action: 'add-view-version',
  'view-version': viewVersion(sql, dialects, { 'schema-id': 0, ...more }),
})

function refused(base: ViewMetadata, updates: Parameters<typeof commit>[1], message: RegExp): void {
  expect(commit(base, updates)).toEqual({ result: 'invalid', message: expect.stringMatching(message) })
}

const idsOf = (view: ViewMetadata) => view.versions.map((version) => version['version-id'])
const logOf = (view: ViewMetadata) => view['version-log'].map((entry) => entry['version-id'])

describe('a replacement', () => {
  it('adds a version under the next id, with its schema, and logs the time that the client gave it', () => {
    const view = applied(
      newView(),
      { action: 'add-schema', schema: viewSchema('id', 'more') },
      { action: 'add-view-version', 'view-version': viewVersion('select 2', ['spark']) },
      setCurrent(-1),
    )
    expect(view.schemas.map((schema) => schema['schema-id'])).toEqual([0, 1])
    expect(view['current-version-id']).toBe(2)
    expect(view.versions[1]).toEqual(viewVersion('select 2', ['spark'], { 'version-id': 2, 'schema-id': 1 }))
    expect(view['version-log'].at(-1)).toEqual({ 'version-id': 2, 'timestamp-ms': NOW_MS - 500 })
  })

  it('applies to a base that the client has not seen', () => {
    const first = applied(newView(), ...replacement('select 2', ['spark']))
    const second = applied(first, ...replacement('select 3', ['spark']))
    expect([idsOf(second), logOf(second), second.schemas.length]).toEqual([[1, 2, 3], [1, 2, 3], 1])
  })

  it('that is the same as one before it uses that again, and logs the time of now', () => {
    const second = applied(newView(), ...replacement('select 2', ['spark']))
    const back = applied(second, ...replacement('select 1', ['spark']))
    expect([back['current-version-id'], idsOf(back)]).toEqual([1, [1, 2]])
    expect(back['version-log'].at(-1)).toEqual({ 'version-id': 1, 'timestamp-ms': NOW_MS })
  })

  it('that is the same as the current one changes nothing', () => {
    expect(commit(newView(), replacement('select 1', ['spark']))).toEqual({ result: 'unchanged' })
  })

  it.each<[string, object]>([
    ['another summary', { summary: {} }],
    ['another default namespace', { 'default-namespace': [] }],
    ['another default catalog', { 'default-catalog': 'c' }],
  ])('with %s is another version', (_, more) => {
    expect(idsOf(applied(newView(), ...replacement('select 1', ['spark'], { ...more })))).toEqual([1, 2])
  })

  it("takes a client's id where it is higher, and none beyond 32 bits", () => {
    const view = applied(newView(), add('select 2', ['spark'], { 'version-id': 7 }), setCurrent(7))
    expect([view['current-version-id'], idsOf(view)]).toEqual([7, [1, 7]])
    const last = applied(newView(), add('select 2', ['spark'], { 'version-id': 2 ** 31 - 1 }))
    refused(last, [add('select 3', ['spark'])], /no ids left/)
  })

  it('does not change its base', () => {
    const base = newView()
    const before = JSON.stringify(base)
    applied(base, ...replacement('select 2', ['spark']), setProperties({ a: 'b' }))
    expect(JSON.stringify(base)).toBe(before)
  })

  it('names what is not there', () => {
    refused(newView(), [setCurrent(9)], /9/)
    refused(newView(), [setCurrent(-1)], /no view version has been added/)
    refused(newView(), [add('x', ['spark'], { 'schema-id': 9 })], /unknown schema: 9/)
    refused(newView(), [add('x', ['spark'], { 'schema-id': -1 })], /no schema has been added/)
  })
})

describe('dialects', () => {
  it('may be added, in any case of letters', () => {
    expect(applied(newView(), ...replacement('select 2', ['SPARK', 'trino']))['current-version-id']).toBe(2)
  })

  it('are not lost', () => {
    refused(
      newView(),
      replacement('select 2', ['trino']),
      /^Cannot replace view due to loss of view dialects \(replace\.drop-dialect\.allowed=false\):\nPrevious dialects: \[spark\]\nNew dialects: \[trino\]$/,
    )
    const two = applied(newView(), ...replacement('select 2', ['spark', 'trino']))
    refused(two, [setCurrent(1)], /loss of view dialects/)
  })

  it('may be lost where the properties say so, those of the same commit included', () => {
    const allowed = { 'replace.drop-dialect.allowed': 'true' }
    expect(applied(newView(allowed), ...replacement('x', ['trino']))['current-version-id']).toBe(2)
    const view = applied(newView(), setProperties(allowed), ...replacement('x', ['trino']))
    expect(view['current-version-id']).toBe(2)
  })
})

describe('history', () => {
  it('keeps the newest ten versions, and a log without gaps', () => {
    let view = newView()
    for (let i = 2; i <= 14; i += 1) view = applied(view, ...replacement(`select ${i}`, ['spark']))
    expect(idsOf(view)).toEqual([5, 6, 7, 8, 9, 10, 11, 12, 13, 14])
    expect(logOf(view)).toEqual([5, 6, 7, 8, 9, 10, 11, 12, 13, 14])
  })

  it('keeps as many as the view wants, the current one among them however old', () => {
    let view = newView({ 'version.history.num-entries': '3' })
    for (const sql of ['select 2', 'select 3', 'select 4']) view = applied(view, add(sql, ['spark']))
    expect([idsOf(view), logOf(view)]).toEqual([[1, 3, 4], [1]])
    view = applied(view, setCurrent(4), setProperties({ 'version.history.num-entries': '1' }))
    expect([idsOf(view), logOf(view)]).toEqual([[4], [4]])
  })

  it('keeps what is added now, however few the view wants', () => {
    const view = newView({ 'version.history.num-entries': '1' })
    expect(idsOf(applied(view, add('select 2', ['spark']), add('select 3', ['spark'])))).toEqual([1, 2, 3])
  })

  it('clears the log before a version that is gone', () => {
    let view = newView({ 'version.history.num-entries': '2' })
    view = applied(view, ...replacement('select 2', ['spark']))
    view = applied(view, setCurrent(1))
    view = applied(view, ...replacement('select 3', ['spark']))
    expect([idsOf(view), logOf(view)]).toEqual([[2, 3], [3]])
  })

  it.each(['0', '-1', 'many', '1.5', ''])('refuses to keep %j', (size) => {
    refused(newView(), [setProperties({ 'version.history.num-entries': size })], /version\.history\.num-entries/)
    expect(() => newView({ 'version.history.num-entries': size })).toThrow(/version\.history\.num-entries/)
  })
})

describe('the other updates', () => {
  it('set and remove properties; without any there is no field for them', () => {
    const view = applied(newView(), setProperties({ a: '1', b: '2' }))
    expect(view.properties).toEqual({ a: '1', b: '2' })
    const none = applied(view, { action: 'remove-properties', removals: ['a', 'b', 'c'] })
    expect(none).not.toHaveProperty('properties')
    expect(commit(none, [{ action: 'remove-properties', removals: ['a'] }])).toEqual({ result: 'unchanged' })
    expect(commit(view, [setProperties({ a: '1' })])).toEqual({ result: 'unchanged' })
  })

  it('move the location', () => {
    expect(applied(newView(), { action: 'set-location', location: 's3://lake/x/' }).location).toBe('s3://lake/x')
    expect(commit(newView(), [{ action: 'set-location', location: 's3://lake/wh/v' }]).result).toBe('unchanged')
  })

  it('know one format version and one uuid', () => {
    const upgrade = (version: number) => [{ action: 'upgrade-format-version', 'format-version': version }]
    expect(commit(newView(), upgrade(1)).result).toBe('unchanged')
    refused(newView(), upgrade(2), /unsupported format version: v2/)
    refused(newView(), upgrade(0), /downgrade/)
    expect(commit(newView(), [{ action: 'assign-uuid', uuid: VIEW_UUID.toUpperCase() }]).result).toBe('unchanged')
    refused(newView(), [{ action: 'assign-uuid', uuid: VIEW_UUID.replace('6', '7') }], /^Cannot reassign uuid/)
  })
})

describe('requests', () => {
  it('may require the uuid of the view, in any case of letters, and nothing else', () => {
    const assert = (uuid: string) => [{ type: 'assert-view-uuid', uuid }]
    const update = [setProperties({ a: 'b' })]
    expect(commit(newView(), update, assert(VIEW_UUID.toUpperCase())).result).toBe('changed')
    const other = VIEW_UUID.replace('6', '7')
    expect(commit(newView(), update, assert(other))).toEqual({
      result: 'requirement-failed',
      message: `Requirement failed: view UUID does not match: expected ${VIEW_UUID} != ${other}`,
    })
    for (const requirement of [{ type: 'assert-table-uuid', uuid: VIEW_UUID }, { type: 'assert-create' }])
      expect(() => parseViewCommit({ requirements: [requirement], updates: [] })).toThrow(/not a requirement of views/)
  })

  it('know the updates of views only', () => {
    for (const action of ['set-current-schema', 'add-snapshot', 'remove-schemas', 'explode'])
      expect(() => parseViewCommit({ updates: [{ action, 'schema-id': 0 }] })).toThrow(/is not an update of views/)
    expect(parseViewCommit({ updates: [{ action: 'Set-Properties', updates: {} }], whatever: 1 }).updates).toHaveLength(
      1,
    )
  })
})
