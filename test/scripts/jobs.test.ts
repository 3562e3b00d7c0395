// Contract: npm test tries what is above the stores on each store, once in full, and says which run is which.
// Source: README, "Working on it"; DESIGN 4.
import { expect, it } from 'vitest'
import { STORES } from '../../scripts/start/options.ts'
import { jobsOf, parseTestOptions, PARTS, type TestOptions } from '../../scripts/test/options.ts'

function parsed(...args: string[]): TestOptions {
  const options = parseTestOptions(args)
  if (options instanceof Error) throw options
  return options
}

it.each(['interop', 'rck'] as const)('runs %s on every store by itself', (part) => {
  const jobs = jobsOf(parsed()).filter((job) => job.part === part)
  expect(jobs.map(({ store }) => store)).toEqual(STORES)
  expect(jobs.map(({ isRepeated }) => isRepeated)).toEqual([false, true, true])
})

it('runs every part, in order', () => {
  expect([...new Set(jobsOf(parsed()).map(({ part }) => part))]).toEqual(PARTS)
})

it('runs one part on one store, in full', () => {
  expect(jobsOf(parsed('--only', 'interop', '--store', 'mongo'))).toEqual([
    { part: 'interop', store: 'mongo', isRepeated: false },
  ])
  expect(jobsOf(parsed('--only', 'node', '--store', 'mongo'))).toEqual([
    { part: 'node', store: undefined, isRepeated: false },
  ])
})

it.each([['--only', 'all'], ['--store', 'oracle'], ['--only'], ['interop']])(
  'refuses %j %j in one sentence',
  (...args) => {
    expect(() => parsed(...args)).toThrow(/^npm test takes nothing but [^.\n]*\.$/)
  },
)
