// Contract: no body, however odd, makes a 5xx or a table that does not load.
// Source: security case 38; REST specification, CreateTableRequest, CommitTableRequest, CommitTransactionRequest. FUZZ_RUNS and FUZZ_SEED steer it.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { jsonOf } from '#iceberg/json'
import { readTableMetadata } from '#iceberg/metadata'
import { openCatalog, SIMPLE_SCHEMA, type TestCatalog } from '#test/support/catalog'

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 5000)
const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)

const words = fc.constantFrom(
  'id',
  'type',
  'struct',
  'list',
  'map',
  'long',
  'string',
  'fields',
  'name',
  'required',
  'element',
  'element-id',
  'key',
  'value',
  'schema-id',
  'identifier-field-ids',
  'source-id',
  'field-id',
  'transform',
  'identity',
  'bucket[16]',
  'void',
  'main',
  'branch',
  'tag',
  's3://lake/x',
  'assert-create',
  'set-properties',
  'decimal(9,2)',
  'decimal(99,2)',
  'fixed[0]',
  '',
  '-1',
  '1.0',
  '9223372036854775808',
  'format-version',
  'action',
  'updates',
  '\u0000',
  '🦎',
)
const scalars = fc.oneof(
  words,
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map((value) => jsonOf(value)),
)
const { anything } = fc.letrec((tie) => ({
  anything: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    scalars,
    fc.array(tie('anything'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(words, fc.string({ maxLength: 5 })), tie('anything'), { maxKeys: 5 }),
  ),
}))

/** Replaces one place in a valid document by anything, or drops it. */
function spoil(document: unknown, path: readonly number[], by: unknown): unknown {
  if (typeof document !== 'object' || document === null || path.length === 0) return by
  const [first = 0, ...rest] = path
  const keys = Object.keys(document)
  if (keys.length === 0) return by
  const key = keys[first % keys.length] ?? ''
  const entries = Object.entries(document)
    .filter(([name]) => !(name === key && rest.length === 0 && by === undefined))
    .map(([name, value]) => [name, name === key ? spoil(value, rest, by) : value] as const)
  return Array.isArray(document) ? entries.map(([, value]) => value) : Object.fromEntries(entries)
}

const CREATE = {
  name: 'fuzzed',
  schema: {
    type: 'struct',
    'schema-id': 0,
    'identifier-field-ids': [1],
    fields: [
      { id: 1, name: 'id', type: 'long', required: true },
      {
        id: 2,
        name: 'tags',
        type: { type: 'list', 'element-id': 3, element: 'string', 'element-required': false },
        required: false,
      },
      { id: 4, name: 'at', type: 'timestamptz', required: false, 'write-default': '2026-01-01T00:00:00+00:00' },
    ],
  },
  'partition-spec': { 'spec-id': 0, fields: [{ 'source-id': 4, 'field-id': 1000, transform: 'day', name: 'day' }] },
  'write-order': {
    'order-id': 1,
    fields: [{ 'source-id': 1, transform: 'identity', direction: 'asc', 'null-order': 'nulls-first' }],
  },
  'stage-create': false,
  properties: { 'format-version': '2' },
}

const COMMIT = {
  requirements: [{ type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': null }],
  updates: [
    {
      action: 'add-schema',
      schema: { type: 'struct', 'schema-id': 5, fields: [{ id: 1, name: 'id', type: 'long', required: false }] },
    },
    { action: 'set-current-schema', 'schema-id': -1 },
    {
      action: 'add-spec',
      spec: { 'spec-id': 3, fields: [{ 'source-id': 1, 'field-id': 1000, transform: 'bucket[4]', name: 'b' }] },
    },
    { action: 'add-sort-order', 'sort-order': { 'order-id': 2, fields: [] } },
    {
      action: 'add-snapshot',
      snapshot: {
        'snapshot-id': 5,
        'sequence-number': 1,
        'timestamp-ms': 1_800_000_000_000,
        'manifest-list': 's3://lake/t/metadata/snap-5.avro',
        summary: { operation: 'append' },
        'schema-id': 0,
      },
    },
    { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': 5 },
    { action: 'set-properties', updates: { a: 'b' } },
    { action: 'remove-properties', removals: ['a'] },
  ],
}

const spoiled = (document: unknown) =>
  fc
    .array(fc.tuple(fc.array(fc.nat(9), { minLength: 1, maxLength: 6 }), fc.oneof(anything, fc.constant(undefined))), {
      minLength: 1,
      maxLength: 3,
    })
    .map((places) => places.reduce<unknown>((spoilt, [path, by]) => spoil(spoilt, path, by), document))

it(`survives ${RUNS} odd creates, commits and transactions each (seed ${SEED})`, { timeout: 600_000 }, async () => {
  const catalog = await openCatalog()
  await catalog.call(catalog.admin, 'POST', '/v1/demo/namespaces', { namespace: ['ns'] })
  await catalog.call(catalog.admin, 'POST', '/v1/demo/namespaces/ns/tables', {
    name: 't',
    schema: SIMPLE_SCHEMA,
    location: 's3://lake/t',
  })
  const statuses = new Map<number, number>()
  const run = { seed: SEED, numRuns: RUNS, endOnFailure: false }
  await fc.assert(
    fc.asyncProperty(spoiled(CREATE), async (body) => {
      const answer = await catalog.call(catalog.admin, 'POST', '/v1/demo/namespaces/ns/tables', body)
      count(answer.status)
      expect(answer.status, answer.text).toBeLessThan(500)
      if (answer.status === 200) await drop(catalog, body)
    }),
    run,
  )
  await fc.assert(
    fc.asyncProperty(spoiled(COMMIT), async (body) => {
      const answer = await catalog.call(catalog.admin, 'POST', '/v1/demo/namespaces/ns/tables/t', body)
      count(answer.status)
      expect(answer.status, answer.text).toBeLessThan(500)
      if (answer.status === 200) {
        const loaded = await catalog.call(catalog.admin, 'GET', '/v1/demo/namespaces/ns/tables/t')
        expect(() => readTableMetadata(JSON.stringify(loaded.json.metadata))).not.toThrow()
      }
    }),
    run,
  )
  const change = { identifier: { namespace: ['ns'], name: 't' }, ...COMMIT }
  await fc.assert(
    fc.asyncProperty(spoiled({ 'table-changes': [change] }), async (body) => {
      const answer = await catalog.call(catalog.admin, 'POST', '/v1/demo/transactions/commit', body)
      count(answer.status)
      expect(answer.status, answer.text).toBeLessThan(500)
      if (answer.status === 204) {
        const loaded = await catalog.call(catalog.admin, 'GET', '/v1/demo/namespaces/ns/tables/t')
        expect(() => readTableMetadata(JSON.stringify(loaded.json.metadata))).not.toThrow()
      }
    }),
    run,
  )
  console.log(`answers: ${JSON.stringify(Object.fromEntries(statuses))}`)
  expect(statuses.get(200)).toBeGreaterThan(RUNS / 50)
  expect(statuses.get(400)).toBeGreaterThan(RUNS / 4)

  function count(status: number): void {
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
  }
})

async function drop(catalog: TestCatalog, body: unknown): Promise<void> {
  const { name } = body as { name: string }
  await catalog.call(catalog.admin, 'DELETE', `/v1/demo/namespaces/ns/tables/${encodeURIComponent(name)}`)
}
