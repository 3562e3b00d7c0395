// Contract: a table of very many columns is ordinary; one that could not be read again is never written.
// Source: src/limits.ts, REQUEST_JSON_VALUES_MAX; src/iceberg/json.ts, STORED_VALUES_MAX.
import { beforeEach, expect, it } from 'vitest'
import { encodeMetadataFile } from '#catalog/metadata-files'
import { parseForeign, STORED_VALUES_MAX } from '#iceberg/json'
import { openCatalog, type Answer, type TestCatalog } from '#test/support/catalog'

const TABLES = '/v1/demo/namespaces/ns/tables'

let catalog: TestCatalog

beforeEach(async () => {
  catalog = await openCatalog()
  await post('/v1/demo/namespaces', { namespace: ['ns'] })
})

function post(path: string, body: unknown): Promise<Answer> {
  return catalog.call(catalog.admin, 'POST', path, body)
}

function commit(name: string, ...updates: object[]): Promise<Answer> {
  return post(`${TABLES}/${name}`, { requirements: [], updates })
}

it('10,000 columns can be created and changed', async () => {
  const column = { required: false, type: 'timestamptz', doc: 'one of many' }
  const fields = Array.from({ length: 10_000 }, (_, index) => ({ id: index + 1, name: `column_${index}`, ...column }))
  const created = await post(TABLES, { name: 'wide', schema: { type: 'struct', fields } })
  expect([created.status, created.json.metadata?.schemas[0].fields.length]).toEqual([200, 10_000])
  const wider = { type: 'struct', fields: [...fields, { ...column, id: 10_001, name: 'more' }] }
  const changes = [
    { action: 'add-schema', schema: wider },
    { action: 'set-current-schema', 'schema-id': -1 },
  ]
  expect((await commit('wide', ...changes)).status).toBe(200)
})

it('metadata of more values than can be read again is not written', async () => {
  const text = (commas: number) => `{"a":[${'1,'.repeat(commas)}1]}`
  const most = text(STORED_VALUES_MAX - 2)
  await expect(encodeMetadataFile('s3://lake/a.metadata.json', most)).resolves.toHaveLength(most.length)
  expect(parseForeign(most)).toHaveProperty('a')
  const refused = encodeMetadataFile('s3://lake/a.metadata.json', text(STORED_VALUES_MAX - 1))
  await expect(refused).rejects.toMatchObject({
    kind: 'too-large',
    message: expect.stringContaining('expire snapshots') as string,
  })
})
