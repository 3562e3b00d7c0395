// Contract: register with overwrite moves an existing table's pointer in one commit; unregister takes it out whole.
// Source: REST specification, registerTable (`overwrite`), unregisterTable; security cases 4, 10, 20.
import { beforeEach, describe, expect, it } from 'vitest'
import { assetKey } from '#catalog/keys'
import type { GrantAction } from '#domain/records'
import { METADATA_CACHE_CHARS } from '#src/limits'
import type { Entry } from '#versions/model'
import type { Answer, Person } from '#test/support/catalog'
import { meanwhile, openLake, setting, type Lake } from '#test/support/lake'

const REGISTER = '/v1/demo/namespaces/ns/register'
const TABLES = '/v1/demo/namespaces/ns/tables'

let lake: Lake

beforeEach(async () => {
  lake = await openLake()
})

async function locationOf(name: string): Promise<string> {
  return (await lake.load(name)).json['metadata-location']
}

async function rowOf(name: string): Promise<Entry | null> {
  const { entries } = await lake.catalog.store
    .tenant(lake.catalog.tenantId)
    .read({ at: { catalog: 'demo', ref: 'main' }, keys: [assetKey({ namespace: ['ns'], name })] })
  return entries[0] ?? null
}

function overwrite(name: string, location: string, person: Person = lake.catalog.admin): Promise<Answer> {
  return lake.catalog.call(person, 'POST', REGISTER, { name, 'metadata-location': location, overwrite: true })
}

async function refused(answer: Answer, status: number, type: string, before: string): Promise<void> {
  expect([answer.status, answer.json?.error?.type], answer.text).toEqual([status, type])
  expect(await lake.everything()).toBe(before)
}

async function granted(actions: GrantAction[], name?: string): Promise<Person> {
  const { catalogId } = lake.catalog
  const scope = name
    ? { type: 'asset' as const, catalogId, objectId: (await rowOf(name))?.objectId ?? '' }
    : { type: 'catalog' as const, catalogId }
  return lake.catalog.person('tenant-user', { scope, actions })
}

describe('register with overwrite', () => {
  it('points the table at the file, in one commit, and it stays the same object', async () => {
    const [old, before] = [await locationOf('a'), await rowOf('a')]
    await lake.post(`${TABLES}/a`, setting('a', 'k'))
    lake.counts.commits = 0
    const answer = await overwrite('a', old)
    expect([answer.status, answer.json['metadata-location'], lake.counts.commits]).toEqual([200, old, 1])
    expect(answer.json.metadata).toEqual((await lake.load('a')).json.metadata)
    expect([await locationOf('a'), await lake.properties('a')]).toEqual([old, {}])
    expect((await rowOf('a'))?.objectId).toBe(before?.objectId)
    expect((await lake.post(`${TABLES}/a`, setting('a', 'again'))).status).toBe(200)
  })

  it('writes nothing if the table is there already', async () => {
    const before = await lake.everything()
    const answer = await overwrite('a', await locationOf('a'))
    expect([answer.status, await lake.everything()]).toEqual([200, before])
  })

  it('registers where there is nothing yet', async () => {
    const location = await locationOf('a')
    await lake.catalog.call(lake.catalog.admin, 'DELETE', `${TABLES}/a`)
    expect((await overwrite('new', location)).status).toBe(200)
    expect(await locationOf('new')).toBe(location)
  })

  it('without it is a 409, as it was', async () => {
    const before = await lake.everything()
    const body = { name: 'a', 'metadata-location': await locationOf('a') }
    await refused(await lake.post(REGISTER, body), 409, 'AlreadyExistsException', before)
    await refused(await lake.post(REGISTER, { ...body, overwrite: false }), 409, 'AlreadyExistsException', before)
    await refused(await lake.post(REGISTER, { ...body, overwrite: 'yes' }), 400, 'BadRequestException', before)
  })

  it('does not take the files of another table', async () => {
    const before = await lake.everything()
    await refused(await overwrite('a', await locationOf('b')), 400, 'BadRequestException', before)
  })

  it('gives up the folders of a table that it no longer is, and keeps those of one that it is', async () => {
    const [a, b] = [await rowOf('a'), await rowOf('b')]
    await lake.catalog.call(lake.catalog.admin, 'DELETE', `${TABLES}/b`)
    expect((await overwrite('a', b?.metadataLocation ?? '')).status).toBe(200)
    expect((await rowOf('a'))?.locations).toEqual(b?.locations)
    const moved = { requirements: [], updates: [{ action: 'set-location', location: 's3://lake/moved' }] }
    await lake.post(`${TABLES}/a`, moved)
    expect((await overwrite('a', b?.metadataLocation ?? '')).status).toBe(200)
    expect((await rowOf('a'))?.locations).toEqual([...(b?.locations ?? []), 's3://lake/moved/'])
    expect((await rowOf('a'))?.objectId).toBe(a?.objectId)
  })

  it('refuses a file that is not there, or not table metadata', async () => {
    const location = await locationOf('a')
    lake.catalog.objects.files.set(`${location}x`, new TextEncoder().encode('{'))
    const before = await lake.everything()
    await refused(await overwrite('a', `${location}y`), 404, 'NotFoundException', before)
    await refused(await overwrite('a', `${location}x`), 400, 'BadRequestException', before)
    await refused(await overwrite('a', 's3://elsewhere/a'), 400, 'BadRequestException', before)
  })

  it.each<[string, object]>([
    ['a format version of the future', { 'format-version': 9 }],
    ['another place outside the warehouse', { location: 's3://elsewhere/a' }],
    ['a place that the file is not in', { location: 's3://lake/not-here' }],
    ['a history outside the warehouse', { 'metadata-log': [{ 'timestamp-ms': 1, 'metadata-file': 'file:///etc/x' }] }],
  ])('refuses a file that says %s', async (_, changed) => {
    const metadata = { ...(await lake.load('a')).json.metadata, ...changed }
    const location = (await locationOf('a')).replace('00000-', '00009-')
    lake.catalog.objects.files.set(location, new TextEncoder().encode(JSON.stringify(metadata)))
    await refused(await overwrite('a', location), 400, 'BadRequestException', await lake.everything())
  })

  it.each<[string, GrantAction[], number]>([
    ['create alone', ['create'], 403],
    ['create and update', ['create', 'update'], 403],
    ['create and delete', ['create', 'delete'], 403],
    ['update and delete', ['update', 'delete'], 403],
    ['create, update and delete', ['create', 'update', 'delete'], 403],
    ['write', ['write'], 200],
  ])('needs write on the catalog, and with it update and delete on the table: %s', async (_, actions, status) => {
    const location = await locationOf('a')
    await lake.post(`${TABLES}/a`, setting('a', 'k'))
    const before = await lake.everything()
    expect((await overwrite('a', location, await granted(actions))).status).toBe(status)
    if (status !== 200) expect(await lake.everything()).toBe(before)
  })

  it('does not bring back what a dropped table left behind for a writer of the catalog', async () => {
    const location = await locationOf('b')
    await lake.catalog.call(lake.catalog.admin, 'DELETE', `${TABLES}/b`)
    const before = await lake.everything()
    const writer = await granted(['write'])
    await refused(await overwrite('a', location, writer), 400, 'BadRequestException', before)
  })

  it('is tried again after a commit in between, and refused after a drop', async () => {
    const old = await locationOf('a')
    await lake.post(`${TABLES}/a`, setting('a', 'i'))
    meanwhile(lake, () => lake.post(`${TABLES}/a`, setting('a', 'k')))
    expect((await overwrite('a', old)).status).toBe(200)
    expect(await locationOf('a')).toBe(old)
    await lake.post(`${TABLES}/a`, setting('a', 'j'))
    meanwhile(lake, () => lake.catalog.call(lake.catalog.admin, 'DELETE', `${TABLES}/a`))
    const answer = await overwrite('a', old)
    expect([answer.status, answer.json.error.type]).toEqual([409, 'CommitFailedException'])
  })
})

