import fc from 'fast-check'
import { isRawNumber, jsonOf, type Json, type JsonObject } from '#iceberg/json'
import { fixture, FIXTURES, type Fixture } from './fixtures.ts'

/** The time of every random commit: a little after the fixtures were written. */
export const NOW_MS = 1_900_000_000_000

/** A table to begin with, and the commits that are tried on it one after the other, as JSON of requests. */
export interface RandomLife {
  readonly start: { readonly fixture: Fixture } | { readonly create: Json }
  readonly commits: readonly Json[]
}

const UUID = '11111111-2222-4333-8444-555555555555'

const SNAPSHOT_IDS = [1n, 2n, 3n, 4n, 9_007_199_254_740_993n, 9_223_372_036_854_775_807n].map(jsonOf)

/** Snapshots that are in the fixtures. */
const KNOWN_SNAPSHOT_IDS = FIXTURES.flatMap((name) =>
  [...fixture(name).matchAll(/\{"snapshot-id":(\d+),"(?:parent|sequence|timestamp)/g)].map(([, id = '0']) =>
    jsonOf(BigInt(id)),
  ),
)

const PRIMITIVES = [
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'decimal(9, 2)',
  'decimal(38,10)',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'timestamp_ns',
  'timestamptz_ns',
  'string',
  'uuid',
  'binary',
  'fixed[16]',
  'unknown',
  'geometry',
]

/** Defaults that PyIceberg reads for their type, and some that no reader does. */
const DEFAULTS: readonly (readonly [string, Json])[] = [
  ['int', -5],
  ['int', 3_000_000_000],
  ['long', jsonOf(2n ** 63n - 1n)],
  ['long', jsonOf(2n ** 63n)],
  ['double', { rawText: '1.5e3' }],
  ['float', 1],
  ['boolean', true],
  ['string', ''],
  ['date', '2024-02-29'],
  ['date', '2023-02-29'],
  ['time', '10:15:30.5'],
  ['timestamp', '2024-01-31T10:15:30.123456'],
  ['timestamptz', '2024-01-31T10:15:30+00:00'],
  ['timestamptz', '2024-01-31T10:15:30+01:00'],
  ['decimal(9, 2)', '12.50'],
  ['decimal(9, 2)', '12.5'],
  ['binary', '00ff'],
  ['fixed[2]', '00ff'],
  ['fixed[2]', '00'],
  ['uuid', UUID],
  ['uuid', 'x'],
]

const TRANSFORMS = [
  'identity',
  'identity',
  'identity',
  'void',
  'void',
  'bucket[16]',
  'bucket[0]',
  'truncate[4]',
  'year',
  'day',
  'hour',
  'nonsense',
]

/** Columns that the fixtures' specs and orders use. */
const USED = [
  { id: 1, name: 'id', required: true, type: 'long' },
  { id: 2, name: 'at', required: false, type: 'timestamptz' },
  { id: 3, name: 'title', required: false, type: 'string' },
]

const names = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom('id', 'at', 'name', 'a.b', 'a', 'b', 'title', 'at_day', 'element', '') },
  { weight: 4, arbitrary: fc.string({ unit: 'grapheme', minLength: 4, maxLength: 8 }) },
)

const smallId = fc.integer({ min: 0, max: 4 })

const snapshotId = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...KNOWN_SNAPSHOT_IDS) },
  { weight: 3, arbitrary: fc.constantFrom(...SNAPSHOT_IDS) },
)

const { type } = fc.letrec<{ type: Json }>((tie) => ({
  type: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { weight: 8, arbitrary: fc.constantFrom(...PRIMITIVES) },
    {
      weight: 1,
      arbitrary: fc.record({
        type: fc.constant('list'),
        'element-id': fc.integer({ min: 20, max: 99 }),
        element: tie('type'),
        'element-required': fc.boolean(),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        type: fc.constant('map'),
        'key-id': fc.integer({ min: 100, max: 199 }),
        key: tie('type'),
        'value-id': fc.integer({ min: 200, max: 299 }),
        value: tie('type'),
        'value-required': fc.boolean(),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        type: fc.constant('struct'),
        fields: fc.uniqueArray(fieldOf(tie('type'), { min: 300, max: 999 }), {
          maxLength: 3,
          selector: ({ id }) => id,
        }),
      }),
    },
  ),
}))

function fieldOf(
  fieldType: fc.Arbitrary<Json>,
  ids: { min: number; max: number },
): fc.Arbitrary<{ id: number } & JsonObject> {
  return fc
    .tuple(
      fc.record(
        { id: fc.integer(ids), name: names, required: fc.boolean(), type: fieldType, doc: fc.string({ maxLength: 5 }) },
        { requiredKeys: ['id', 'name', 'required', 'type'] },
      ),
      rarely(fc.tuple(fc.constantFrom(...DEFAULTS), fc.constantFrom('initial-default', 'write-default')), 8),
    )
    .map(([field, withDefault]) => {
      if (!withDefault) return field
      const [[defaultType, value], key] = withDefault
      return { ...field, type: defaultType, [key]: value }
    })
}

