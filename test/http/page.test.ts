// Contract: no token, everything; a token continues the listing it came from and no other.
// Source: REST specification, PageToken; security cases on altered tokens.
import { describe, expect, it } from 'vitest'
import { pageRequest, pageToken } from '#http/page'

const list = ['/v1/{prefix}/namespaces', 'demo', '']

describe('pageRequest', () => {
  it('wants everything without a token, whatever the size', () => {
    expect(pageRequest(new URLSearchParams('pageSize=5'), list)).toEqual({ limit: null })
  })

  it('pages from an empty token, and continues from a real one', () => {
    expect(pageRequest(new URLSearchParams('pageToken=&pageSize=5'), list)).toEqual({ limit: 5 })
    expect(pageRequest(new URLSearchParams('pageToken='), list)).toEqual({ limit: 100 })
    expect(pageRequest(new URLSearchParams('pageToken=&pageSize=99999'), list)).toEqual({ limit: 1000 })
    const token = pageToken('🦎/ %', list, 'c')
    expect(pageRequest(new URLSearchParams({ pageToken: token }), list)).toEqual({ limit: 100, after: '🦎/ %' })
    expect(pageRequest(new URLSearchParams({ pageToken: token }), list, 'c').after).toBe('🦎/ %')
    expect(() => pageRequest(new URLSearchParams({ pageToken: token }), list, 'd')).toThrow(/Invalid pageToken/)
  })

  it('refuses tokens of other listings, altered ones and nonsense', () => {
    const foreign = [
      pageToken('a', ['/other', 'demo', ''], 'c'),
      pageToken('a', list, 'c').slice(1),
      'x',
      'bnVsbA',
      '%%%',
    ]
    for (const token of foreign)
      expect(() => pageRequest(new URLSearchParams({ pageToken: token }), list)).toThrow(/Invalid pageToken/)
  })

  it.each(['0', '-1', '1.5', 'x', '1e3'])('refuses the size %s', (size) => {
    expect(() => pageRequest(new URLSearchParams({ pageToken: '', pageSize: size }), list)).toThrow(/Invalid pageSize/)
  })
})
