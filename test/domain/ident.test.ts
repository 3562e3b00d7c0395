// Contract: names that can be addressed, stored and shown safely are names; nothing else is.
// Source: Iceberg REST specification, namespaces and identifiers; our rule for '@' (branches).
import { describe, expect, it } from 'vitest'
import { checkName, checkNamespace } from '#domain/ident'

describe('checkName', () => {
  it.each(['a', 'a/b', '100%', 'a+b', 'a.b', ' ', `it's "q"`, '🦎', 'x'.repeat(255), '🦎'.repeat(255)])(
    'accepts %j',
    (name) => {
      expect(checkName(name, 'table name')).toBe(name)
    },
  )

  it.each(['', '.', '..', 'a\u0000', 'a\u001fb', '\u007f', '\u{E0041}', 'a@b', 'x'.repeat(256), '\ud800', 5, null])(
    'refuses %j',
    (name) => {
      expect(() => checkName(name, 'table name')).toThrow(/Invalid table name/)
    },
  )
})

describe('checkNamespace', () => {
  it('needs at least one level and checks each', () => {
    expect(checkNamespace(['a', 'b'])).toEqual(['a', 'b'])
    expect(() => checkNamespace([])).toThrow(/at least one level/)
    expect(() => checkNamespace('a')).toThrow(/list of strings/)
    expect(() => checkNamespace(['a', ''])).toThrow(/Invalid namespace level/)
  })
})
