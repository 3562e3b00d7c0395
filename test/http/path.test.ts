// Contract: objects are named by the path as it was sent, split first and decoded once.
// Source: REST specification, "namespace" path parameter; what each client sends (reference, encoding traps); security case 39.
import { describe, expect, it } from 'vitest'
import { decodeNamespace, decodeParent, decodeSegment, pathParameters, rawPath, rawQuery } from '#http/path'

describe('rawPath', () => {
  it.each([
    ['http://h/v1/a/%2e%2e/b?x=1', '/v1/a/%2e%2e/b'],
    ['http://h/a%2Fb//c#f', '/a%2Fb//c'],
    ['http://h', '/'],
    ['http://h/?', '/'],
  ])('%s → %s', (url, path) => {
    expect(rawPath(url)).toBe(path)
  })
})

it('reads the query as a form', () => {
  expect(rawQuery('http://h/a?x=a+b%2B&y=%1F').get('x')).toBe('a b+')
  expect(rawQuery('http://h/a').get('x')).toBeNull()
})

it('finds parameters where the template has them', () => {
  const found = pathParameters(
    '/v1/{prefix}/namespaces/{namespace}/tables/{table}',
    '/v1/demo/namespaces/a%1Fb/tables/%2F',
  )
  expect(Object.fromEntries(found)).toEqual({ prefix: 'demo', namespace: 'a%1Fb', table: '%2F' })
})

describe('decodeSegment', () => {
  it('takes + for a space only from clients that encode forms', () => {
    expect(decodeSegment('a+b%2B%20', true)).toBe('a b+ ')
    expect(decodeSegment('a+b%2B%20', false)).toBe('a+b+ ')
  })

  it.each(['%', '%zz', '%ff', '%c0%af', '%e0%80%af'])('refuses %s, which is no UTF-8', (segment) => {
    expect(() => decodeSegment(segment, false)).toThrow(/percent-encoded UTF-8/)
  })
})

describe('decodeNamespace', () => {
  it('splits before it decodes', () => {
    expect(decodeNamespace('a%1Fb%2Fc%2E', false)).toEqual(['a', 'b/c.'])
    expect(decodeNamespace('a%1fb', false)).toEqual(['a', 'b'])
    expect(decodeNamespace('a\u001fb', false)).toEqual(['a', 'b'])
  })

  it.each(['', 'a%1F', '%1Fa', 'a%1F%1Fb', '%2e%2e', '.', 'a%251F%00', 'a%40b'])('refuses %s', (segment) => {
    expect(() => decodeNamespace(segment, false)).toThrow(/Invalid/)
  })
})

describe('decodeParent', () => {
  it('takes the root, levels, and levels that PyIceberg encoded a second time', () => {
    expect(decodeParent('', false)).toEqual([])
    expect(decodeParent('a\u001fb c', false)).toEqual(['a', 'b c'])
    expect(decodeParent('a%20b\u001fc', true)).toEqual(['a b', 'c'])
    expect(decodeParent('a%20b', false)).toEqual(['a%20b'])
  })
})
