import { creationAt } from '#test/support/creation'
import { replaceRequest, versionOf, viewRequest } from '#test/support/views'
import type { BUDGETS } from './budgets.ts'
import { propertyCommit, SCHEMA, seedTables, type Lake } from './lake.ts'
import type { Sent } from './worker.ts'

const NAMESPACES = '/v1/demo/namespaces'
const SALES = `${NAMESPACES}/sales`
export const LAKE = `${NAMESPACES}/lake/tables`
const FILES = 'http://catalog.test/s3/lake/seeded/lake'
const STALE = {
  requirements: [{ type: 'assert-current-schema-id', 'current-schema-id': 7 }],
  updates: [{ action: 'set-properties', updates: { touched: 'never' } }],
}
/** The headers of the request with the nth key. */
const keyed = (n: number) => ({ 'idempotency-key': `0190a2f0-0000-7000-8000-00000000000${n}` })
const SHORT_HISTORY = {
  'write.metadata.delete-after-commit.enabled': 'true',
  'write.metadata.previous-versions-max': '1',
}
const NAME_LAKE = (name: string) => ({ namespace: ['lake'], name })
const TEN_TABLES = {
  'table-changes': Array.from({ length: 10 }, (_, n) => ({
    identifier: { namespace: ['ten'], name: `t000${n}` },
    ...propertyCommit(n),
  })),
}
const SEEDED_VIEW = {
  'view-uuid': 'c0ffee00-5e0b-4d8e-9a54-6c4b3a1d2f00',
  'format-version': 1,
  location: 's3://lake/seeded/view',
  schemas: [{ ...SCHEMA, 'schema-id': 0 }],
  'current-version-id': 1,
  versions: [versionOf('select 1', ['spark'])],
  'version-log': [{ 'timestamp-ms': 1_700_000_000_000, 'version-id': 1 }],
}
const VIEW_FILE = 'seeded/view/metadata/00000-seeded.metadata.json'
const SEEDED = 's3://lake/seeded/lake/t0002/metadata/00000-seeded.metadata.json'

