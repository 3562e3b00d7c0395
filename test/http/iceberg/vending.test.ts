// Contract: a credential opens the folders of its table as the warehouse allows them now, whatever the table is called.
// Source: DESIGN 2.6; security cases 2, 5.
import { expect, it } from 'vitest'
import { openCatalog, SIMPLE_SCHEMA } from '#test/support/catalog'

const NAMESPACES = '/v1/demo/namespaces'

it.each(['*', '?', '${*}', 'a*', "it's", '"', '%', "') || true || ('", 'orders/'])(
  'of a table and a namespace called %s it is as narrow as any, and says nothing of the name',
  async (name) => {
    const catalog = await openCatalog()
    const tables = `${NAMESPACES}/${encodeURIComponent(name)}/tables`
    await catalog.call(catalog.admin, 'POST', NAMESPACES, { namespace: [name] })
    const { status, json } = await catalog.call(catalog.admin, 'POST', tables, { name, schema: SIMPLE_SCHEMA })
    expect(status).toBe(200)
    const folder = `${json.metadata.location}/`.replace('s3://lake/', '')
    expect(folder).toMatch(/^[0-9a-f-]{36}\/$/)
    expect(pathsOf(json.config['s3.session-token'])).toEqual({ prefixPaths: [folder], objectPaths: [] })
  },
)

it('is refused, not made, once the table lies outside of what the warehouse allows', async () => {
  const catalog = await openCatalog()
  await catalog.call(catalog.admin, 'POST', NAMESPACES, { namespace: ['ns'] })
  const tables = `${NAMESPACES}/ns/tables`
  const { json } = await catalog.call(catalog.admin, 'POST', tables, { name: 't', schema: SIMPLE_SCHEMA })
  const { warehouses } = catalog.store.tenant(catalog.tenantId)
  const { place } = await catalog.store.tenant(catalog.tenantId).read({ at: { catalog: 'demo', ref: 'main' } })
  if (!place) throw new Error('no catalog')
  await warehouses.update({ ...place.warehouse, storage: { ...place.warehouse.storage, prefix: 'only-here/' } })

  const register = { name: 't', 'metadata-location': json['metadata-location'], overwrite: true }
  const asked = [
    await catalog.call(catalog.admin, 'GET', `${tables}/t`),
    await catalog.call(catalog.admin, 'GET', `${tables}/t/credentials`),
    await catalog.call(catalog.admin, 'POST', `${NAMESPACES}/ns/register`, register),
  ]
  for (const { status, text } of asked) {
    expect(status, text).toBe(400)
    expect(text).not.toContain('session-token')
  }
})

function pathsOf(sessionToken: string): unknown {
  const claims = atob(sessionToken).slice('jwt/'.length).split('.')[1] ?? ''
  return JSON.parse(atob(claims.replaceAll('-', '+').replaceAll('_', '/'))).paths
}
