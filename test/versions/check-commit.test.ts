// Contract: what no store could keep never reaches one.
// Source: DESIGN §2.1 ("At most 500 keys or 1.5 MB of changes per commit", "a key appears once").
import { describe, expect, it } from 'vitest'
import { checkCommit, COMMIT_BYTES_MAX, COMMIT_KEYS_MAX } from '#versions/check-commit'
import type { CatalogCommit, Change, Member } from '#versions/model'
import { TABLE_VALUE } from './table-value.ts'

function member(id: string, key: string | null = null): Member {
  const audit = {
    principalId: 'p',
    principalName: 'alice',
    client: null,
    requestId: 'r',
    address: null,
    action: 'update_table',
    target: 'a.t',
    targetId: null,
    message: 'm',
    result: 'success',
  } as const
  const idempotency = key === null ? null : { key, fingerprint: 'f', answer: { kind: 'none' as const } }
  return { id, idempotency, log: { kind: 'update', author: 'alice', message: 'm' }, audit }
}

function change(name: string, over: Partial<NonNullable<Change['next']>> = {}): Change {
  return {
    key: { class: 'asset', namespace: 'a', name },
    expect: null,
    next: { ...TABLE_VALUE, objectId: name, ...over },
  }
}

function commit(over: Partial<CatalogCommit>): CatalogCommit {
  return { branchId: 'b', at: 'now', members: [member('1')], changes: [], checks: [], purges: [], ...over }
}

describe('checkCommit', () => {
  it('takes a commit at the limits', () => {
    const changes = Array.from({ length: COMMIT_KEYS_MAX }, (_, i) => change(`t${i}`))
    checkCommit(commit({ changes, members: [member('1', 'k1'), member('2', 'k2'), member('3'), member('4')] }))
    const empty = JSON.stringify(commit({ changes: [change('t', { properties: { x: '' } })] })).length
    checkCommit(commit({ changes: [change('t', { properties: { x: 'x'.repeat(COMMIT_BYTES_MAX - empty) } })] }))
  })

  const cases: readonly [string, Partial<CatalogCommit>, string, RegExp][] = [
    ['too many keys', { changes: Array.from({ length: 501 }, (_, i) => change(`t${i}`)) }, 'too-large', /500 keys/],
    [
      'too many bytes',
      { changes: [change('t', { properties: { x: 'é'.repeat(750_000) } })] },
      'too-large',
      /1500000 bytes/,
    ],
    ['a key twice', { changes: [change('t'), change('u'), change('t')] }, 'bad-request', /a\.t twice/],
    ['nobody', { members: [] }, 'internal', /at least one member/],
    ['an id twice', { members: [member('1'), member('1')] }, 'internal', /distinct ids/],
    ['an idempotency key twice', { members: [member('1', 'k'), member('2', 'k')] }, 'internal', /idempotency keys/],
    ['a location without its end', { changes: [change('t', { locations: ['s3://l/a'] })] }, 'internal', /canonical/],
    ['a namespace as an asset', { changes: [change('t', { kind: 'namespace' })] }, 'internal', /can't stand/],
  ]
  it.each(cases)('refuses %s', (_, over, kind, message) => {
    expect(() => checkCommit(commit(over))).toThrow(
      expect.objectContaining({ kind, message: expect.stringMatching(message) as string }) as Error,
    )
  })

  it('tells a key of one class from one of the other, and namespaces from names', () => {
    const namespace: Change = { key: { class: 'namespace', namespace: 'a', name: 't' }, expect: null, next: null }
    const deeper: Change = { key: { class: 'asset', namespace: 'a\u001ft', name: 't' }, expect: null, next: null }
    checkCommit(commit({ changes: [change('t'), namespace, deeper] }))
  })
})
