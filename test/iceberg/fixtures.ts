import { readFileSync } from 'node:fs'
import path from 'node:path'

/** Metadata files written by PyIceberg: `fixtures/generate.py`. */
export const FIXTURES = ['v1-new', 'v1', 'v2-new', 'v2', 'v3'] as const

export type Fixture = (typeof FIXTURES)[number]

/** The text of a fixture. */
export function fixture(name: Fixture): string {
  return readFileSync(path.join(import.meta.dirname, 'fixtures', `${name}.metadata.json`), 'utf8')
}
