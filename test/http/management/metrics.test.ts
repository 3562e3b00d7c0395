// Contract: engines' reports are kept per table in their own words, bounded, and only an administrator reads them.
// Source: REST specification, reportMetrics; security cases 9, 12, 29, 38.
import { beforeEach, expect, it } from 'vitest'
import { keepReport } from '#catalog/metrics'
import type { GrantAction, GrantScope } from '#domain/records'
import { METRICS_REPORT_BYTES_MAX, METRICS_REPORTS_PER_TABLE } from '#src/limits'
import { memoryStore } from '#store/memory/memory'
import { openCatalog, SIMPLE_SCHEMA, type Answer, type Person, type TestCatalog } from '#test/support/catalog'

const TABLES = '/v1/demo/namespaces/ns/tables'
const REPORTS = '/api/v1/catalogs/demo/namespaces/ns/tables'
const SCAN = `{"report-type": "scan-report", "table-name": "demo.ns.t", "snapshot-id": 9223372036854775807, "filter": true,
  "schema-id": 0, "projected-field-ids": [1], "projected-field-names": ["id"], "metrics": {"ratio": 1.0}}`
const COMMIT = `{"report-type":"commit-report","table-name":"demo.ns.t","snapshot-id":7612345678901234567,"sequence-number":1,"operation":"append","metrics":{}}`

let catalog: TestCatalog

beforeEach(async () => {
  catalog = await openCatalog()
  await catalog.call(catalog.admin, 'POST', '/v1/demo/namespaces', { namespace: ['ns'] })
  for (const name of ['t', 'u']) await catalog.call(catalog.admin, 'POST', TABLES, { name, schema: SIMPLE_SCHEMA })
})

const send = (report: string, name = 't', by: Person = catalog.admin): Promise<Answer> =>
  catalog.call(by, 'POST', `${TABLES}/${name}/metrics`, report, { 'x-client-version': 'engine/1' })
const list = (name = 't', query = '', by: Person | null = catalog.admin): Promise<Answer> =>
  catalog.call(by, 'GET', `${REPORTS}/${name}/metrics${query}`)

async function granted(actions: GrantAction[], scope?: GrantScope): Promise<Person> {
  return catalog.person('tenant-user', { scope: scope ?? { type: 'catalog', catalogId: catalog.catalogId }, actions })
}

it('answers reports as they came, newest first, and of this table only', async () => {
  const reader = await granted(['read'])
  for (const report of [SCAN, COMMIT]) expect((await send(report, 't', reader)).status).toBe(204)
  expect((await send('{"report-type":"scan-report","of":"u"}', 'u')).status).toBe(204)
  const { status, text, json } = await list()
  expect(status).toBe(200)
  expect(text.indexOf(COMMIT)).toBeGreaterThan(0)
  expect(text.indexOf(SCAN)).toBeGreaterThan(text.indexOf(COMMIT))
  expect(text).not.toContain('"of":"u"')
  expect(json.reports).toHaveLength(2)
  const about = { 'principal-id': reader.id, 'principal-name': reader.id, client: 'engine/1' }
  expect(json.reports[0]).toMatchObject({ ...about, at: expect.stringMatching(/^\d{4}-.*Z$/) as string })
  expect((await list('t', '?limit=1')).json.reports).toEqual([json.reports[0]])
  for (const limit of ['0', '-1', 'x', '1e3', '']) expect((await list('t', `?limit=${limit}`)).status, limit).toBe(400)
})

it('stays with the table under another name, and not with another table of its name', async () => {
  await send(SCAN)
  const destination = { namespace: ['ns'], name: 'moved' }
  await catalog.call(catalog.admin, 'POST', '/v1/demo/tables/rename', {
    source: { namespace: ['ns'], name: 't' },
    destination,
  })
  await catalog.call(catalog.admin, 'POST', TABLES, { name: 't', schema: SIMPLE_SCHEMA })
  expect((await list('moved')).json.reports).toHaveLength(1)
  expect((await list('t')).json.reports).toEqual([])
})

it('keeps no more than the last ones, and none that is too long', async () => {
  for (let n = 0; n < METRICS_REPORTS_PER_TABLE + 5; n += 1) await send(`{"report-type":"scan-report","n":${n}}`)
  const { reports } = (await list('t', '?limit=1000')).json
  expect(reports.map(({ report }: { report: { n: number } }) => report.n)).toEqual(
    Array.from({ length: METRICS_REPORTS_PER_TABLE }, (_, n) => METRICS_REPORTS_PER_TABLE + 4 - n),
  )
  const long = (bytes: number) => `{"report-type":"${'x'.repeat(bytes - 18)}"}`
  expect((await send(long(METRICS_REPORT_BYTES_MAX), 'u')).status).toBe(204)
  expect((await send(long(METRICS_REPORT_BYTES_MAX + 1), 'u')).status).toBe(413)
  expect((await list('u')).json.reports).toHaveLength(1)
})

it('takes nothing that is no report', async () => {
  for (const body of ['', 'x', '[]', 'null', '{}', '{"report-type":1}', '{"report-type":""}', '{"report-type":"a"'])
    expect((await send(body)).status, body).toBe(400)
  for (const body of ['{"report-type":"a","__proto__":{"x":1}}', '{"report-type":"\\ud800"}'])
    expect((await send(body)).status, body).toBeLessThan(500)
  expect((await send('{"report-type":"of-tomorrow","new":{"id":18446744073709551615}}')).status).toBe(204)
  const { text, json } = await list()
  expect(json.reports).toHaveLength(1)
  expect(text).toContain('18446744073709551615')
})

it('is for an administrator of the tenant; to whoever may not see the table, it looks missing', async () => {
  await send(SCAN)
  const neighbour = await catalog.neighbour()
  const people: [string, Person | null, number][] = [
    ['nobody', await catalog.person('tenant-user'), 404],
    ['anonymous', null, 401],
    ['a reader', await granted(['read']), 403],
    ['who may do everything in the catalog', await granted(['all']), 403],
    ['who may do everything in the tenant', await granted(['all'], { type: 'tenant' }), 200],
    ['a tenant administrator', await catalog.person('tenant-admin'), 200],
    ['another tenant’s administrator', neighbour.admin, 404],
  ]
  for (const [who, person, status] of people) {
    const answer = await list('t', '', person)
    expect(answer.status, who).toBe(status)
    if (status !== 200) expect(answer.text).not.toContain('9223372036854775807')
  }
  expect((await list('absent')).status).toBe(404)
})

it('answers the engine also where the report could not be kept', async () => {
  const store = memoryStore()
  const failing = {
    ...store,
    tenant: (id: string) => ({
      ...store.tenant(id),
      metrics: { add: () => Promise.reject(new Error('no database')), newest: async () => [] },
    }),
  }
  catalog = await openCatalog({ store: failing })
  await catalog.call(catalog.admin, 'POST', '/v1/demo/namespaces', { namespace: ['ns'] })
  await catalog.call(catalog.admin, 'POST', TABLES, { name: 't', schema: SIMPLE_SCHEMA })
  expect((await send(SCAN)).status).toBe(204)
  const caller = { userId: 'u', username: 'u', client: null }
  const deps = { tenant: failing.tenant(catalog.tenantId), now: () => new Date() }
  await expect(keepReport(deps, caller, { objectId: 'o', report: SCAN })).rejects.toThrow('no database')
})
