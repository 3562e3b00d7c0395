// Contract: a PostgreSQL that demands TLS is reached with it, and what is wrong about TLS is said in one sentence.
// Source: PostgreSQL, "Secure TCP/IP Connections with SSL", `hostssl`; a real server of this file's own.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { migrate } from '#store/sql/postgres/migrate'
import { postgresStore } from '#store/sql/postgres/postgres'
import { tcpDatabase } from '#store/sql/postgres/tcp'
import { buildWorker } from '#test/support/built-worker'
import { selfSigned } from '#test/support/certificate'
import { serveTrusting } from '#test/support/trusting-worker'
import { freePort } from '../../../scripts/free-port.ts'
import { postgresMigrations } from '../../../scripts/postgres/migrations.ts'
import { giveTo, postgresOwner } from '../../../scripts/postgres/owner.ts'
import { startPostgres, type Postgres } from '../../../scripts/postgres/server.ts'

const folder = mkdtempSync(join(tmpdir(), 'pangolin-tls-'))
const fileOf = (name: string): string => join(folder, name)
const [certificateFile, keyFile, rules] = [fileOf('server.crt'), fileOf('server.key'), fileOf('rules')] as const
const PASSWORD = `p@:/?#[]%'"$\\ é`
let server: Postgres
let url: (parameters?: string) => string

beforeAll(async () => {
  const { certificate, key } = selfSigned()
  writeFileSync(certificateFile, certificate)
  writeFileSync(keyFile, key, { mode: 0o600 })
  writeFileSync(rules, 'hostssl all all 127.0.0.1/32 scram-sha-256\n')
  giveTo(postgresOwner(), folder)
  const settings = { fsync: 'off', ssl: 'on', ssl_cert_file: certificateFile, ssl_key_file: keyFile, hba_file: rules }
  const port = await freePort()
  server = await startPostgres({ folder: join(folder, 'server'), port, user: 'pangolin', password: PASSWORD, settings })
  url = (parameters = '') =>
    `postgres://pangolin:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/postgres${parameters}`
})

afterAll(async () => {
  await server?.stop()
  rmSync(folder, { recursive: true, force: true })
})

async function readinessBy(connectionString: string): Promise<string> {
  const db = tcpDatabase(connectionString)
  try {
    const readiness = await postgresStore(db).readiness()
    return readiness.ready ? 'ready' : readiness.reason
  } finally {
    await db.close()
  }
}

it('is not reached without TLS, and says so', async () => {
  expect(await readinessBy(url())).toBe(
    'The catalog database does not let this user in from here, or not without TLS (sslmode=require)',
  )
})

it.each(['require', 'verify-full'])('is not reached with sslmode=%s by who does not trust it', async (mode) => {
  const warned = vi.spyOn(process, 'emitWarning')
  expect(await readinessBy(url(`?sslmode=${mode}`))).toBe(
    'The certificate of the catalog database is not trusted here, or is not for its host',
  )
  expect(warned).not.toHaveBeenCalled()
  warned.mockRestore()
})

it('is not reached with a mode that nobody knows', async () => {
  expect(await readinessBy(url('?sslmode=bogus'))).toMatch(/has an unknown sslmode: give disable, verify-full /)
})

it('is reached by who trusts it, with any password', async () => {
  const trusted = url(`?sslmode=verify-full&sslrootcert=${encodeURIComponent(certificateFile)}`)
  expect(await readinessBy(trusted)).toMatch(/no schema yet/)
  const db = tcpDatabase(trusted)
  await migrate(db, postgresMigrations())
  await db.close()
  expect(await readinessBy(trusted)).toBe('ready')
})

it('is reached by a Worker that trusts it', async () => {
  const script = await buildWorker(folder)
  const bindings = { STORE: 'postgres', DATABASE_URL: url('?sslmode=require') }
  const worker = await serveTrusting(certificateFile, script, { worker: { bindings } })
  try {
    await worker.logIn()
    expect((await worker.send('POST', '/v1/demo/namespaces', { namespace: ['over-tls'] })).status).toBe(200)
  } finally {
    await worker.stop()
  }
})

it('is said to have no TLS if that is what is wrong', async () => {
  const plain = await startPostgres({
    folder: join(folder, 'plain'),
    port: await freePort(),
    user: 'pangolin',
    password: 'x',
    settings: { fsync: 'off' },
  })
  try {
    expect(await readinessBy(`${plain.url}?sslmode=require`)).toBe(
      'The catalog database and its connection string do not agree on TLS; see sslmode',
    )
  } finally {
    await plain.stop()
  }
})
