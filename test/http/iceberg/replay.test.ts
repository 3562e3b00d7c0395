// Contract: the answer under an Idempotency-Key is told again as it was, but opens no more than the caller may open now.
// Source: REST specification, Idempotency-Key; DESIGN 1 (nobody reads what he was not granted), 5 (never a 4xx after the pointer moved).
import { beforeEach, describe, expect, it } from 'vitest'
import { openCatalog, SIMPLE_SCHEMA, type Answer, type Person, type TestCatalog } from '#test/support/catalog'
import { IDEMPOTENCY_CREDENTIAL_SECONDS, IDEMPOTENCY_KEPT_SECONDS } from '#src/limits'
import { bare } from '#test/support/keyed'
import { setting } from '#test/support/lake'

const TABLES = '/v1/demo/namespaces/ns/tables'
const KEY = { 'idempotency-key': '0190a2f0-0000-7000-8000-000000000000' }

let catalog: TestCatalog
/** How much later it is than it is. */
let laterMs: number

beforeEach(async () => {
  laterMs = 0
  catalog = await openCatalog({ now: () => new Date(Date.now() + laterMs) })
  await sent('POST', '/v1/demo/namespaces', { namespace: ['ns'] })
})

function sent(method: string, path: string, body?: unknown): Promise<Answer> {
  return catalog.call(catalog.admin, method, path, body)
}

function create(person: Person = catalog.admin): Promise<Answer> {
  return catalog.call(person, 'POST', TABLES, { name: 't', schema: SIMPLE_SCHEMA }, KEY)
}

/** Somebody who may create tables, and nothing else. */
async function creator(): Promise<Person> {
  const scope = { type: 'catalog' as const, catalogId: catalog.catalogId }
  return catalog.person('tenant-user', { scope, actions: ['list', 'create'] })
}