/** In this order: each finds what the ones before it left. */
export const CASES: readonly (readonly [keyof typeof BUDGETS, Sent, number])[] = [
  ['GET /v1/config', ['GET', '/v1/config?warehouse=demo'], 200],
  ['POST /v1/{prefix}/namespaces', ['POST', NAMESPACES, { namespace: ['sales'] }], 200],
  ['POST /v1/{prefix}/namespaces (nested)', ['POST', NAMESPACES, { namespace: ['sales', 'eu'] }], 200],
  ['GET /v1/{prefix}/namespaces', ['GET', NAMESPACES], 200],
  ['GET /v1/{prefix}/namespaces/{namespace}', ['GET', SALES], 200],
  ['HEAD /v1/{prefix}/namespaces/{namespace}', ['HEAD', SALES], 204],
  [
    'POST /v1/{prefix}/namespaces/{namespace}/properties',
    ['POST', `${SALES}/properties`, { updates: { a: '1' } }],
    200,
  ],
  ['DELETE /v1/{prefix}/namespaces/{namespace}', ['DELETE', `${SALES}%1Feu`], 204],
  ['POST /v1/{prefix}/namespaces/{namespace}/tables', ['POST', `${SALES}/tables`, { name: 'a', schema: SCHEMA }], 200],
  [
    'POST /v1/{prefix}/namespaces/{namespace}/tables (staged)',
    ['POST', `${SALES}/tables`, { name: 'b', schema: SCHEMA, 'stage-create': true }],
    200,
  ],
  [
    'POST /v1/{prefix}/namespaces/{namespace}/tables/{table} (create)',
    ['POST', `${SALES}/tables/b`, creationAt('s3://lake/staged', SCHEMA)],
    200,
  ],
  ['GET /v1/{prefix}/namespaces/{namespace}/tables (2)', ['GET', `${SALES}/tables`], 200],
  ['GET /v1/{prefix}/namespaces/{namespace}/tables (1000)', ['GET', `${NAMESPACES}/thousand/tables`], 200],
  [
    'GET /v1/{prefix}/namespaces/{namespace}/tables (100 of 1000)',
    ['GET', `${NAMESPACES}/thousand/tables?pageToken=&pageSize=100`],
    200,
  ],
  ['GET /v1/{prefix}/namespaces/{namespace}/tables/{table} (first time)', ['GET', `${LAKE}/t0000`], 200],
  ['GET /v1/{prefix}/namespaces/{namespace}/tables/{table}', ['GET', `${LAKE}/t0000`], 200],
  [
    'GET /v1/{prefix}/namespaces/{namespace}/tables/{table} (not modified)',
    ['GET', `${LAKE}/t0003`, undefined, { 'if-none-match': '*', 'x-iceberg-access-delegation': 'none' }],
    304,
  ],
  ['GET /v1/{prefix}/namespaces/{namespace}/tables/{table} (refs)', ['GET', `${LAKE}/t0000?snapshots=refs`], 200],
  ['HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}', ['HEAD', `${LAKE}/t0000`], 204],
  ['GET /v1/{prefix}/namespaces/{namespace}/tables/{table}/credentials', ['GET', `${LAKE}/t0000/credentials`], 200],
  [
    'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/sign',
    ['POST', `${LAKE}/t0000/sign`, { method: 'PUT', uri: `${FILES}/t0000/data/x`, region: 'auto', headers: {} }],
    200,
  ],
  [
    'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/metrics',
    ['POST', `${LAKE}/t0000/metrics`, { 'report-type': 'scan-report' }],
    204,
  ],
  [
    'GET /api/v1/catalogs/{prefix}/namespaces/{namespace}/tables/{table}/metrics',
    ['GET', '/api/v1/catalogs/demo/namespaces/lake/tables/t0000/metrics'],
    200,
  ],
  [
    'POST /v1/{prefix}/namespaces/{namespace}/tables/{table} (cold lane)',
    ['POST', `${LAKE}/t0001`, propertyCommit(1)],
    200,
  ],
  ['POST /v1/{prefix}/namespaces/{namespace}/tables/{table}', ['POST', `${LAKE}/t0001`, propertyCommit(2)], 200],
  [
    'POST /v1/{prefix}/namespaces/{namespace}/tables/{table} (nothing changed)',
    ['POST', `${LAKE}/t0001`, propertyCommit(2)],
    200,
  ],
  ['POST /v1/{prefix}/namespaces/{namespace}/tables/{table} (refused)', ['POST', `${LAKE}/t0001`, STALE], 409],
  [
    'POST /v1/{prefix}/namespaces/{namespace}/tables (with a key)',
    ['POST', `${SALES}/tables`, { name: 'k', schema: SCHEMA }, keyed(1)],
    200,
  ],
  [
    'POST /v1/{prefix}/namespaces/{namespace}/tables (sent again)',
    ['POST', `${SALES}/tables`, { name: 'k', schema: SCHEMA }, keyed(1)],
    200,
  ],
  [
    'POST /v1/{prefix}/namespaces/{namespace}/tables/{table} (with a key)',
    ['POST', `${LAKE}/t0001`, propertyCommit(3), keyed(2)],
    200,
  ],
  [
    'POST /v1/{prefix}/namespaces/{namespace}/tables/{table} (sent again)',
    ['POST', `${LAKE}/t0001`, propertyCommit(3), keyed(2)],
    200,
  ],
  [
    'POST /v1/{prefix}/namespaces/{namespace}/tables/{table} (nothing changed, with a key)',
    ['POST', `${LAKE}/t0001`, propertyCommit(3), keyed(3)],
    200,
  ],
  [
    'POST /v1/{prefix}/namespaces/{namespace}/tables/{table} (refused, with a key)',
    ['POST', `${LAKE}/t0001`, STALE, keyed(4)],
    409,
  ],
  [
    'POST /v1/{prefix}/namespaces/{namespace}/register (overwrite)',
    [
      'POST',
      `${NAMESPACES}/lake/register`,
      { name: 't0001', 'metadata-location': SEEDED.replaceAll('t0002', 't0001'), overwrite: true },
    ],
    200,
  ],
  ['POST /v1/{prefix}/transactions/commit', ['POST', '/v1/demo/transactions/commit', TEN_TABLES], 204],
  [
    'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/unregister',
    ['POST', `${NAMESPACES}/ten/tables/t0009/unregister`],
    200,
  ],
  [
    'POST /v1/{prefix}/tables/rename',
    [
      'POST',
      '/v1/demo/tables/rename',
      { source: NAME_LAKE('t0001'), destination: { namespace: ['sales'], name: 'c' } },
    ],
    204,
  ],
  ['DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table}', ['DELETE', `${LAKE}/t0002`], 204],
  [
    'POST /v1/{prefix}/namespaces/{namespace}/register',
    ['POST', `${NAMESPACES}/lake/register`, { name: 'again', 'metadata-location': SEEDED }],
    200,
  ],
  ['POST /v1/{prefix}/namespaces/{namespace}/views', ['POST', `${SALES}/views`, viewRequest('v')], 200],
  ['GET /v1/{prefix}/namespaces/{namespace}/views', ['GET', `${SALES}/views`], 200],
  ['GET /v1/{prefix}/namespaces/{namespace}/views/{view}', ['GET', `${SALES}/views/v`], 200],
  ['HEAD /v1/{prefix}/namespaces/{namespace}/views/{view}', ['HEAD', `${SALES}/views/v`], 204],
  [
    'POST /v1/{prefix}/namespaces/{namespace}/views/{view}',
    ['POST', `${SALES}/views/v`, replaceRequest('select 2')],
    200,
  ],
  [
    'POST /v1/{prefix}/views/rename',
    [
      'POST',
      '/v1/demo/views/rename',
      { source: { namespace: ['sales'], name: 'v' }, destination: { namespace: ['sales'], name: 'w' } },
    ],
    204,
  ],
  ['DELETE /v1/{prefix}/namespaces/{namespace}/views/{view}', ['DELETE', `${SALES}/views/w`], 204],
  [
    'POST /v1/{prefix}/namespaces/{namespace}/register-view',
    ['POST', `${SALES}/register-view`, { name: 'x', 'metadata-location': `s3://lake/${VIEW_FILE}` }],
    200,
  ],
  [
    'DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table} (purge)',
    ['DELETE', `${LAKE}/again?purgeRequested=true`],
    204,
  ],
]