const schema = fc.record(
  {
    type: fc.constant('struct'),
    fields: fc
      .uniqueArray(fieldOf(type, { min: 0, max: 15 }), { maxLength: 6, selector: ({ id }) => id })
      .map((fields): JsonObject[] => [...USED.filter(({ id }) => !fields.some((field) => field.id === id)), ...fields]),
    'schema-id': smallId,
    'identifier-field-ids': fc.oneof({ weight: 5, arbitrary: fc.constant([]) }, fc.array(smallId, { maxLength: 1 })),
  },
  { requiredKeys: ['type', 'fields'] },
)

const spec = fc.record(
  {
    'spec-id': smallId,
    fields: fc.array(
      fc.record(
        {
          'source-id': fc.integer({ min: 0, max: 15 }),
          'field-id': fc.integer({ min: 1000, max: 1004 }),
          name: fc.constantFrom('p', 'q', 'r', 's', 'id', 'at_day', ''),
          transform: fc.constantFrom(...TRANSFORMS),
        },
        { requiredKeys: ['source-id', 'name', 'transform'] },
      ),
      { maxLength: 2 },
    ),
  },
  { requiredKeys: ['fields'] },
)

const order = fc
  .array(
    fc.record({
      'source-id': fc.integer({ min: 0, max: 15 }),
      transform: fc.constantFrom(...TRANSFORMS),
      direction: fc.constantFrom('asc', 'desc'),
      'null-order': fc.constantFrom('nulls-first', 'nulls-last'),
    }),
    { maxLength: 2 },
  )
  .map((fields) => ({ 'order-id': fields.length === 0 ? 0 : 1, fields }))

const snapshot = fc.record(
  {
    'snapshot-id': fc.constantFrom(...SNAPSHOT_IDS),
    'parent-snapshot-id': fc.option(snapshotId),
    'sequence-number': fc.integer({ min: 0, max: 12 }),
    'timestamp-ms': fc.integer({ min: NOW_MS - 100_000, max: NOW_MS + 70_000 }),
    'manifest-list': fc.constant('s3://lake/wh/t/metadata/snap.avro'),
    summary: fc.record({
      operation: fc.constantFrom('append', 'overwrite', 'delete', 'replace'),
      'added-records': fc.constant('1'),
    }),
    'schema-id': smallId,
    'first-row-id': fc.integer({ min: 0, max: 30 }),
    'added-rows': fc.integer({ min: 0, max: 5 }),
    'vendor-field': fc.constant({ a: [1, null] }),
  },
  {
    requiredKeys: [
      'snapshot-id',
      'sequence-number',
      'timestamp-ms',
      'manifest-list',
      'summary',
      'first-row-id',
      'added-rows',
    ],
  },
)

const ref = fc.record(
  {
    'ref-name': fc.constantFrom('main', 'main', 'audit', 'first', 'constructor'),
    'snapshot-id': snapshotId,
    type: fc.constantFrom('branch', 'branch', 'tag'),
    'max-ref-age-ms': fc.constantFrom<Json>(1, jsonOf(2n ** 63n - 1n), 0),
    'min-snapshots-to-keep': fc.constantFrom(1, 5),
    'max-snapshot-age-ms': fc.constantFrom(1, 5),
  },
  { requiredKeys: ['ref-name', 'snapshot-id', 'type'] },
)

const statistics = fc.record({
  'snapshot-id': snapshotId,
  'statistics-path': fc.constant('s3://lake/wh/t/metadata/s.puffin'),
  'file-size-in-bytes': fc.integer({ min: 0 }),
  'file-footer-size-in-bytes': fc.integer({ min: 0 }),
  'key-metadata': fc.constantFrom(null, 'a2V5'),
  'blob-metadata': fc.array(
    fc.record({
      type: fc.constant('apache-datasketches-theta-v1'),
      'snapshot-id': snapshotId,
      'sequence-number': smallId,
      fields: fc.array(smallId, { maxLength: 2 }),
      properties: fc.constantFrom(null, { ndv: '5' }),
    }),
    { maxLength: 1 },
  ),
})

const propertyMap = fc.dictionary(
  fc.constantFrom('owner', 'write.metadata.previous-versions-max', '1', 'constructor', 'toString', 'x'),
  fc.constantFrom('', '1', '2', '-1', 'ä'),
  { noNullPrototype: true },
)

const idOrLast = fc.oneof({ weight: 3, arbitrary: fc.constant(-1) }, { weight: 1, arbitrary: smallId })

