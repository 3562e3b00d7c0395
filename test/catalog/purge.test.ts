// Contract: a purge deletes the files of a dropped table, all of them and nothing else, once nothing names them any more.
// From: DESIGN.md 2.1; Java's CatalogUtil.dropTableData; tables written by PyIceberg 0.12.0.
import { expect, test } from 'vitest'
import { runPurge } from '#catalog/purge'
import { block, header, record, text } from '../iceberg/avro-file.ts'
import {
  bucketOf,
  dropOn,
  dropWithPurge,
  emptyBucket,
  runToEnd,
  storeOf,
  TABLES,
  type Bucket,
  type TableName,
} from './purge-lake.ts'

const NAMES = Object.keys(TABLES) as TableName[]

test.each(NAMES)('every file of %s is deleted, and none of the tables beside it', async (name) => {
  const bucket = bucketOf(...NAMES)
  const tenant = await storeOf(...NAMES)
  await dropWithPurge(tenant, name)
  const [progress] = await runToEnd(bucket, tenant, `purge-${name}`)
  const { keys } = TABLES[name]
  expect(progress).toMatchObject({ state: 'done', leftAlone: 0, unreadable: 0 })
  expect(new Set(bucket.deleted)).toEqual(new Set(keys))
  expect(bucket.files.size).toBe(NAMES.flatMap((each) => TABLES[each].keys).length - keys.length)
  expect(await tenant.purges.pending({ limit: 10 })).toEqual([])
})

test('files go before their manifest, manifests before their list, lists before metadata, the current one last', async () => {
  const bucket = bucketOf('orders')
  const tenant = await storeOf('orders')
  await dropWithPurge(tenant, 'orders')
  await runToEnd(bucket, tenant, 'purge-orders')
  const last = new Map(bucket.deleted.map((key, index) => [`s3://lake/${key}`, index]))
  const before = (first: string, second: string): void =>
    expect(last.get(first), `${first} before ${second}`).toBeLessThan(last.get(second) ?? -1)
  const { lists, manifests, metadataLocation, keys } = TABLES.orders
  for (const [manifest, files] of Object.entries<string[][]>(manifests))
    for (const [file = ''] of files) before(file, manifest)
  for (const [list, paths] of Object.entries<string[][]>(lists)) for (const [path = ''] of paths) before(path, list)
  for (const key of keys) if (!metadataLocation.endsWith(key)) before(`s3://lake/${key}`, metadataLocation)
})

test('each manifest is read once, however many snapshots share it', async () => {
  const bucket = bucketOf('orders')
  const tenant = await storeOf('orders')
  await dropWithPurge(tenant, 'orders')
  await runToEnd(bucket, tenant, 'purge-orders')
  const { lists, manifests } = TABLES.orders
  expect(bucket.calls.stream).toBe(Object.keys(lists).length + Object.keys(manifests).length)
})

test.each([1, 2, 3, 7])('a budget of %d is never overspent, and the job still comes to its end', async (budget) => {
  const bucket = bucketOf('orders', 'legacy')
  const tenant = await storeOf('orders', 'legacy')
  await dropWithPurge(tenant, 'orders')
  const runs = await runToEnd(bucket, tenant, 'purge-orders', budget)
  for (const { looked, deleted } of runs) {
    expect(looked).toBeLessThanOrEqual(budget)
    expect(deleted).toBeLessThanOrEqual(budget)
  }
  expect([...bucket.files.keys()]).toEqual(TABLES.legacy.keys)
})

test('a job whose metadata file lies elsewhere ends too, with any budget', async () => {
  const bucket = bucketOf('legacy')
  const tenant = await storeOf('legacy')
  await dropWithPurge(tenant, 'legacy', { locations: ['s3://lake/sales/legacy/data/'] })
  const runs = await runToEnd(bucket, tenant, 'purge-legacy', 1)
  expect(runs.at(-1)).toMatchObject({ state: 'done', leftAlone: 1 })
  expect([...bucket.files.keys()]).toEqual(TABLES.legacy.keys.filter((key) => key.includes('/metadata/')))
})

