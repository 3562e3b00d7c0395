import type { Store } from '#store/store'
import {
  answered,
  AT,
  commitOf,
  create,
  fork,
  land,
  member,
  mustRead,
  newId,
  newTenant,
  tableKey,
  tableValue,
} from '#test/contract/fixture'

/**
 * Asks a store for everything it can do, in a tenant of its own: whoever records its statements has all of them. `fill`
 * may put more into the tenant first.
 */
export async function runEveryStatement(
  store: Store,
  fill: (tenantId: string) => Promise<void> = async () => {},
): Promise<void> {
  const { tenant, tenantId, main, catalog } = await newTenant(async () => store)
  await fill(tenantId)
  const key = tableKey('a', 't')
  const value = tableValue({ locations: ['s3://lake/a/'] })
  await land(
    tenant,
    commitOf(main.id, [{ ...create(key, value), unusedBefore: value.locations }], {
      members: [member({ idempotency: answered() })],
      checks: [{ empty: 'a' }],
      expectHead: 0,
    }),
  )
  const dev = await fork(tenant, main.id, 'dev')
  await tenant.branches.tag({ id: newId(), name: 'v1', from: { branchId: dev.id }, at: AT })
  const { rev } = await mustRead(tenant, main.id, key)
  const id = newId()
  await land(
    tenant,
    commitOf(main.id, [{ key, expect: rev, next: null }], {
      checks: [{ exists: key, objectId: value.objectId }, { untrimmed: 's3://lake/a/m.json' }],
      purges: [{ id, objectId: 'o', warehouseId: 'w', metadataLocation: 's3://lake/b/m', locations: ['s3://lake/b/'] }],
    }),
  )
  const again = member()
  for (let i = 0; i < 2; i += 1) await tenant.commit(commitOf(main.id, [], { members: [again] }))
  const page = { class: 'asset', namespace: 'a', kind: 'table', limit: 10 } as const
  const caller = { userId: 'u', tokenId: 't' }
  await tenant.read({ caller, at: { catalog: 'demo', ref: 'main' }, keys: [key], page })
  await tenant.read({ caller, at: { branchId: dev.id }, keys: [key], page })
  await tenant.read({ caller, at: { branchId: dev.id }, keys: [key], idempotencyKey: 'k' })
  await tenant.read({ idempotencyKey: 'k' })
  await tenant.idempotency.finish({ ...answered(), at: AT })
  await tenant.settle(newId())
  await tenant.history.log({ branchId: dev.id, before: { branchId: main.id, seq: 1 }, limit: 10 })
  await tenant.history.trim({
    objectId: value.objectId,
    metadataLocations: [value.metadataLocation ?? '', 's3://lake/a/none'],
    forgottenAt: { branchId: main.id, seq: 2 },
  })
  await tenant.history.audit({ limit: 10 })
  await tenant.history.audit({ limit: 10, before: '1' })
  await tenant.branches.get(catalog.id, 'dev')
  await tenant.branches.close(dev.id)
  const report = { objectId: 'o', at: AT, principalId: 'u', principalName: 'u', client: null, report: '{}' }
  await tenant.metrics.add(report, { perTable: 2, perTenant: 2 })
  await tenant.metrics.newest({ objectId: 'o', limit: 10 })
  await tenant.purges.pending({ limit: 10 })
  await tenant.purges.pending({ limit: 10, after: id })
  await tenant.purges.stillNamed(['s3://lake/a/'])
  await tenant.purges.save(id, 'x')
  await tenant.purges.done(id)
  const grant = { id: 'g', userId: 'u', scope: { type: 'tenant' }, actions: ['read'], createdAt: AT } as const
  await tenant.grants.create(grant)
  await tenant.grants.update(grant)
  await tenant.grants.get('g')
  await tenant.grants.byName('g')
  await tenant.grants.list({ limit: 10, after: 'a' })
  await tenant.grants.delete('g')
  const storage = { kind: 'r2', bucket: newId(), prefix: 'a/b/' } as const
  const warehouse = { id: newId(), name: 'more', storage, createdAt: AT }
  await tenant.warehouses.create(warehouse)
  await tenant.warehouses.update(warehouse)
}