/** What an engine sends together is likelier than any other order. */
const groups: fc.Arbitrary<readonly JsonObject[]> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .tuple(schema, idOrLast)
      .map(([added, id]) => [
        action('add-schema', { schema: added }),
        action('set-current-schema', { 'schema-id': id }),
      ]),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(spec, idOrLast)
      .map(([added, id]) => [action('add-spec', { spec: added }), action('set-default-spec', { 'spec-id': id })]),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(order, idOrLast)
      .map(([added, id]) => [
        action('add-sort-order', { 'sort-order': added }),
        action('set-default-sort-order', { 'sort-order-id': id }),
      ]),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(snapshot, ref)
      .map(([added, pointer]) => [
        action('add-snapshot', { snapshot: added }),
        action('set-snapshot-ref', { ...pointer, 'snapshot-id': added['snapshot-id'] }),
      ]),
  },
  ...[
    ref.map((pointer) => action('set-snapshot-ref', pointer)),
    fc
      .constantFrom('main', 'audit', 'first', 'none')
      .map((name) => action('remove-snapshot-ref', { 'ref-name': name })),
    fc.array(snapshotId, { maxLength: 2 }).map((ids) => action('remove-snapshots', { 'snapshot-ids': ids })),
    fc.constantFrom('s3://lake/wh/t//', 's3://lake/other', '').map((location) => action('set-location', { location })),
    propertyMap.map((updates) => action('set-properties', { updates })),
    fc.array(fc.constantFrom('owner', 'x', 'constructor')).map((removals) => action('remove-properties', { removals })),
    statistics.map((file) => action('set-statistics', { statistics: file })),
    snapshotId.map((id) => action('remove-statistics', { 'snapshot-id': id })),
    statistics.map((file) => action('set-partition-statistics', { 'partition-statistics': file })),
    snapshotId.map((id) => action('remove-partition-statistics', { 'snapshot-id': id })),
    fc.array(smallId, { maxLength: 2 }).map((ids) => action('remove-partition-specs', { 'spec-ids': ids })),
    fc.array(smallId, { maxLength: 2 }).map((ids) => action('remove-schemas', { 'schema-ids': ids })),
    fc.integer({ min: 0, max: 4 }).map((version) => action('upgrade-format-version', { 'format-version': version })),
    fc.constantFrom(UUID, 'x').map((uuid) => action('assign-uuid', { uuid })),
    fc
      .constantFrom('a2V5', '?')
      .map((bytes) =>
        action('add-encryption-key', { 'encryption-key': { 'key-id': 'k', 'encrypted-key-metadata': bytes } }),
      ),
    fc.constant(action('remove-encryption-key', { 'key-id': 'k' })),
  ].map((arbitrary) => ({ weight: 1, arbitrary: arbitrary.map((update): readonly JsonObject[] => [update]) })),
)

const updates = fc.array(groups, { minLength: 1, maxLength: 4, size: 'small' }).map((lists) => lists.flat())

const create = fc.record(
  {
    name: fc.constant('t'),
    schema,
    'partition-spec': spec,
    'write-order': order,
    properties: fc.record({ 'format-version': fc.constantFrom('1', '2', '3') }, { requiredKeys: [] }),
  },
  { requiredKeys: ['name', 'schema'] },
)

/** Junk in the place of one value, wherever `at` leads. */
export function withJunk(json: Json, at: readonly number[], junk: Json): Json {
  const [step, ...rest] = at
  if (step === undefined || typeof json !== 'object' || json === null || isRawNumber(json)) return junk
  const entries = Object.entries(json)
  if (entries.length === 0) return junk
  const chosen = step % entries.length
  const changed = entries.map(([key, value], i): [string, Json] => [
    key,
    i === chosen ? withJunk(value as Json, rest, junk) : (value as Json),
  ])
  return Array.isArray(json) ? changed.map(([, value]) => value) : Object.fromEntries(changed)
}

export const junk = fc.constantFrom<Json>(
  null,
  -1,
  'x',
  '',
  [],
  {},
  true,
  { rawText: '1.0' },
  jsonOf(2n ** 64n),
  2 ** 31,
)

/** Lives of tables: mostly what engines could send, sometimes with junk in it. */
export const lives: fc.Arbitrary<RandomLife> = fc.record({
  start: fc.oneof(
    fc.constantFrom(...FIXTURES).map((name) => ({ fixture: name })),
    create.map((body) => ({ create: body })),
  ),
  commits: fc.array(
    fc
      .tuple(updates, rarely(fc.tuple(fc.array(fc.nat({ max: 20 }), { minLength: 2, maxLength: 7 }), junk), 6))
      .map(([list, mutation]): Json => {
        const body = { requirements: [], updates: list }
        return mutation ? withJunk(body, mutation[0], mutation[1]) : body
      }),
    { minLength: 1, maxLength: 8, size: 'max' },
  ),
})

/** Null, but for one time in `often + 1`. */
function rarely<T>(arbitrary: fc.Arbitrary<T>, often: number): fc.Arbitrary<T | null> {
  return fc.oneof({ weight: often, arbitrary: fc.constant(null) }, { weight: 1, arbitrary })
}

function action(name: string, fields: JsonObject): JsonObject {
  return { action: name, ...fields }
}
