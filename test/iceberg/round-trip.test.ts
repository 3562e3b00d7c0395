// Contract: what an engine wrote is read, and written back byte for byte where nothing changed.
// From: fixtures that PyIceberg 0.12.0 wrote (fixtures/generate.py); Iceberg format specification, appendix C.
import { expect, test } from 'vitest'
import { readTableMetadata, writeTableMetadata } from '#iceberg/metadata'
import { fixture, FIXTURES } from './fixtures.ts'

test.each(FIXTURES)('%s is written back as it was read', (name) => {
  const text = fixture(name)
  expect(writeTableMetadata(readTableMetadata(text))).toBe(text)
})
