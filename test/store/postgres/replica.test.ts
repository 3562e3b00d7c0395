// Contract: a real replica can be read, and says of itself that it takes no writes.
// Source: PostgreSQL, "Hot Standby"; a real server of this file's own that waits for a primary.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { migrate } from '#store/sql/postgres/migrate'
import { neonDatabase } from '#store/sql/postgres/neon'
import { postgresStore } from '#store/sql/postgres/postgres'
import { tcpDatabase } from '#store/sql/postgres/tcp'
import { commitOf, create, land, newTenant, readKey, tableKey, tableValue } from '#test/contract/fixture'
import { freePort } from '../../../scripts/free-port.ts'
import { postgresMigrations } from '../../../scripts/postgres/migrations.ts'
import { giveTo, postgresOwner } from '../../../scripts/postgres/owner.ts'
import { startPostgres } from '../../../scripts/postgres/server.ts'
import { startNeonFront } from './neon-front.ts'

const REASON = 'The catalog database takes no writes: it is a replica, or read-only'

it('is found by readiness, refuses commits and answers reads', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pangolin-replica-'))
  const port = await freePort()
  const options = { folder, port, user: 'pangolin', password: 'x', settings: { fsync: 'off' } }
  let server = await startPostgres(options)
  const front = await startNeonFront()
  const db = tcpDatabase(server.url)
  try {
    await migrate(db, postgresMigrations())
    const { tenant, tenantId, main } = await newTenant(async () => postgresStore(db))
    const key = tableKey('a', 't')
    await land(tenant, commitOf(main.id, [create(key, tableValue())]))
    await server.stop()
    const signal = join(folder, 'data', 'standby.signal')
    writeFileSync(signal, '')
    giveTo(postgresOwner(), signal)
    server = await startPostgres(options)
    for (const store of [postgresStore(db), postgresStore(neonDatabase(server.url, front.url))]) {
      expect(await store.readiness()).toEqual({ ready: false, reason: REASON })
      const replica = store.tenant(tenantId)
      expect(await readKey(replica, main.id, key)).not.toBeNull()
      const refusal = { kind: 'unavailable', message: `${REASON}; nothing was changed` }
      await expect(replica.commit(commitOf(main.id, []))).rejects.toMatchObject(refusal)
      await expect(replica.settle('x')).rejects.toMatchObject({ kind: 'unavailable', message: REASON })
    }
  } finally {
    await db.close()
    await front.stop()
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
})