describe('a replay', () => {
  it('is 50 times the same table for 50 who create it at once', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => create()))
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 200))
    expect(new Set(answers.map((answer) => bare(answer))).size).toBe(1)
    for (const { json } of answers) expect(json['storage-credentials']).toHaveLength(1)
    const load = await sent('GET', `${TABLES}/t`)
    expect(load.json.metadata['table-uuid']).toBe(answers[0]?.json.metadata['table-uuid'])
    expect([...catalog.objects.files.keys()].filter((uri) => uri.includes('metadata/00000'))).toHaveLength(1)
  })

  it('tells what was, though the table has moved on', async () => {
    const first = await create()
    await sent('POST', `${TABLES}/t`, setting('t', 'later'))
    const second = await create()
    expect([second.status, bare(second)]).toEqual([200, bare(first)])
    expect(second.json['storage-credentials']).toHaveLength(1)
  })

  it('has a credential only for what the caller may do now', async () => {
    const person = await creator()
    const count = async () => {
      const { status, json } = await create(person)
      return [status, json['storage-credentials'].length]
    }
    expect(await count()).toEqual([200, 1])
    expect(await count()).toEqual([200, 1])
    await sent('POST', `${TABLES}/t`, setting('t', 'later'))
    expect(await count()).toEqual([200, 0])
  })

  it('opens after some minutes no more than the caller was granted, also of what nobody has changed', async () => {
    const person = await creator()
    const access = async () => {
      const { status, json } = await create(person)
      const token: string | undefined = json.config['s3.session-token']
      return [status, token === undefined ? null : /write/.test(atob(atob(token).split('.')[1] ?? ''))]
    }
    const young = await access()
    expect(young).toEqual([200, true])
    laterMs = (IDEMPOTENCY_CREDENTIAL_SECONDS - 5) * 1000
    expect(await access()).toEqual(young)
    laterMs = (IDEMPOTENCY_CREDENTIAL_SECONDS + 5) * 1000
    expect(await access()).toEqual([200, null])
    const grant = { id: 'more', userId: person.id, createdAt: '2026-01-01', actions: ['read'] as const }
    const scope = { type: 'catalog' as const, catalogId: catalog.catalogId }
    await catalog.store.tenant(catalog.tenantId).grants.create({ ...grant, scope })
    const [status, reads] = await access()
    expect([status, reads]).toEqual([200, false])
  })

  it.each<[string, () => Promise<Answer>]>([
    ['of a table', () => create()],
    ['of nothing', () => catalog.call(catalog.admin, 'DELETE', `${TABLES}/old`, undefined, KEY)],
    ['of JSON', () => catalog.call(catalog.admin, 'POST', '/v1/demo/namespaces', { namespace: ['x'] }, KEY)],
    ['of a refusal', () => catalog.call(catalog.admin, 'POST', '/v1/demo/namespaces', { namespace: ['ns'] }, KEY)],
  ])('%s ends with the age of its record, swept away or not, and nothing is done again', async (_, send) => {
    await sent('POST', TABLES, { name: 'old', schema: SIMPLE_SCHEMA })
    const first = await send()
    const files = [...catalog.objects.files.keys()]
    laterMs = (IDEMPOTENCY_KEPT_SECONDS - 5) * 1000
    expect((await send()).status).toBe(first.status)
    laterMs = (IDEMPOTENCY_KEPT_SECONDS + 5) * 1000
    for (const again of [await send(), await send()]) {
      expect([again.status, again.json.error.type]).toEqual([422, 'UnprocessableEntityException'])
      expect(again.json.error.message).toMatch(/too old.*new key/)
    }
    expect([...catalog.objects.files.keys()]).toEqual(files)
  })

  it('has no credential once another table has the name', async () => {
    await create()
    await sent('DELETE', `${TABLES}/t`)
    await sent('POST', TABLES, { name: 't', schema: SIMPLE_SCHEMA })
    const { status, json } = await create()
    expect([status, json['storage-credentials']]).toEqual([200, []])
  })

  it('tells what the table has come to if the file is gone', async () => {
    const first = await create()
    const now = await sent('POST', `${TABLES}/t`, setting('t', 'later'))
    catalog.evict()
    catalog.objects.files.delete(first.json['metadata-location'])
    const again = await create()
    expect([again.status, again.json['metadata-location']]).toEqual([200, now.json['metadata-location']])
  })

  it('tells nothing newer to who may not read the table', async () => {
    const person = await creator()
    const first = await create(person)
    await sent('POST', `${TABLES}/t`, setting('t', 'secret'))
    catalog.evict()
    catalog.objects.files.delete(first.json['metadata-location'])
    const again = await create(person)
    expect([again.status, again.json.error.type]).toEqual([500, 'CommitStateUnknownException'])
    expect(again.text).not.toContain('secret')
  })

  it('of a registration over a table has a credential only for who may still register', async () => {
    const { 'metadata-location': location } = (await create()).json
    await sent('POST', `${TABLES}/t`, setting('t', 'later'))
    const scope = { type: 'catalog' as const, catalogId: catalog.catalogId }
    const person = await catalog.person('tenant-user', { scope, actions: ['list', 'create', 'read'] })
    const { grants } = catalog.store.tenant(catalog.tenantId)
    const more = {
      id: 'more',
      userId: person.id,
      scope,
      actions: ['write'] as const,
      createdAt: '2026-01-01',
    }
    await grants.create(more)
    const body = { name: 't', 'metadata-location': location, overwrite: true }
    const register = async () =>
      (await catalog.call(person, 'POST', '/v1/demo/namespaces/ns/register', body, KEY)).json['storage-credentials']
    expect(await register()).toHaveLength(1)
    await grants.delete('more')
    expect(await register()).toEqual([])
  })

  it.each<[string, () => Promise<unknown>]>([
    ['table and file are gone', async () => sent('DELETE', `${TABLES}/t`)],
    ['the catalog is hidden from the caller', async () => undefined],
  ])('is never a refusal, also once %s', async (_, change) => {
    const person = await creator()
    const first = await create(person)
    await change()
    catalog.evict()
    catalog.objects.files.delete(first.json['metadata-location'])
    const { grants } = catalog.store.tenant(catalog.tenantId)
    for (const { id } of (await grants.list({ limit: 10 })).records) await grants.delete(id)
    const again = await create(person)
    expect([again.status, again.json.error.type]).toEqual([500, 'CommitStateUnknownException'])
  })

  it('needs a user who is active', async () => {
    const person = await catalog.person('root')
    await create(person)
    const { users } = catalog.store.tenant(catalog.tenantId)
    const user = await users.get(person.id)
    if (!user) throw new Error('no user')
    await users.update({ ...user, active: false })
    expect((await create(person)).status).toBe(401)
  })
})
