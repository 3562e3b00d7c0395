import type { LoadRequest } from './load.ts'

const TABLES_LISTED = 1000
const TABLES_CACHED = 100
const WRITERS = 16

/**
 * What is measured. `sample` is the request whose answer the bare Worker repeats. To the server `cold`, an isolate that
 * has cached nothing, every request is sent once only.
 */
export interface Scenario {
  readonly name: string
  readonly requests: readonly LoadRequest[]
  readonly sample: LoadRequest
  readonly server: 'catalog' | 'cold'
  /** Sent in the same rounds to the server that publishes each commit by itself. */
  readonly ungrouped: readonly LoadRequest[] | null
}

const NAMESPACES = '/v1/demo/namespaces'
const LISTED = `${NAMESPACES}/listed/tables`
const BUSY = `${NAMESPACES}/busy/tables`
const NEW = `${NAMESPACES}/new/tables`
const JOINT = `${NAMESPACES}/joint/tables`
const TABLES_JOINT = 320
const TABLES_PER_TRANSACTION = 10

const TYPES = ['long', 'string', 'timestamptz', 'double', 'date', 'boolean', 'decimal(18, 2)', 'int', 'uuid', 'binary']
const SCHEMA = {
  type: 'struct',
  fields: TYPES.map((type, index) => ({ id: index + 1, name: `column_${index + 1}`, type, required: false })),
}

const create = (path: string, name: string): LoadRequest => ({
  method: 'POST',
  path,
  body: JSON.stringify({ name, schema: SCHEMA }),
})

const commit = (name: string): LoadRequest => ({
  method: 'POST',
  path: `${BUSY}/${name}`,
  body: JSON.stringify({ requirements: [], updates: [{ action: 'set-properties', updates: { touched: '{n}' } }] }),
})

/** A transaction of tables that no other one touches. */
const transaction = (number: number): LoadRequest => ({
  method: 'POST',
  path: '/v1/demo/transactions/commit',
  status: 204,
  body: JSON.stringify({
    'table-changes': numbers(TABLES_PER_TRANSACTION).map((index) => ({
      identifier: { namespace: ['joint'], name: `t${number * TABLES_PER_TRANSACTION + index}` },
      requirements: [],
      updates: [{ action: 'set-properties', updates: { touched: '{n}' } }],
    })),
  }),
})

const load = (number: number): LoadRequest => ({ method: 'GET', path: `${LISTED}/t${number}` })

/** What has to be there before anything is measured: requests in the order they are sent, `times` each. */
export const PREPARATION: readonly { readonly request: LoadRequest; readonly times: number }[] = [
  ...['listed', 'busy', 'new', 'joint'].map((name) => ({
    request: { method: 'POST', path: NAMESPACES, body: JSON.stringify({ namespace: [name] }) },
    times: 1,
  })),
  { request: create(LISTED, 't{n}'), times: TABLES_LISTED },
  { request: create(BUSY, 't{n}'), times: WRITERS + 1 },
  { request: create(JOINT, 't{n}'), times: TABLES_JOINT },
]

export const SCENARIOS: readonly Scenario[] = [
  scenario('loadTable cold', numbers(TABLES_LISTED).map(load), 'cold'),
  scenario('loadTable cached', numbers(TABLES_CACHED).map(load)),
  scenario(
    'loadTable not modified',
    numbers(TABLES_CACHED).map((number) => ({
      ...load(number),
      headers: { 'If-None-Match': '*', 'X-Iceberg-Access-Delegation': 'none' },
      status: 304,
    })),
  ),
  { ...scenario('commit, 1 table', [commit('t0')]), ungrouped: [commit(`t${WRITERS}`)] },
  scenario(
    'commit, 16 tables',
    numbers(WRITERS).map((number) => commit(`t${number}`)),
  ),
  scenario('transaction, 10 tables', numbers(TABLES_JOINT / TABLES_PER_TRANSACTION).map(transaction)),
  scenario('createTable', [create(NEW, 't{n}')]),
  scenario('list 1,000 tables', [{ method: 'GET', path: LISTED }]),
]

function scenario(name: string, requests: readonly LoadRequest[], server: Scenario['server'] = 'catalog'): Scenario {
  const [sample] = requests
  if (!sample) throw new Error(`'${name}' has no requests`)
  return { name, requests, sample, server, ungrouped: null }
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, number) => number)
}
