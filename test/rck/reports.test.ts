// Contract: a run of the kit is green only if every test passed but those that are explained, and these as explained.
// Source: JUnit's XML reports, as ConsoleLauncher writes them.
import { expect, it } from 'vitest'
import { EXPECTED, type Explained } from './expected.ts'
import { judge, readReport } from './reports.ts'
import { SUITES } from './suites.ts'

const XML = `<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="JUnit Jupiter" tests="4" skipped="1" failures="1" errors="1">
<testcase name="good(int)[1]" classname="a.b.Tests" time="0.1">
<system-out><![CDATA[<failure message="not one"/></testcase>]]></system-out>
</testcase>
<testcase name="left()" classname="a.b.Tests" time="0.1">
<skipped><![CDATA[assumption]]></skipped>
</testcase>
<testcase name="wrong()" classname="a.b.Tests" time="0.1">
<failure message="expected &lt;1&gt;&#10;but was 2" type="java.lang.AssertionError"><![CDATA[trace]]></failure>
</testcase>
<testcase name="broken(Path)" classname="a.b.Tests" time="0.1">
<error type="java.io.IOException"><![CDATA[trace]]></error>
</testcase>
</testsuite>`

const explained: readonly Explained[] = [
  { suites: ['kit-1.11.0'], outcome: 'skipped', tests: ['Tests.left'], reason: 'x' },
  { suites: ['kit-1.11.0'], outcome: 'failed', tests: ['Tests.wrong', 'Tests.broken'], reason: 'y' },
]

it('reads what happened to each test', () => {
  expect(readReport(XML)).toEqual([
    { name: 'Tests.good', outcome: 'passed', message: '' },
    { name: 'Tests.left', outcome: 'skipped', message: '' },
    { name: 'Tests.wrong', outcome: 'failed', message: 'expected <1>' },
    { name: 'Tests.broken', outcome: 'failed', message: '' },
  ])
})

it('is green when all that did not pass is explained', () => {
  expect(judge('kit-1.11.0', readReport(XML), explained)).toEqual({ found: 4, passed: 1, explained: 3, surprises: [] })
})

it('is red for a failure without an explanation, and for an explanation of another suite', () => {
  const { surprises } = judge('kit-1.9.2', readReport(XML), explained)
  expect(surprises).toEqual([
    'Tests.left: expected passed, but it was skipped.',
    'Tests.wrong: expected passed, but it failed. expected <1>',
    'Tests.broken: expected passed, but it failed.',
  ])
})

it('is red for an explanation of what passed or was not there, and for a run without tests', () => {
  const wrong: readonly Explained[] = [
    { suites: ['kit-1.9.2'], outcome: 'failed', tests: ['Tests.good', 'Tests.gone'], reason: 'z' },
  ]
  const passed = readReport(XML).filter(({ outcome }) => outcome === 'passed')
  expect(judge('kit-1.9.2', passed, wrong).surprises).toEqual([
    'Tests.good: expected failed, but it passed.',
    'Tests.gone: explained, but there is no such test',
  ])
  expect(judge('kit-1.9.2', [], []).surprises).toEqual(['no test was found'])
})

it('explains each test of a suite once', () => {
  for (const { name } of SUITES) {
    const tests = EXPECTED.filter(({ suites }) => suites.includes(name)).flatMap((each) => each.tests)
    expect(tests).toEqual([...new Set(tests)])
  }
})
