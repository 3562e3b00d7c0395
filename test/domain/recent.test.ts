// Contract: at most so many values are remembered, and what was used longest ago is forgotten first.
// From: the design, "Limits" — every cache has one.
import { expect, test } from 'vitest'
import { recent } from '#domain/recent'

test('what was used longest ago goes first', () => {
  const values = recent<number>(2)
  values.set('a', 1)
  values.set('b', 2)
  expect(values.get('a')).toBe(1)
  values.set('c', 3)
  expect([values.get('a'), values.get('b'), values.get('c')]).toEqual([1, undefined, 3])
})

test('a value set again replaces the one before and takes no further place', () => {
  const values = recent<number>(2)
  values.set('a', 1)
  values.set('b', 2)
  values.set('a', 3)
  expect([values.get('a'), values.get('b')]).toEqual([3, 2])
})