/** What the cases need: 1,000 tables in `thousand`, and tables with metadata files in `lake` and `ten`. */
export async function seedCases(lake: Lake): Promise<void> {
  await seedTables(lake, 'thousand', 1000, false)
  await seedTables(lake, 'lake', 4, true)
  await seedTables(lake, 'ten', 10, true)
  await lake.put(VIEW_FILE, JSON.stringify(SEEDED_VIEW))
}

/** A commit that lets an old metadata file go, and the key of the file. After the cases, which make the namespace. */
export async function commitThatDeletes({ call }: Pick<Lake, 'call'>): Promise<{ sent: Sent; key: string }> {
  const created = await call(['POST', `${SALES}/tables`, { name: 'short', schema: SCHEMA, properties: SHORT_HISTORY }])
  const commit = (n: number): Sent => ['POST', `${SALES}/tables/short`, propertyCommit(n)]
  await call(commit(0))
  const [, key = ''] = /"metadata-location":"s3:\/\/lake\/([^"]+)"/.exec(created.text) ?? []
  return { sent: commit(1), key }
}

/** A request to be signed for a table that is staged and nothing more. After the cases, which make the namespace. */
export async function signForStaged({ call }: Pick<Lake, 'call'>): Promise<Sent> {
  const create = { name: 'staged', schema: SCHEMA, 'stage-create': true }
  const asked = { 'x-iceberg-access-delegation': 'remote-signing' }
  const { text } = await call(['POST', `${SALES}/tables`, create, asked])
  const { metadata, config } = JSON.parse(text) as {
    metadata: { location: string }
    config: Record<string, string>
  }
  const uri = `${metadata.location.replace('s3://', 'http://catalog.test/s3/')}/data/x`
  return ['POST', `/${config['signer.endpoint'] ?? ''}`, { method: 'PUT', uri, region: 'auto', headers: {} }]
}
