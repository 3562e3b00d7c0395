// Contract: a table that wants it loses the metadata files its log no longer names, and nothing else is ever deleted.
// Source: Iceberg table properties write.metadata.delete-after-commit.enabled, previous-versions-max; security cases 4, 32.
import { describe, expect, it } from 'vitest'
import { openCatalog, SIMPLE_SCHEMA, type Answer, type TestCatalog } from '#test/support/catalog'
import { memoryObjects } from '#test/support/objects'
import { replaceRequest, viewRequest } from '#test/support/views'

const NS = '/v1/demo/namespaces/ns'
const TABLE = `${NS}/tables/t`
const SHORT = {
  'write.metadata.delete-after-commit.enabled': 'true',
  'write.metadata.previous-versions-max': '2',
}

describe('old metadata files', () => {
  it('are deleted where the table says so, and stay where it does not', async () => {
    const catalog = await lake()
    const all = await tableOf(catalog, 't', SHORT)
    const kept = await tableOf(catalog, 'kept', { ...SHORT, 'write.metadata.delete-after-commit.enabled': 'false' })
    for (let n = 0; n < 10; n += 1) {
      all.push(await touch(catalog, 't', n))
      kept.push(await touch(catalog, 'kept', n))
    }
    expect(filesOf(catalog)).toEqual([...all.slice(-3), ...kept].toSorted())
    expect((await catalog.call(catalog.admin, 'GET', TABLE)).json.metadata['metadata-log']).toHaveLength(2)
  })

  it('go from the commit on that asks for it, as far as that commit drops them', async () => {
    const catalog = await lake()
    const all = await tableOf(catalog, 't')
    for (let n = 0; n < 5; n += 1) all.push(await touch(catalog, 't', n))
    const last = await set(catalog, 't', { ...SHORT, 'write.metadata.delete-after-commit.enabled': 'TRUE' })
    expect(filesOf(catalog)).toEqual([...all.slice(-2), last].toSorted())
  })

  it('follow the table through a rename, a transaction and a lost cache', async () => {
    const catalog = await lake()
    const all = await tableOf(catalog, 't', SHORT)
    for (let n = 0; n < 3; n += 1) all.push(await touch(catalog, 't', n))
    const destination = { namespace: ['ns'], name: 'moved' }
    await done(catalog, 'POST', '/v1/demo/tables/rename', { source: { namespace: ['ns'], name: 't' }, destination })
    catalog.evict()
    const change = { identifier: destination, requirements: [], updates: [updating({ a: 'x' })] }
    await done(catalog, 'POST', '/v1/demo/transactions/commit', { 'table-changes': [change] })
    all.push((await done(catalog, 'GET', `${NS}/tables/moved`)).json['metadata-location'])
    expect(filesOf(catalog)).toEqual(all.slice(-3).toSorted())
  })

  it('stay while a tag or a branch rests on them', async () => {
    const catalog = await lake()
    const tenant = catalog.store.tenant(catalog.tenantId)
    const all = await tableOf(catalog, 't', SHORT)
    for (let n = 0; n < 4; n += 1) all.push(await touch(catalog, 't', n))
    const main = (await tenant.read({ at: { catalog: 'demo', ref: 'main' } })).place?.branch.id ?? ''
    const refs = { from: { branchId: main }, at: new Date().toISOString() }
    expect(await tenant.branches.tag({ id: 'v1', name: 'v1', ...refs })).not.toBeNull()
    all.push(await touch(catalog, 't', 4))
    expect(await tenant.branches.fork({ id: 'dev', name: 'dev', ...refs })).not.toBeNull()
    for (let n = 5; n < 10; n += 1) all.push(await touch(catalog, 't', n))
    expect(filesOf(catalog)).toEqual([...all.slice(2, 6), ...all.slice(-3)].toSorted())
    catalog.evict()
    for (const [prefix, file] of [
      ['demo@v1', all[4]],
      ['demo@dev', all[5]],
      ['demo', all[10]],
    ]) {
      const loaded = await catalog.call(catalog.admin, 'GET', TABLE.replace('demo', prefix ?? ''))
      expect([loaded.status, loaded.json['metadata-location']]).toEqual([200, file])
      const logged = loaded.json.metadata['metadata-log'].map((entry: Record<string, string>) => entry['metadata-file'])
      expect(filesOf(catalog)).toEqual(expect.arrayContaining(logged))
    }
    const past = { id: 'old', name: 'old', from: { branchId: main, seq: 2 }, at: refs.at }
    expect(await tenant.branches.tag(past)).toBeNull()
    expect(await tenant.branches.fork(past)).toBeNull()
  })

  it('stay if storage fails, and nothing comes to point at them again', async () => {
    const files = memoryObjects()
    const failing = { ...files, delete: async () => Promise.reject(new Error('the bucket did not answer')) }
    const catalog = await openCatalog({ files, objects: failing })
    await done(catalog, 'POST', '/v1/demo/namespaces', { namespace: ['ns'] })
    const all = await tableOf(catalog, 't', SHORT)
    for (let n = 0; n < 4; n += 1) all.push(await touch(catalog, 't', n))
    expect(filesOf(catalog)).toEqual(all.toSorted())
    const register = { name: 't', 'metadata-location': all[0], overwrite: true }
    const overwritten = await catalog.call(catalog.admin, 'POST', `${NS}/register`, register)
    expect([overwritten.status, overwritten.json.error.type]).toEqual([404, 'NotFoundException'])
    expect(overwritten.text).toContain('Failed to open input stream for file')
    await done(catalog, 'DELETE', TABLE)
    for (const file of [all[0], all[0]?.replace('s3:', 's3a:')]) {
      const again = await catalog.call(catalog.admin, 'POST', `${NS}/register`, {
        name: 't',
        'metadata-location': file,
      })
      expect(again.status).toBe(404)
    }
    await done(catalog, 'POST', `${NS}/register`, { name: 't', 'metadata-location': all[4] })
  })

  it('that are gone cannot be registered, and those that are left can', async () => {
    const catalog = await lake()
    const all = await tableOf(catalog, 't', SHORT)
    for (let n = 0; n < 4; n += 1) all.push(await touch(catalog, 't', n))
    const register = (file = '') =>
      catalog.call(catalog.admin, 'POST', `${NS}/register`, { name: 't', 'metadata-location': file, overwrite: true })
    expect((await register(all[0])).status).toBe(404)
    expect((await register(all[3])).status).toBe(200)
    const first = await touch(catalog, 't', 9)
    expect(filesOf(catalog)).toEqual([...all.slice(2), first].toSorted())
  })

  it('of a view stay, whatever its properties say', async () => {
    const catalog = await lake()
    await done(catalog, 'POST', `${NS}/views`, { ...viewRequest('v'), properties: { ...SHORT } })
    for (let n = 0; n < 4; n += 1) await done(catalog, 'POST', `${NS}/views/v`, replaceRequest(`select ${n}`))
    expect(filesOf(catalog)).toHaveLength(5)
  })
})

