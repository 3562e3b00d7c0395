// Contract: what a command copies from or to is the database that the records are in, and held by nobody else.
// Source: README, "Moving between databases"; scripts/copy/places.ts.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { firstRecords, newId } from '#test/contract/fixture'
import { migrate } from '#store/sql/postgres/migrate'
import { postgresStore } from '#store/sql/postgres/postgres'
import { tcpDatabase } from '#store/sql/postgres/tcp'
import { sqlStore } from '#store/sql/store'
import { sqliteFile } from '../../../scripts/copy/sqlite.ts'
import { postgresMigrations } from '../../../scripts/postgres/migrations.ts'
import { tieFolder } from '../../../scripts/start/belonging.ts'
import { startEmbedded } from '../../../scripts/start/embedded.ts'
import { Refusal } from '../../../scripts/start/refusal.ts'
import { Folders, nameOf, openPlace } from '../../../scripts/copy/places.ts'

let base: string
let folders: Folders

beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'pangolin-places-')))
  folders = new Folders()
})
afterEach(async () => {
  folders.close()
  rmSync(base, { recursive: true, force: true })
})

it.runIf(process.platform === 'linux')('ends what a killed npm start has left behind', async () => {
  const data = join(base, 'data')
  const left = spawn('sleep', ['60'], { env: { ...process.env, PANGOLIN_DATA: data } })
  const ended = once(left, 'close')
  await once(left, 'spawn')
  expect(await folders.open(data)).toBe(data)
  expect(await ended).toEqual([null, 'SIGTERM'])
})

it('reads the PostgreSQL of a data folder, and ends it', async () => {
  const data = await folders.open(join(base, 'data'))
  chmodSync(base, 0o711)
  const made = await startEmbedded(data)
  const db = tcpDatabase(made.url)
  await migrate(db, postgresMigrations())
  const tenantId = newId()
  await postgresStore(db).bootstrap(firstRecords(tenantId))
  await db.close()
  await made.stop()
  const { signal } = new AbortController()
  const place = await openPlace(`postgres:${data}`, 'from', folders, signal)
  expect([place.name, await place.tenants()]).toEqual([`postgres:${data}`, [tenantId]])
  await place.close()
  expect(existsSync(join(data, 'postgres', 'postmaster.pid'))).toBe(false)
  await expect(openPlace(`postgres:${data}`, 'to', folders, signal)).rejects.toThrow('only be copied from')
  await expect(openPlace(`postgres:${base}`, 'from', folders, signal)).rejects.toThrow('There is no PostgreSQL')
})

it.each([
  ['postgres://host/db?user=u&password=a@b/c', 'postgres://host/db'],
  ['postgres://u:a@b@host:1/db?sslmode=verify-full', 'postgres://host:1/db'],
  ['mongodb://u:p@one:1,two:2/db?appName=a@b', 'mongodb://one:1,two:2/db'],
])('names %s without a secret', (url, name) => {
  expect(nameOf(url)).toBe(name)
})

/** A data folder as npm start leaves it, with a tenant in its D1. */
async function dataFolder(): Promise<string> {
  const path = join(base, 'used')
  const d1 = join(path, 'v3', 'd1', 'miniflare-D1DatabaseObject')
  mkdirSync(d1, { recursive: true })
  const names = readdirSync('migrations').toSorted()
  writeFileSync(join(path, 'format.json'), '{"format":1}\n')
  writeFileSync(join(path, 'migrations.json'), JSON.stringify(names))
  const file = sqliteFile(join(d1, 'one.sqlite'))
  for (const name of names) file.exec(readFileSync(join('migrations', name), 'utf8'))
  await sqlStore(file, async () => ({ ready: true })).bootstrap(firstRecords(newId()))
  file.close()
  return path
}

it('refuses the D1 of a folder whose records are elsewhere', async () => {
  const data = await dataFolder()
  const open = async (role: 'from' | 'to'): Promise<void> =>
    (await openPlace(`d1:${data}`, role, folders, new AbortController().signal)).close()
  await open('from')
  await open('to')
  tieFolder(data, { store: 'postgres', id: 'x' })
  await expect(open('from')).rejects.toThrow(/^The records of [^\n]* are in PostgreSQL: give --from the URL of that\.$/)
  await expect(open('to')).rejects.toThrow(/in PostgreSQL: move [^\n]*v3\/d1 away first\.$/)
})

it('says in one sentence why a database cannot be used', async () => {
  const data = await dataFolder()
  writeFileSync(join(data, 'v3', 'd1', 'miniflare-D1DatabaseObject', 'one.sqlite'), 'no database '.repeat(99))
  const open = async (url: string): Promise<unknown> =>
    openPlace(url, 'to', folders, new AbortController().signal).catch((error: unknown) => error)
  const noDatabase = await open(`d1:${data}`)
  expect(noDatabase).toBeInstanceOf(Refusal)
  expect(String(noDatabase)).toMatch(/The database to copy to cannot be used: file is not a database\.$/)
  expect(String(await open('mongodb://u:hidden@127.0.0.1:1/d'))).toBe(
    'VerbFailure: The catalog database cannot be reached',
  )
})