describe('unregister', () => {
  const unregister = (name: string, person: Person = lake.catalog.admin): Promise<Answer> =>
    lake.catalog.call(person, 'POST', `${TABLES}/${name}/unregister`)

  it('answers what the table was, and leaves every file', async () => {
    await lake.post(`${TABLES}/a`, setting('a', 'k'))
    const loaded = (await lake.load('a')).json
    const files = [...lake.catalog.objects.files.keys()]
    const answer = await unregister('a')
    expect([answer.status, Object.keys(answer.json)]).toEqual([200, ['metadata-location', 'metadata']])
    expect(answer.json).toEqual({ 'metadata-location': loaded['metadata-location'], metadata: loaded.metadata })
    expect((await lake.load('a')).status).toBe(404)
    expect([...lake.catalog.objects.files.keys()]).toEqual(files)
    const back = { name: 'a', 'metadata-location': answer.json['metadata-location'] }
    expect((await lake.post(REGISTER, back)).status).toBe(200)
    expect(await lake.properties('a')).toEqual({ k: 'x' })
  })

  it('includes a commit that came in between, and nothing comes after it', async () => {
    meanwhile(lake, () => lake.post(`${TABLES}/a`, setting('a', 'late')))
    const answer = await unregister('a')
    expect([answer.status, answer.json.metadata.properties]).toEqual([200, { late: 'x' }])
    const after = await lake.post(`${TABLES}/a`, setting('a', 'too-late'))
    expect([after.status, after.json.error.type]).toEqual([404, 'NoSuchTableException'])
    expect((await lake.transaction(setting('b', 'k'), setting('a', 'k'))).status).toBe(404)
  })

  it('fails a commit that is under way', async () => {
    meanwhile(lake, () => unregister('a'))
    const answer = await lake.post(`${TABLES}/a`, setting('a', 'k'))
    expect([answer.status, answer.json.error.type]).toEqual([404, 'NoSuchTableException'])
    expect(lake.catalog.objects.files.size).toBe(3)
  })

  it('is one 200 and otherwise 404 if many ask', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => unregister('a')))
    const statuses = answers.map(({ status }) => status).toSorted()
    expect(statuses).toEqual([200, ...Array.from({ length: 19 }, () => 404)])
  })

  it('of a table whose metadata is gone changes nothing', async () => {
    const tooLongToRemember = { filler: 'x'.repeat(METADATA_CACHE_CHARS / 4) }
    await lake.createTable('ns', 'lost', { properties: tooLongToRemember })
    lake.catalog.objects.files.delete((await rowOf('lost'))?.metadataLocation ?? '')
    const before = await lake.everything()
    await refused(await unregister('lost'), 404, 'NotFoundException', before)
  })

  it.each<[GrantAction[], number]>([
    [['read'], 403],
    [['delete'], 403],
    [['read', 'delete'], 200],
  ])('needs read and delete: %j', async (actions, status) => {
    expect((await unregister('a', await granted(actions, 'a'))).status).toBe(status)
    expect((await unregister('b', await granted(actions, 'c'))).status).toBe(404)
  })
})
