import { relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { readJunit } from './junit.ts'
import type { Tally } from './tally.ts'

/** What of vitest's JSON report is used. */
export interface VitestReport {
  readonly testResults: readonly {
    readonly name: string
    readonly message?: string
    readonly status: string
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[]
      readonly title: string
      readonly status: string
      readonly duration?: number | null
      readonly failureMessages?: readonly string[] | null
    }[]
  }[]
}

/** Of vitest's JSON; a file that did not load, or whose hooks failed, is a failure of its own. */
export function tallyOfVitest(text: string): Tally {
  const { testResults } = JSON.parse(text) as VitestReport
  const tests = testResults.flatMap(({ name, message = '', status, assertionResults }) => {
    const file = relative('.', name)
    const ofFile = assertionResults.map(({ ancestorTitles, title, status: outcome, failureMessages }) => ({
      status: outcome,
      text: [[file, ...ancestorTitles, title].join(' > '), ...(failureMessages ?? []).map(ownLines)].join('\n'),
    }))
    const isTold = status !== 'failed' || ofFile.some((test) => test.status === 'failed')
    return isTold ? ofFile : [...ofFile, { status, text: `${file}\n${ownLines(message)}` }]
  })
  return {
    passed: tests.filter(({ status }) => status === 'passed').length,
    failures: tests.filter(({ status }) => status === 'failed').map((test) => stripVTControlCharacters(test.text)),
  }
}

/** A failure without the lines of its trace that are in the runner. */
function ownLines(message: string): string {
  return message
    .split('\n')
    .filter((line) => !/^\s+at .*(?:\/node_modules\/|new Promise)/.test(line))
    .join('\n')
}

/** Of pytest's JUnit report. */
export function tallyOfPytest(xml: string): Tally {
  const cases = readJunit(xml)
  return {
    passed: cases.filter(({ outcome }) => outcome === 'passed').length,
    failures: cases
      .filter(({ outcome }) => outcome === 'failed')
      .map(({ className, name, message }) => `${className} > ${name}\n${message}`),
  }
}
