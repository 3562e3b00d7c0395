import { createInterface } from 'node:readline'
import { getPlatformProxy } from 'wrangler'
import type { Warehouse } from '#domain/records'
import { driverVerbs, mongoClient } from '#store/mongo/driver'
import { entityStore } from '#store/mongo/entities'
import { newMemory, tenantLog } from '#store/mongo/log'
import { mongoStore } from '#store/mongo/mongo'
import { d1Store } from '#store/sql/d1'
import { postgresStore } from '#store/sql/postgres/postgres'
import { tcpDatabase } from '#store/sql/postgres/tcp'
import type { Bootstrap, Store } from '#store/store'

/** A catalog's own store, for what the catalog has no way yet to be asked for. */
interface Opened {
  readonly store: Store
  /** Gives a warehouse another folder, also one that lies in another tenant's. */
  move(tenant: string, warehouse: Warehouse): Promise<unknown>
  close(): Promise<void>
}

const [kind, place = ''] = process.argv.slice(2)
const opened = await openStore(kind, place)
for await (const line of createInterface({ input: process.stdin })) {
  const [tenant, path, given] = JSON.parse(line) as [string, string, unknown]
  const answer = await answerTo(tenant, path, Array.isArray(given) ? given : [given])
  process.stdout.write(`${JSON.stringify(answer ?? null)}\n`)
}
await opened.close()

/** The path of a method: `users.create` is one of the tenant's store. */
async function answerTo(tenant: string, path: string, given: readonly unknown[]): Promise<unknown> {
  const [first] = given
  if (path === 'move') return opened.move(tenant, first as Warehouse)
  if (path === 'bootstrap') return opened.store.bootstrap(first as Bootstrap)
  const parts = path.split('.')
  let owner: unknown
  let found: unknown = opened.store.tenant(tenant)
  for (const part of parts) [owner, found] = [found, (found as Record<string, unknown>)[part]]
  return (found as (...values: readonly unknown[]) => unknown).apply(owner, [...given])
}

/** By the folder of D1's files, or by the URL of a server. */
async function openStore(of: string | undefined, at: string): Promise<Opened> {
  if (of === 'mongo') {
    const { client, db } = mongoClient(at)
    const verbs = driverVerbs(db)
    const options = { newId: () => crypto.randomUUID(), memory: newMemory() }
    return {
      store: mongoStore(verbs, options),
      move: (tenant, warehouse) => entityStore(tenantLog(verbs, tenant, options), 'warehouse').update(warehouse),
      close: () => client.close(),
    }
  }
  const sql = `UPDATE record SET doc = ?1 WHERE tenant_id = ?2 AND kind = 'warehouse' AND id = ?3`
  if (of === 'postgres') {
    const db = tcpDatabase(at)
    return {
      store: postgresStore(db),
      move: (tenant, warehouse) => db.write([{ sql, params: [JSON.stringify(warehouse), tenant, warehouse.id] }]),
      close: () => db.close(),
    }
  }
  const { env, dispose } = await getPlatformProxy<Cloudflare.Env>({ persist: { path: at } })
  const { DB: db } = env
  return {
    store: d1Store(db),
    move: (tenant, warehouse) => db.prepare(sql).bind(JSON.stringify(warehouse), tenant, warehouse.id).run(),
    close: dispose,
  }
}
