// Contract: what is kept under Idempotency-Keys is bounded, whoever makes up keys, and nothing is half done because of it.
// Source: DESIGN 6 (everything has a named limit); limits.ts; iceberg-rest.md 1.6.
import { beforeEach, describe, expect, it } from 'vitest'
import {
  IDEMPOTENCY_ANSWER_BYTES_MAX,
  IDEMPOTENCY_KEPT_SECONDS,
  IDEMPOTENCY_MESSAGE_CHARS_MAX,
  IDEMPOTENCY_REFUSALS_PER_USER,
} from '#src/limits'
import { openCatalog, type Answer, type Person, type TestCatalog } from '#test/support/catalog'
import type { IdempotencyRecord } from '#versions/model'

const NAMESPACES = '/v1/demo/namespaces'
const PROPERTIES = `${NAMESPACES}/ns/properties`

let catalog: TestCatalog
let nowMs: number

beforeEach(async () => {
  nowMs = Date.now()
  catalog = await openCatalog({ now: () => new Date(nowMs) })
  await catalog.call(catalog.admin, 'POST', NAMESPACES, { namespace: ['ns'] })
})

/** Sends a request under a new key. */
async function keyed(
  person: Person,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answer & { kept: IdempotencyRecord | null }> {
  const key = crypto.randomUUID()
  const answer = await catalog.call(person, method, path, body, { 'idempotency-key': key })
  const { idempotency } = await catalog.store.tenant(catalog.tenantId).read({ idempotencyKey: `${person.id}/${key}` })
  return { ...answer, kept: idempotency ?? null }
}

describe('an answer', () => {
  const empty = new TextEncoder().encode(
    JSON.stringify({ kind: 'json', text: JSON.stringify({ updated: [], removed: [], missing: [''] }) }),
  ).length
  // Each quotation mark is four characters in the row: it is quoted in the answer, and the answer in its record.
  const fits = Math.floor((IDEMPOTENCY_ANSWER_BYTES_MAX - empty) / 4)

  it.each([
    ['changes nothing', {}],
    ['changes something', { a: '1' }],
  ])('that %s is kept up to a limit, beyond which nothing is done', async (_, updates) => {
    const removing = (chars: number): object => ({ updates, removals: ['"'.repeat(chars)] })
    const long = await keyed(catalog.admin, 'POST', PROPERTIES, removing(fits + 1))
    expect([long.status, long.json.error.type]).toEqual([413, 'RequestTooLargeException'])
    expect(long.kept?.answer).toMatchObject({ kind: 'error', error: 'too-large' })
    expect((await catalog.call(catalog.admin, 'GET', `${NAMESPACES}/ns`)).json.properties).toEqual({})
    const short = await keyed(catalog.admin, 'POST', PROPERTIES, removing(fits - 1))
    expect([short.status, short.kept?.answer]).toEqual([200, { kind: 'json', text: short.text }])
    expect((await catalog.call(catalog.admin, 'POST', PROPERTIES, removing(fits * 2))).status).toBe(200)
  })

  it('that creates a namespace with more properties than can be told again is refused before', async () => {
    const properties = { p: 'x'.repeat(IDEMPOTENCY_ANSWER_BYTES_MAX) }
    const created = await keyed(catalog.admin, 'POST', NAMESPACES, { namespace: ['big'], properties })
    expect(created.status).toBe(413)
    expect((await catalog.call(catalog.admin, 'GET', `${NAMESPACES}/big`)).status).toBe(404)
  })
})

describe('a refusal', () => {
  it('of a catalog that does not exist leaves nothing behind', async () => {
    for (const name of ['none', 'demo@none']) {
      const { status, kept } = await keyed(catalog.admin, 'DELETE', `/v1/${name}/namespaces/a`)
      expect([status, kept]).toEqual([404, null])
    }
  })

  it('keeps a short message, whatever it quotes', async () => {
    const { status, kept } = await keyed(
      catalog.admin,
      'DELETE',
      `${NAMESPACES}/${Array.from({ length: 8 }, () => 'x'.repeat(200)).join('%1F')}`,
    )
    expect(status).toBe(404)
    expect(kept?.answer).toMatchObject({ kind: 'error', error: 'no-such-namespace' })
    expect(JSON.stringify(kept?.answer).length).toBeLessThan(IDEMPOTENCY_MESSAGE_CHARS_MAX + 100)
  })

  it('is told to a user without rights so often, and then later', async () => {
    const nobody = await catalog.person('tenant-user')
    const refuse = (person = nobody): ReturnType<typeof keyed> => keyed(person, 'DELETE', `${NAMESPACES}/ns`)
    for (let n = 0; n < IDEMPOTENCY_REFUSALS_PER_USER; n += 1) await refuse()
    const beyond = await refuse()
    expect([beyond.status, beyond.headers.get('retry-after'), beyond.kept]).toEqual([429, '1', null])
    const other = await refuse(await catalog.person('tenant-user'))
    expect([other.status, other.kept?.answer.kind]).toEqual([404, 'error'])
    nowMs += IDEMPOTENCY_KEPT_SECONDS * 1000
    expect((await refuse()).status).toBe(404)
  })
  it('of who may do what he asks for is told as often as there is a conflict', async () => {
    await keyed(catalog.admin, 'POST', NAMESPACES, { namespace: ['taken'] })
    const conflict = (): ReturnType<typeof keyed> => keyed(catalog.admin, 'POST', NAMESPACES, { namespace: ['taken'] })
    for (let n = 0; n < IDEMPOTENCY_REFUSALS_PER_USER; n += 1) await conflict()
    expect(await conflict()).toMatchObject({ status: 409, kept: { answer: { kind: 'error' } } })
  })
})
