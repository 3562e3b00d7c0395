// Contract: npm test says at its end which tests failed and why, whichever runner they had, and never that none did.
// Source: vitest's JSON report; pytest's JUnit report, as pytest 9 writes it.
import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { tallyOfPytest, tallyOfVitest } from '../../scripts/test/reports.ts'
import { tally, told } from '../../scripts/test/tally.ts'

const VITEST = JSON.stringify({
  testResults: [
    {
      name: resolve('test/a.test.ts'),
      status: 'failed',
      assertionResults: [
        { ancestorTitles: [], title: 'holds', status: 'passed' },
        {
          ancestorTitles: ['of b'],
          title: 'breaks',
          status: 'failed',
          failureMessages: ['\u001B[31mno\u001B[0m\n    at x\n    at y (/z/node_modules/vitest/a.js:1:2)'],
        },
        { ancestorTitles: [], title: 'waits', status: 'skipped', failureMessages: [] },
      ],
    },
    { name: resolve('test/c.test.ts'), status: 'failed', message: 'SyntaxError: c', assertionResults: [] },
    {
      name: resolve('test/d.test.ts'),
      status: 'failed',
      message: 'Error: in beforeAll',
      assertionResults: [{ ancestorTitles: [], title: 'is not tried', status: 'skipped' }],
    },
  ],
})

const PYTEST = `<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest" errors="1"
failures="1" skipped="1" tests="4"><testcase classname="test.a" name="test_b[x&gt;&quot;y]" time="0.001"><failure
message="assert 1 &gt; 2&#10;  + where">trace</failure></testcase><testcase classname="test.a" name="test_c" time="0.000"
><skipped message="why">c.py:6: why</skipped></testcase><testcase classname="test.a" name="test_d"
time="0.000" /><testcase classname="test.a" name="test_e" time="0.000"><error message="failed on setup">trace</error
></testcase></testsuite></testsuites>`

it('reads what vitest says, of a file that does not load or whose hooks fail, too', () => {
  expect(tallyOfVitest(VITEST)).toEqual({
    passed: 1,
    failures: [
      'test/a.test.ts > of b > breaks\nno\n    at x',
      'test/c.test.ts\nSyntaxError: c',
      'test/d.test.ts\nError: in beforeAll',
    ],
  })
})

it('reads what pytest says, of a fixture that fails, too', () => {
  expect(tallyOfPytest(PYTEST)).toEqual({
    passed: 1,
    failures: ['test.a > test_b[x>"y]\nassert 1 > 2\n  + where', 'test.a > test_e\nfailed on setup'],
  })
})

it.each([
  ['a runner that left no report', false, undefined, 1],
  ['a runner that failed without a failed test', false, { passed: 3, failures: [] }, 1],
  ['failed tests', false, { passed: 3, failures: ['a', 'b'] }, 2],
  ['a runner that succeeded', true, { passed: 3, failures: [] }, 0],
])('counts %s', (_, isClean, report, failed) => {
  expect(tally(isClean, report).failures).toHaveLength(failed)
})

it('tells each failure in few lines, and how many more there are', () => {
  expect(told('node', [])).toBe('')
  expect(told('node', ['a > b\nno'])).toBe('FAILED in node: a > b\n  no\n')
  const long = told(
    'node',
    Array.from({ length: 30 }, (_, i) => `t${i}\n${'line\n'.repeat(100)}`),
  )
  expect(long.split('\n').length).toBeLessThan(400)
  expect(long).toMatch(/FAILED in node: t19\n(?: {2}line\n)+ {2}…\nand 10 more in node\n$/)
})