describe('a metadata log of a client’s making', () => {
  it('deletes nothing: neither of a neighbour nor anything that the catalog never pointed at', async () => {
    const catalog = await lake()
    const victims = await tableOf(catalog, 'victim')
    victims.push(await touch(catalog, 'victim', 0))
    const neighbour = await catalog.neighbour()
    await done(neighbour, 'POST', '/v1/demo/namespaces', { namespace: ['ns'] })
    victims.push(...(await tableOf(neighbour, 'theirs')))
    const own = ['data/rows.parquet', 'metadata/00000-old.metadata.json', 'metadata/snap-1.avro']
    for (const name of own) catalog.objects.files.set(`s3://lake/mine/${name}`, new Uint8Array(1))
    const log = [...victims.slice(0, 2), ...own.map((name) => `s3://lake/mine/${name}`), 's3a://lake/mine/data/x']
    const file = 's3://lake/mine/metadata/00001-evil.metadata.json'
    await tableOf(catalog, 'sample')
    const { metadata } = (await done(catalog, 'GET', `${NS}/tables/sample`)).json
    const evil = {
      ...metadata,
      location: 's3://lake/mine',
      properties: { ...SHORT, 'write.metadata.previous-versions-max': '1' },
      'metadata-log': log.map((uri, n) => ({ 'timestamp-ms': n + 1, 'metadata-file': uri })),
    }
    catalog.objects.files.set(file, new TextEncoder().encode(JSON.stringify(evil)))
    const before = filesOf(catalog)
    await done(catalog, 'POST', `${NS}/register`, { name: 't', 'metadata-location': file })
    const added = [await touch(catalog, 't', 0), await touch(catalog, 't', 1)]
    // The file that was registered is the table's own from then on, and falls out of its log with the second commit.
    expect(filesOf(catalog)).toEqual([...before.filter((uri) => uri !== file), ...added].toSorted())
  })

  it('is refused where it names another tenant’s storage', async () => {
    const catalog = await lake()
    await tableOf(catalog, 'sample')
    const { metadata } = (await done(catalog, 'GET', `${NS}/tables/sample`)).json
    const entry = { 'timestamp-ms': 1, 'metadata-file': 's3://lake2/t/metadata/00000-x.metadata.json' }
    const evil = { ...metadata, location: 's3://lake/mine', 'metadata-log': [entry] }
    const file = 's3://lake/mine/metadata/00001-evil.metadata.json'
    catalog.objects.files.set(file, new TextEncoder().encode(JSON.stringify(evil)))
    const register = { name: 't', 'metadata-location': file }
    expect((await catalog.call(catalog.admin, 'POST', `${NS}/register`, register)).status).toBe(400)
  })
})

async function lake(): Promise<TestCatalog> {
  const catalog = await openCatalog()
  await done(catalog, 'POST', '/v1/demo/namespaces', { namespace: ['ns'] })
  return catalog
}

/** Creates a table; answers its first metadata file, in a list for those that follow. */
async function tableOf(catalog: TestCatalog, name: string, properties: Record<string, string> = {}): Promise<string[]> {
  const created = await done(catalog, 'POST', `${NS}/tables`, { name, schema: SIMPLE_SCHEMA, properties })
  return [created.json['metadata-location']]
}

async function touch(catalog: TestCatalog, name: string, n: number): Promise<string> {
  return set(catalog, name, { touched: String(n) })
}

async function set(catalog: TestCatalog, name: string, properties: Record<string, string>): Promise<string> {
  const body = { requirements: [], updates: [updating(properties)] }
  return (await done(catalog, 'POST', `${NS}/tables/${name}`, body)).json['metadata-location']
}

function updating(updates: Record<string, string>): object {
  return { action: 'set-properties', updates }
}

function filesOf({ objects }: TestCatalog): string[] {
  return [...objects.files.keys()].toSorted()
}

async function done(catalog: TestCatalog, method: string, path: string, body?: unknown): Promise<Answer> {
  const answer = await catalog.call(catalog.admin, method, path, body)
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`)
  return answer
}