test('a folder that R2 knows by another name is left alone: another table may have it', async () => {
  const bucket = bucketOf('legacy')
  const tenant = await storeOf('legacy')
  const { metadataLocation, keys } = TABLES.legacy
  const bytes = bucket.files.get(metadataLocation.replace('s3://lake/', '')) ?? new Uint8Array(0)
  bucket.files.set('\u212aonto/m.json', bytes)
  const alias = { locations: ['s3://lake/\u212aonto/'], metadataLocation: 's3://lake/\u212aonto/m.json' }
  await dropWithPurge(tenant, 'legacy', alias)
  const runs = await runToEnd(bucket, tenant, 'purge-legacy')
  expect(runs.at(-1)).toMatchObject({ state: 'done', unreadable: 0, deleted: 0 })
  expect(bucket.files.size).toBe(keys.length + 1)
})

test('it waits while a tag, or a branch, names the table', async () => {
  const bucket = bucketOf('orders')
  const tenant = await storeOf('orders')
  await tenant.branches.fork({ id: 'dev', name: 'dev', from: { branchId: 'main' }, at: '2026-01-01T00:00:00.000Z' })
  await dropWithPurge(tenant, 'orders')
  expect((await runToEnd(bucket, tenant, 'purge-orders')).at(-1)?.state).toBe('waiting')
  expect(bucket.calls).toEqual({ read: 0, stream: 0, delete: 0 })
  await dropOn(tenant, 'dev', 'orders')
  await tenant.branches.close('dev')
  expect((await runToEnd(bucket, tenant, 'purge-orders')).at(-1)?.state).toBe('done')

  const tagged = await storeOf('legacy')
  await tagged.branches.tag({ id: 'v1', name: 'v1', from: { branchId: 'main' }, at: '2026-01-01T00:00:00.000Z' })
  await dropWithPurge(tagged, 'legacy')
  expect((await runToEnd(bucketOf('legacy'), tagged, 'purge-legacy')).at(-1)?.state).toBe('waiting')
  expect(await tagged.purges.pending({ limit: 10 })).toHaveLength(1)
})

test('nothing can come to name the files once their purge was asked for', async () => {
  const bucket = bucketOf('orders')
  const tenant = await storeOf('orders')
  await dropWithPurge(tenant, 'orders')
  expect(await runOnce(bucket, tenant, 'purge-orders', 3)).toBe('more')
  const late = { id: 'late', name: 'late', from: { branchId: 'main', seq: 1 }, at: '2026-01-01T00:00:00.000Z' }
  expect(await tenant.branches.tag(late)).toBeNull()
  expect(await tenant.branches.fork(late)).toBeNull()
})

test('a name that appears after the first look is seen before the first deletion', async () => {
  const bucket = bucketOf('legacy')
  const tenant = await storeOf('legacy')
  const job = await dropWithPurge(tenant, 'legacy')
  let asked = 0
  const purges = { ...tenant.purges, stillNamed: async () => ++asked === 2 }
  expect((await runPurge({ ...bucket, purges, budget: 100 }, job)).state).toBe('waiting')
  expect(bucket.deleted).toEqual([])
})

test.each([
  ['gc.enabled', 'false', false],
  ['GC.Enabled', 'FALSE', false],
  ['gc.enabled', 'no', false],
  ['gc.enabled', 'TRUE', true],
])('with %s set to %s data files are deleted: %s', async (name, value, collected) => {
  const bucket = bucketOf('legacy')
  edit(bucket, 'legacy', (metadata) => ({ ...metadata, properties: { [name]: value } }))
  const tenant = await storeOf('legacy')
  await dropWithPurge(tenant, 'legacy')
  await runToEnd(bucket, tenant, 'purge-legacy')
  const data = TABLES.legacy.keys.filter((key) => key.endsWith('.parquet'))
  expect([...bucket.files.keys()]).toEqual(collected ? [] : data)
  if (!collected) expect(bucket.calls.stream).toBe(Object.keys(TABLES.legacy.lists).length)
})

