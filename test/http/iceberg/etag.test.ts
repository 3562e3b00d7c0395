// Contract: a table that has not changed for its caller is a 304 that reads and mints nothing; anything else is not.
// Source: REST specification, loadTable (ETag, If-None-Match); RFC 9110, 13.1.2; security cases 14, 15.
import { beforeEach, describe, expect, it } from 'vitest'
import type { ObjectStore } from '#objects/objects'
import {
  CREDENTIAL_REUSE_SECONDS,
  CREDENTIAL_TTL_SECONDS,
  ETAG_WINDOW_SECONDS,
  IDEMPOTENCY_CREDENTIAL_SECONDS,
} from '#src/limits'
import { openCatalog, SIMPLE_SCHEMA, type Answer, type Person, type TestCatalog } from '#test/support/catalog'
import { creationAt } from '#test/support/creation'
import { memoryObjects } from '#test/support/objects'

const TABLES = '/v1/demo/namespaces/ns/tables'
const SETTING = { requirements: [], updates: [{ action: 'set-properties', updates: { a: 'b' } }] }

let catalog: TestCatalog
let created: Answer
let objectCalls: number
let nowMs: number

beforeEach(async () => {
  objectCalls = 0
  nowMs = Math.ceil(Date.now() / (ETAG_WINDOW_SECONDS * 1000)) * ETAG_WINDOW_SECONDS * 1000
  const files = memoryObjects()
  const counted = <Input extends unknown[], Output>(call: (...input: Input) => Output) => {
    return (...input: Input): Output => {
      objectCalls += 1
      return call(...input)
    }
  }
  const objects: ObjectStore = {
    read: counted((...input) => files.read(...input)),
    stream: counted((...input) => files.stream(...input)),
    create: counted((...input) => files.create(...input)),
    delete: counted((...input) => files.delete(...input)),
  }
  catalog = await openCatalog({ files, objects, now: () => new Date(nowMs) })
  await post('/v1/demo/namespaces', { namespace: ['ns'] })
  created = await post(TABLES, { name: 't', schema: SIMPLE_SCHEMA })
})

function post(path: string, body?: unknown): Promise<Answer> {
  return catalog.call(catalog.admin, 'POST', path, body)
}

function load(headers: Record<string, string> = {}, path = `${TABLES}/t`, person: Person = catalog.admin) {
  return catalog.call(person, 'GET', path, undefined, headers)
}

function etagOf(answer: Answer): string {
  const etag = answer.headers.get('etag')
  expect(etag, answer.text).toMatch(/^W\/"[0-9a-f]{32}"$/)
  return etag ?? ''
}

function delegating(modes: string): Record<string, string> {
  return { 'x-iceberg-access-delegation': modes }
}

/** Whether a load is answered 304 to somebody who has `etag`. */
async function stillMatches(etag: string, ...rest: Parameters<typeof load>): Promise<boolean> {
  const [headers, ...others] = rest
  const { status } = await load({ ...headers, 'if-none-match': etag }, ...others)
  expect([200, 304]).toContain(status)
  return status === 304
}

describe('a load with If-None-Match', () => {
  it('is a 304 without a body, an object call or a credential', async () => {
    const etag = etagOf(await load())
    objectCalls = 0
    const answer = await load({ 'if-none-match': etag })
    expect([answer.status, answer.text, answer.headers.get('etag'), objectCalls]).toEqual([304, '', etag, 0])
  })

  it('is not a 304 unless the client asked', async () => {
    expect((await load()).status).toBe(200)
  })

  it.each<[string, (etag: string) => string, boolean]>([
    ['as it was sent', (etag) => etag, true],
    ['strong', (etag) => etag.slice(2), true],
    ['bare', (etag) => etag.slice(3, -1), true],
    ['weakened twice over by a proxy in lower case', (etag) => etag.toLowerCase(), true],
    ['in a list', (etag) => `"other", ${etag},"more"`, true],
    ['any, which says nothing of the credential that the client has', () => '*', false],
    ['another', () => 'W/"0123456789abcdef0123456789abcdef"', false],
    ['nothing', () => '', false],
    ['a part of it', (etag) => etag.slice(0, -5), false],
    ['an empty tag', () => 'W/""', false],
  ])('compares weakly: %s', async (_, write, matches) => {
    expect(await stillMatches(write(etagOf(await load())))).toBe(matches)
  })

  it('is a 304 to anything that the client may have, if no credential is in it', async () => {
    expect(await stillMatches('*', delegating('none'))).toBe(true)
    expect(await stillMatches('*', delegating('vended-credentials'))).toBe(false)
  })

  it('is refused before it is compared', async () => {
    const etag = etagOf(await load())
    const nobody = await catalog.person('tenant-user')
    for (const tag of [etag, '*']) {
      expect((await load({ 'if-none-match': tag }, `${TABLES}/t`, nobody)).status).toBe(404)
      expect((await load({ 'if-none-match': tag }, `${TABLES}/absent`)).status).toBe(404)
      expect((await catalog.call(null, 'GET', `${TABLES}/t`, undefined, { 'if-none-match': tag })).status).toBe(401)
    }
  })
})

