import type { LoadRequest } from './load.ts'

export const TABLES_LISTED = 1000
const TABLES_CACHED = 100
const WRITERS = 16

/**
 * What is measured. `sample` is the request whose answer the bare Worker repeats. `once`: every request is sent once
 * only, to the isolate that has cached nothing.
 */
export interface Scenario {
  readonly name: string
  readonly requests: readonly LoadRequest[]
  readonly sample: LoadRequest
  readonly once: boolean
}

const NAMESPACES = '/v1/demo/namespaces'
const LISTED = `${NAMESPACES}/listed/tables`
const BUSY = `${NAMESPACES}/busy/tables`
const NEW = `${NAMESPACES}/new/tables`

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

const load = (number: number): LoadRequest => ({ method: 'GET', path: `${LISTED}/t${number}` })

/** What has to be there before anything is measured: requests in the order they are sent, `times` each. */
export const PREPARATION: readonly { readonly request: LoadRequest; readonly times: number }[] = [
  ...['listed', 'busy', 'new'].map((name) => ({
    request: { method: 'POST', path: NAMESPACES, body: JSON.stringify({ namespace: [name] }) },
    times: 1,
  })),
  { request: create(LISTED, 't{n}'), times: TABLES_LISTED },
  { request: create(BUSY, 't{n}'), times: WRITERS },
]

export const SCENARIOS: readonly Scenario[] = [
  scenario('loadTable cold', numbers(TABLES_LISTED).map(load), true),
  scenario('loadTable cached', numbers(TABLES_CACHED).map(load)),
  scenario('commit, 1 table', [commit('t0')]),
  scenario(
    'commit, 16 tables',
    numbers(WRITERS).map((number) => commit(`t${number}`)),
  ),
  scenario('createTable', [create(NEW, 't{n}')]),
  scenario('list 1,000 tables', [{ method: 'GET', path: LISTED }]),
]

function scenario(name: string, requests: readonly LoadRequest[], once = false): Scenario {
  const [sample] = requests
  if (!sample) throw new Error(`'${name}' has no requests`)
  return { name, requests, sample, once }
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, number) => number)
}