test('statistics go, and a snapshot may name its manifests itself', async () => {
  const bucket = bucketOf('legacy')
  const folder = TABLES.legacy.location
  const statistics = ['one.stats', 'two.puffin'].map((name) => ({ 'statistics-path': `${folder}metadata/${name}` }))
  edit(bucket, 'legacy', (metadata) => ({
    ...metadata,
    snapshots: (metadata['snapshots'] as Record<string, unknown>[]).map(({ 'manifest-list': list, ...snapshot }) => ({
      ...snapshot,
      manifests: Object.entries(TABLES.legacy.lists)
        .find(([path]) => path === list)?.[1]
        .map(([path]) => path),
    })),
    statistics: [{ ...statistics[0], ...STATISTICS }],
    'partition-statistics': [{ ...statistics[1], 'snapshot-id': 1, 'file-size-in-bytes': 1 }],
  }))
  for (const name of ['one.stats', 'two.puffin']) bucket.files.set(`sales/legacy/metadata/${name}`, new Uint8Array(1))
  const tenant = await storeOf('legacy')
  await dropWithPurge(tenant, 'legacy')
  await runToEnd(bucket, tenant, 'purge-legacy')
  expect([...bucket.files.keys()].filter((key) => !key.includes('/snap-'))).toEqual([])
})

test('gzipped metadata is read', async () => {
  const bucket = bucketOf('legacy')
  const key = keyOf(TABLES.legacy.metadataLocation)
  const packed = new Blob([bucket.files.get(key) ?? '']).stream().pipeThrough(new CompressionStream('gzip'))
  bucket.files.set(
    'sales/legacy/metadata/v9.gz.metadata.json',
    new Uint8Array(await new Response(packed).arrayBuffer()),
  )
  bucket.files.delete(key)
  const tenant = await storeOf('legacy')
  await dropWithPurge(tenant, 'legacy', { metadataLocation: 's3://lake/sales/legacy/metadata/v9.gz.metadata.json' })
  await runToEnd(bucket, tenant, 'purge-legacy')
  expect(bucket.files.size).toBe(0)
})

test('files that are gone already, and manifests that cannot be read, are passed over', async () => {
  const bucket = bucketOf('orders')
  const [list = '', next = ''] = Object.keys(TABLES.orders.lists)
  const [missing = '', cut = ''] = Object.keys(TABLES.orders.manifests).map(keyOf)
  expect(Object.entries<string[][]>(TABLES.orders.lists).find(([path]) => path === next)?.[1]).toHaveLength(2)
  bucket.files.delete(keyOf(list))
  bucket.files.delete(missing)
  bucket.files.set(cut, (bucket.files.get(cut) ?? new Uint8Array()).subarray(0, 4000))
  const tenant = await storeOf('orders')
  await dropWithPurge(tenant, 'orders')
  const [progress] = await runToEnd(bucket, tenant, 'purge-orders')
  expect(progress).toMatchObject({ state: 'done', unreadable: 1 })
  expect([...bucket.files.keys()].filter((key) => key.includes('/metadata/'))).toEqual([])
})

test.each([
  ['is gone', null, 0],
  ['is no JSON', '{', 1],
])('without a metadata file to go by (it %s) the job ends and deletes nothing', async (_, content, unreadable) => {
  const bucket = bucketOf('legacy')
  const key = keyOf(TABLES.legacy.metadataLocation)
  if (content === null) bucket.files.delete(key)
  else bucket.files.set(key, new TextEncoder().encode(content))
  const tenant = await storeOf('legacy')
  await dropWithPurge(tenant, 'legacy')
  expect(await runToEnd(bucket, tenant, 'purge-legacy')).toEqual([
    { state: 'done', looked: 0, deleted: 0, leftAlone: 0, unreadable },
  ])
  expect(bucket.deleted).toEqual([])
})

