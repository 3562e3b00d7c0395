// Contract: JSON goes through without losing a digit or a field; hostile JSON is a bad request, quickly.
// From: iceberg-rest §2.6; security case 38.
import { expect, test } from 'vitest'
import {
  idOf,
  integerOf,
  jsonOf,
  parseForeign,
  parseJson,
  parseRequest,
  sameJson,
  writeJson,
  type Json,
} from '#iceberg/json'

const DEPTH_MAX = 200

test.each([
  '{"id":9223372036854775807,"min":-9223372036854775808}',
  '[1.0,-0.0,-0,1e5,1E+400,0.1,12345678901234567890123,9007199254740993]',
  '{"b":1,"a":{"unknown":[null,true,"\u2028 é 🧊"]}}',
  '{"__proto__":{"x":1},"constructor":2}',
])('%s is written as it was read', (text) => {
  expect(writeJson(parseJson(text))).toBe(text)
})

test('keys like __proto__ of a file are data, also in a copy', () => {
  const parsed = parseJson('{"__proto__":{"polluted":true}}') as { readonly [key: string]: Json }
  expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype)
  expect(writeJson({ ...parsed })).toBe('{"__proto__":{"polluted":true}}')
})

test('integers are integer tokens', () => {
  const values = parseJson('[1,9223372036854775807,1.0,1e3,"1",-0,null]') as readonly Json[]
  expect(values.map(integerOf)).toEqual([1n, 9223372036854775807n, undefined, undefined, undefined, 0n, undefined])
  expect(idOf(values[1])).toBe('9223372036854775807')
  expect(writeJson([jsonOf(5n), jsonOf(2n ** 63n - 1n)])).toBe('[5,9223372036854775807]')
})

test('equality ignores the order of keys and nothing else', () => {
  const same = (a: string, b: string) => sameJson(parseJson(a), parseJson(b))
  expect(same('{"a":1,"b":[9007199254740993]}', '{"b":[9007199254740993],"a":1}')).toBe(true)
  expect(same('[9007199254740993]', '[9007199254740992]')).toBe(false)
  expect(same('1', '1.0')).toBe(false)
  expect(same('{"a":1}', '{"a":1,"b":null}')).toBe(false)
  expect(same('[]', '{}')).toBe(false)
})

test.each([
  ['a duplicate key', '{"a":1,"a":2}', 'occurs twice'],
  ['a duplicate key in another spelling', '{"a":1,"\\u0061":2}', 'occurs twice'],
  ['a duplicate key below', '[{"x":{"a":1 , "b":2,"a" : 2}}]', 'occurs twice'],
  ['__proto__', '{"__proto__":1}', '__proto__'],
  ['an escaped __proto__', '{"\\u005f_proto__":1}', '__proto__'],
  ['201 levels', `${'['.repeat(201)}${']'.repeat(201)}`, 'nested too deeply'],
  ['malformed text', '{"a":}', 'Malformed JSON'],
  ['two documents', '{} {}', 'Malformed JSON'],
  ['an open string', '{"a', 'Malformed JSON'],
  ['a bad escape in a key', '{"\\x":1}', 'Malformed JSON'],
])('a request with %s is a bad request', (_what, text, message) => {
  expect(() => parseRequest(text, DEPTH_MAX)).toThrow(message)
})

test.each(['{"a":{"a":1},"b":[{"a":1},{"a":1}]}', '["a","a",{"k":"a"}]', '{"a":"__proto__","b":"{\\"a\\":\\\\"}'])(
  '%s is an ordinary request',
  (text) => {
    expect(writeJson(parseRequest(text, DEPTH_MAX))).toBe(text)
  },
)

test('values are counted before anything is made of them', () => {
  const most = `[${'[],'.repeat(49)}1]`
  expect(writeJson(parseRequest(most, DEPTH_MAX, 99))).toBe(most)
  expect(writeJson(parseRequest('["[,{,[,",{"a,[":1}]', DEPTH_MAX, 3))).toBe('["[,{,[,",{"a,[":1}]')
  for (const text of [`[${'[],'.repeat(50)}1]`, `[${'1,'.repeat(99)}1]`, '[,'.repeat(60)])
    expect(() => parseRequest(text, DEPTH_MAX, 99)).toThrow('at most 99 values')
  const millions = `[${'{},'.repeat(2_000_000)}{}]`
  for (const parse of [parseJson, parseForeign]) expect(() => parse(millions)).toThrow(/at most \d+ values/)
})

test.each([2_000, 2_000_000])('%i levels are refused at once', (levels) => {
  for (const open of ['[', '{"a":'])
    expect(() => parseRequest(open.repeat(levels), DEPTH_MAX)).toThrow('nested too deeply')
  expect(() => parseJson('['.repeat(levels))).toThrow('nested too deeply')
})