describe('an ETag', () => {
  it('of a commit is the one of a load without a credential, and not of one with it', async () => {
    const own = delegating('none')
    const committed = await post(`${TABLES}/t`, SETTING)
    expect(await stillMatches(etagOf(committed))).toBe(false)
    const without = await catalog.call(catalog.admin, 'POST', `${TABLES}/t`, SETTING, own)
    expect(etagOf(without)).toBe(etagOf(await load(own)))
    expect(await stillMatches(etagOf(without))).toBe(false)
    const signing = delegating('remote-signing')
    const signed = await catalog.call(catalog.admin, 'POST', `${TABLES}/t`, SETTING, signing)
    expect(etagOf(signed)).not.toBe(etagOf(await load(signing)))
  })

  it('of an answer that was told again matches only where the credential was told again, too', async () => {
    const scope = { type: 'catalog' as const, catalogId: catalog.catalogId }
    const person = await catalog.person('tenant-user', { scope, actions: ['create'] })
    const key = { 'idempotency-key': '0190a2f0-0000-7000-8000-000000000000' }
    const create = () => catalog.call(person, 'POST', TABLES, { name: 'k', schema: SIMPLE_SCHEMA }, key)
    const [first, again] = [await create(), await create()]
    expect(etagOf(again)).toBe(etagOf(first))
    nowMs += (IDEMPOTENCY_CREDENTIAL_SECONDS + 1) * 1000
    const bare = await create()
    expect([bare.status, bare.json['storage-credentials']]).toEqual([200, []])
    const grant = { id: crypto.randomUUID(), userId: person.id, scope, createdAt: new Date().toISOString() }
    await catalog.store.tenant(catalog.tenantId).grants.create({ ...grant, actions: ['read'] })
    expect(await stillMatches(etagOf(bare), {}, `${TABLES}/k`, person)).toBe(false)
  })

  it('of a create and a register is the one of a load', async () => {
    expect(etagOf(created)).toBe(etagOf(await load()))
    const committed = await post(`${TABLES}/t`, SETTING)
    expect(etagOf(await post(`${TABLES}/t`, SETTING))).toBe(etagOf(committed))
    await catalog.call(catalog.admin, 'DELETE', `${TABLES}/t`)
    const body = { name: 't', 'metadata-location': committed.json['metadata-location'] }
    const registered = await post('/v1/demo/namespaces/ns/register', body)
    expect(etagOf(registered)).toBe(etagOf(await load()))
    expect(etagOf(registered)).not.toBe(etagOf(committed))
  })

  it('is not there for a staged table', async () => {
    const staged = await post(TABLES, { name: 's', schema: SIMPLE_SCHEMA, 'stage-create': true })
    expect([staged.status, staged.headers.get('etag')]).toEqual([200, null])
  })

  it('of a staged create that was committed is not the one of a load with a credential', async () => {
    const staged = (await post(TABLES, { name: 's', schema: SIMPLE_SCHEMA, 'stage-create': true })).json.metadata
    const { schemas, location, 'table-uuid': uuid } = staged
    const committed = await post(`${TABLES}/s`, creationAt(location, schemas[0], uuid))
    expect(await stillMatches(etagOf(committed), {}, `${TABLES}/s`)).toBe(false)
  })

  it('no longer matches after a commit, and a commit that changes nothing leaves it', async () => {
    await post(`${TABLES}/t`, SETTING)
    const etag = etagOf(await load())
    await post(`${TABLES}/t`, SETTING)
    expect(await stillMatches(etag)).toBe(true)
    await post(`${TABLES}/t`, { requirements: [], updates: [{ action: 'remove-properties', removals: ['a'] }] })
    expect(await stillMatches(etag)).toBe(false)
  })

  it('no longer matches after a transaction', async () => {
    const etag = etagOf(await load())
    const change = { identifier: { namespace: ['ns'], name: 't' }, ...SETTING }
    expect((await post('/v1/demo/transactions/commit', { 'table-changes': [change] })).status).toBe(204)
    expect(await stillMatches(etag)).toBe(false)
  })

  it('tells the snapshots modes apart', async () => {
    const [all, refs] = [etagOf(await load()), etagOf(await load({}, `${TABLES}/t?snapshots=refs`))]
    expect(await stillMatches(all, {}, `${TABLES}/t?snapshots=ALL`)).toBe(true)
    expect(await stillMatches(all, {}, `${TABLES}/t?snapshots=refs`)).toBe(false)
    expect(await stillMatches(refs)).toBe(false)
  })

  it('tells what was delegated apart', async () => {
    const modes = [{}, ...['vended-credentials', 'remote-signing', ''].map(delegating)]
    const tags = await Promise.all(modes.map(async (headers) => etagOf(await load(headers))))
    expect(new Set(tags).size).toBe(modes.length)
    const both = etagOf(await load(delegating('remote-signing, vended-credentials')))
    expect(await stillMatches(both, delegating('vended-credentials,remote-signing'))).toBe(true)
  })

  it('tells a reader from a writer, also after his grants have changed', async () => {
    const scope = { type: 'catalog' as const, catalogId: catalog.catalogId }
    const person = await catalog.person('tenant-user', { scope, actions: ['read'] })
    const path = `${TABLES}/t`
    const asReader = etagOf(await load({}, path, person))
    expect(await stillMatches(etagOf(created), {}, path, person)).toBe(false)
    expect(await stillMatches(asReader, {}, path, person)).toBe(true)
    const grant = { id: crypto.randomUUID(), userId: person.id, scope, createdAt: new Date().toISOString() }
    await catalog.store.tenant(catalog.tenantId).grants.create({ ...grant, actions: ['update'] })
    expect(await stillMatches(asReader, {}, path, person)).toBe(false)
    expect(await stillMatches(etagOf(created), {}, path, person)).toBe(true)
  })

  it('of one table, one branch, one name or one tenant does not match in another', async () => {
    await post(TABLES, { name: 'u', schema: SIMPLE_SCHEMA })
    expect(await stillMatches(etagOf(created), {}, `${TABLES}/u`)).toBe(false)

    const tenant = catalog.store.tenant(catalog.tenantId)
    const { place } = await tenant.read({ at: { catalog: 'demo', ref: 'main' } })
    const from = { branchId: place?.branch.id ?? '' }
    const at = new Date().toISOString()
    await tenant.branches.fork({ id: crypto.randomUUID(), name: 'dev', from, at })
    await tenant.branches.tag({ id: crypto.randomUUID(), name: 'v1', from, at })
    for (const ref of ['dev', 'v1'])
      expect(await stillMatches(etagOf(created), {}, `/v1/demo@${ref}/namespaces/ns/tables/t`)).toBe(false)

    const neighbour = await catalog.neighbour()
    await neighbour.call(neighbour.admin, 'POST', '/v1/demo/namespaces', { namespace: ['ns'] })
    await neighbour.call(neighbour.admin, 'POST', TABLES, { name: 't', schema: SIMPLE_SCHEMA })
    const headers = { 'if-none-match': etagOf(created) }
    expect((await neighbour.call(neighbour.admin, 'GET', `${TABLES}/t`, undefined, headers)).status).toBe(200)
  })

  it('of a table that was dropped does not match the next one of its name', async () => {
    await catalog.call(catalog.admin, 'DELETE', `${TABLES}/t`)
    await post(TABLES, { name: 't', schema: SIMPLE_SCHEMA })
    expect(await stillMatches(etagOf(created))).toBe(false)
  })

  it('stops matching while the credential that came with it has most of its life left', async () => {
    const loaded = await load()
    const expiresAtMs = Number(loaded.json.config['s3.session-token-expires-at-ms'])
    nowMs += (ETAG_WINDOW_SECONDS - 1) * 1000
    expect(await stillMatches(etagOf(loaded))).toBe(true)
    nowMs += 1000
    expect(await stillMatches(etagOf(loaded))).toBe(false)
    expect(expiresAtMs - nowMs).toBeGreaterThan((CREDENTIAL_TTL_SECONDS / 2) * 1000)
    expect(CREDENTIAL_TTL_SECONDS - CREDENTIAL_REUSE_SECONDS - ETAG_WINDOW_SECONDS).toBeGreaterThan(1800)
  })
})
