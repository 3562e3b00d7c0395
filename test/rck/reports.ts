import { readJunit, type JunitCase } from '../../scripts/test/junit.ts'
import type { Explained } from './expected.ts'
import type { SuiteName } from './suites.ts'

/** One test as JUnit reports it. `name` is `Class.method`, the same for all parameters of a method. */
export interface TestResult {
  readonly name: string
  readonly outcome: JunitCase['outcome']
  /** The first line of the failure; empty otherwise. */
  readonly message: string
}

/** How a suite went. `surprises` are sentences; the suite is green when there are none. */
export interface Verdict {
  readonly found: number
  readonly passed: number
  readonly explained: number
  readonly surprises: readonly string[]
}

/** Reads a report in JUnit's XML. */
export function readReport(xml: string): TestResult[] {
  return readJunit(xml).map(({ className, name, outcome, message }) => ({
    name: `${className.replace(/^.*\./, '')}.${name.replace(/\(.*$/s, '')}`,
    outcome,
    message: message.trim().split('\n', 1)[0] ?? '',
  }))
}

/** Holds what happened against what is explained: both a failure and an explanation too many are surprises. */
export function judge(suite: SuiteName, results: readonly TestResult[], expected: readonly Explained[]): Verdict {
  const outcomes = new Map(
    expected
      .filter(({ suites }) => suites.includes(suite))
      .flatMap(({ tests, outcome }) => tests.map((test) => [test, outcome] as const)),
  )
  const isExplained = ({ name, outcome }: TestResult): boolean => outcomes.get(name) === outcome
  const names = new Set(results.map(({ name }) => name))
  return {
    found: results.length,
    passed: results.filter(({ outcome }) => outcome === 'passed').length,
    explained: results.filter(isExplained).length,
    surprises: [
      ...(results.length === 0 ? ['no test was found'] : []),
      ...results
        .filter((result) => !isExplained(result) && (result.outcome !== 'passed' || outcomes.has(result.name)))
        .map(({ name, outcome, message }) => {
          const wanted = outcomes.get(name) ?? 'passed'
          return `${name}: expected ${wanted}, but it ${outcome === 'skipped' ? 'was skipped' : outcome}. ${message}`.trim()
        }),
      ...[...outcomes.keys()]
        .filter((name) => !names.has(name))
        .map((name) => `${name}: explained, but there is no such test`),
    ],
  }
}
