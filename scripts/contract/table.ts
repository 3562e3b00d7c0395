import { relative } from 'node:path'
import type { VitestReport } from '../test/reports.ts'

/** Tests of one suite on one store over one transport. */
export interface ContractRow {
  readonly suite: string
  readonly store: string
  readonly transport: string
  readonly tests: number
  readonly failures: number
  readonly skips: number
  readonly seconds: number
}

/** By the name of a test's file and the groups it is in; the first that fits. */
const SUITES: readonly (readonly [suite: string, RegExp])[] = [
  ['cost', /^test\/cost\//],
  ['model check', /model-check|projecting/],
  ['faults', /faults|lost-answers/],
  ['plans', /plans|rows\.|crowded/],
  ['migrations', /schema|migrations/],
  ['model', /agreement|against the model/],
  ['contract', /./],
]

const STORES: readonly (readonly [store: string, RegExp])[] = [
  ['postgres', /postgres/],
  ['mongo', /mongo/],
  ['memory', /^test\/store\/memory/],
  ['d1', /./],
]

const TRANSPORTS: readonly (readonly [transport: string, RegExp])[] = [
  ['hyperdrive', /hyperdrive/i],
  ['neon', /neon/i],
  ['tcp', /tcp|postgres\/(plans|schema)/i],
  ['data-api', /data.api|http/i],
  ['driver', /driver|crowded/i],
  ['in memory', /in.memory|model-check|projecting|store\/memory/i],
  ['binding', /d1|worker\.test/i],
  ['several', /./],
]

/** One row for each suite, store and transport; a file that did not load counts as a failure. */
export function rowsOf(reports: readonly VitestReport[]): ContractRow[] {
  const tests = reports.flatMap(({ testResults }) =>
    testResults.flatMap(({ name, status, assertionResults }) => {
      const file = relative('.', name)
      if (assertionResults.length === 0) return [{ where: file, file, status, duration: 0 }]
      return assertionResults.map((one) => ({
        where: [file, ...one.ancestorTitles].join(' '),
        file,
        status: one.status,
        duration: one.duration ?? 0,
      }))
    }),
  )
  const groups = Map.groupBy(tests, ({ where, file }) =>
    [first(SUITES, where), first(STORES, file), first(TRANSPORTS, where)].join('\n'),
  )
  return [...groups]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, group]) => {
      const [suite = '', store = '', transport = ''] = key.split('\n')
      const count = (of: (status: string) => boolean): number => group.filter(({ status }) => of(status)).length
      return {
        suite,
        store,
        transport,
        tests: group.length,
        failures: count((status) => status === 'failed'),
        skips: count((status) => status !== 'failed' && status !== 'passed'),
        seconds: group.reduce((sum, { duration }) => sum + duration, 0) / 1000,
      }
    })
}

/** The table as text. */
export function contractTable(rows: readonly ContractRow[]): string {
  const lines = [
    ['suite', 'store', 'transport', 'tests', 'failures', 'skips', 'seconds'],
    ...rows.map(({ suite, store, transport, tests, failures, skips, seconds }) => [
      suite,
      store,
      transport,
      ...[tests, failures, skips].map(String),
      seconds.toFixed(1),
    ]),
  ]
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  const pad = (cell: string, column: number): string =>
    column < 3 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)
  return lines.map((line) => line.map(pad).join('  ')).join('\n')
}

function first(named: readonly (readonly [name: string, pattern: RegExp])[], text: string): string {
  return named.find(([, pattern]) => pattern.test(text))?.[0] ?? ''
}