test('what a manifest says of other places is left alone', async () => {
  const own = 's3://lake/sales/orders/data'
  const partition = `${own}/region=a%2Fb+c%25d../1.parquet`
  const foreign = [
    's3://lake/sales/orders2/data/1.parquet',
    's3://lake/sales/legacy/data/1.parquet',
    `${own}/../../legacy/data/1.parquet`,
    `${own}/./1.parquet`,
    `${own}//1.parquet`,
    `${own}/`,
    's3://lake/sales/orders',
    's3://other/sales/orders/data/1.parquet',
    'https://lake/sales/orders/data/1.parquet',
    'sales/orders/data/1.parquet',
    `${own}/\u0000.parquet`,
    '',
  ]
  const bucket = emptyBucket(new Map(bucketOf('orders', 'legacy').files))
  const [manifest = ''] = Object.keys(TABLES.orders.manifests)
  bucket.files.set(keyOf(manifest), manifestOf([...foreign, partition, TABLES.orders.metadataLocation]))
  for (const uri of [...foreign.slice(0, 2), partition]) bucket.files.set(keyOf(uri), new Uint8Array(1))
  const tenant = await storeOf('orders', 'legacy')
  await dropWithPurge(tenant, 'orders')
  const [progress] = await runToEnd(bucket, tenant, 'purge-orders')
  expect(progress?.leftAlone).toBe(foreign.length + 1)
  expect(bucket.deleted.filter((key) => !key.startsWith('sales/orders/'))).toEqual([])
  expect(bucket.deleted).toContain(keyOf(partition))
  expect(bucket.deleted.at(-1)).toBe(keyOf(TABLES.orders.metadataLocation))
})

test('at most 1,000 objects are deleted at a time, and a long manifest is taken up where it was left', async () => {
  const files = Array.from({ length: 3500 }, (_, index) => `s3://lake/sales/legacy/data/${index}.parquet`)
  const bucket = bucketOf('legacy')
  const [manifest = ''] = Object.keys(TABLES.legacy.manifests)
  bucket.files.set(keyOf(manifest), manifestOf(files))
  for (const file of files) bucket.files.set(keyOf(file), new Uint8Array(1))
  const sizes: number[] = []
  bucket.beforeDelete = async (keys) => void sizes.push(keys.length)
  const tenant = await storeOf('legacy')
  await dropWithPurge(tenant, 'legacy')
  const runs = await runToEnd(bucket, tenant, 'purge-legacy', 1500)
  expect(Math.max(...sizes)).toBe(1000)
  expect(runs.map(({ state }) => state)).toEqual(['more', 'more', 'done'])
  expect(bucket.deleted).toHaveLength(new Set(bucket.deleted).size)
  expect([...bucket.files.keys()].filter((key) => files.includes(`s3://lake/${key}`))).toEqual([])
})

const STATISTICS = { 'snapshot-id': 1, 'file-size-in-bytes': 1, 'file-footer-size-in-bytes': 1, 'blob-metadata': [] }

async function runOnce(
  bucket: Bucket,
  tenant: Awaited<ReturnType<typeof storeOf>>,
  id: string,
  budget: number,
): Promise<string> {
  const [job] = (await tenant.purges.pending({ limit: 10 })).filter((pending) => pending.id === id)
  if (!job) throw new Error(`expected the job ${id}`)
  return (await runPurge({ ...bucket, purges: tenant.purges, budget }, job)).state
}

function keyOf(uri: string): string {
  return uri.replace(/^s3:\/\/lake\//, '')
}

function edit(
  bucket: Bucket,
  table: TableName,
  change: (metadata: Record<string, unknown>) => Record<string, unknown>,
): void {
  const key = keyOf(TABLES[table].metadataLocation)
  const source = new TextDecoder().decode(bucket.files.get(key))
  const exact = source.replaceAll(/:(\d{16,})/g, ':"#$1"')
  const changed = JSON.stringify(change(JSON.parse(exact) as Record<string, unknown>)).replaceAll(/"#(\d+)"/g, '$1')
  bucket.files.set(key, new TextEncoder().encode(changed))
}

function manifestOf(paths: readonly string[]): Uint8Array {
  const file = { ...(record({ file_path: 'string' }) as object), name: 'data_file' }
  const rows = paths.flatMap((path) => [2, ...text(path)])
  return Uint8Array.from([...header(record({ status: 'int', data_file: file })), ...block(paths.length, rows)])
}
