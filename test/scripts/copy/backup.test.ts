// Contract: a backup holds all rows and shows no secret; what is damaged, cut, newer or sealed with another passphrase is
// refused before it is used. Source: README, "Backups".
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { sqlStore } from '#store/sql/store'
import { randomTenant, type RandomTenant } from '#test/contract/agreement'
import { AT, newId } from '#test/contract/fixture'
import { openBackup, writeBackup } from '../../../scripts/copy/backup.ts'
import { copy } from '../../../scripts/copy/copy.ts'
import { sqlTarget } from '../../../scripts/copy/sql.ts'
import { sqliteFile, type SqliteFile } from '../../../scripts/copy/sqlite.ts'
import type { Target } from '../../../scripts/copy/store.ts'

const PASSPHRASE = 'correct horse battery staple'
const HASH = 'pbkdf2-sha256$100000$c2FsdA$aGFzaA'
const folder = mkdtempSync(join(tmpdir(), 'pangolin-backup-'))
const file = join(folder, 'backup')
const run = { stop: new AbortController().signal, seen: () => {} }
let tenant: RandomTenant
let checksum: string

function database(name: string): { file: SqliteFile; target: Target } {
  const sqlite = sqliteFile(join(folder, name))
  for (const each of readdirSync('migrations').toSorted()) sqlite.exec(readFileSync(join('migrations', each), 'utf8'))
  return { file: sqlite, target: sqlTarget(sqlite, name, 'schema_version', async () => sqlite.close()) }
}

const storeOf = (sqlite: SqliteFile) => sqlStore(sqlite, async () => ({ ready: true }))

beforeAll(async () => {
  const from = database('from')
  tenant = await randomTenant(storeOf(from.file))
  await tenant.goOn(storeOf(from.file), 100)
  const user = {
    id: newId(),
    username: 'bob',
    role: 'tenant-user',
    passwordHash: HASH,
    active: true,
    createdAt: AT,
  } as const
  await storeOf(from.file).tenant(tenant.tenantId).users.create(user)
  checksum = (await writeBackup(from.target, file, PASSPHRASE, run)).checksum()
  await from.target.close()
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('brings back what it holds', async () => {
  const to = database('to')
  const digest = await copy(await openBackup(file, PASSPHRASE), to.target, { intoExisting: false, ...run })
  expect(digest.checksum()).toBe(checksum)
  await tenant.agrees(storeOf(to.file))
  expect((await storeOf(to.file).tenant(tenant.tenantId).users.byName('bob'))?.passwordHash).toBe(HASH)
  await to.target.close()
})

it('goes on from any line', async () => {
  const backup = await openBackup(file, PASSPHRASE)
  const tenants = await backup.tenants()
  const positions: string[] = []
  for await (const { position } of backup.read(['entry', 'log'], tenants)) positions.push(position)
  let [whole, rest] = [0, 0]
  for await (const { rows } of backup.read(['entry', 'log'], tenants)) whole += rows.length
  const [first = ''] = positions
  for await (const { rows } of backup.read(['entry', 'log'], tenants, first)) rest += rows.length
  let begun = 0
  for await (const { rows, position } of backup.read(['entry', 'log'], tenants))
    if (position === first) begun = rows.length
  expect([rest > 0, begun + rest]).toEqual([true, whole])
})

it('shows no secret', () => {
  const text = gunzipSync(readFileSync(file)).toString()
  for (const secret of ['pbkdf2', 'bob', HASH, PASSPHRASE]) expect(text).not.toContain(secret)
})

it('is not written over another file', async () => {
  const { target } = database('again')
  await expect(writeBackup(target, file, PASSPHRASE, run)).rejects.toThrow('is there already')
  await expect(writeBackup(target, join(folder, 'other'), PASSPHRASE, run)).rejects.toThrow('There is nothing in')
  await target.close()
})

it('opens with its own passphrase only', async () => {
  await expect(openBackup(file, 'another')).rejects.toThrow('The passphrase is not the one of the backup')
})

it('is refused if a byte is other than it was, or the end is missing', async () => {
  const bytes = readFileSync(file)
  const damaged = join(folder, 'damaged')
  for (let at = 0; at < bytes.length; at += Math.ceil(bytes.length / 12)) {
    const changed = Buffer.from(bytes)
    changed[at] = (changed[at] ?? 0) ^ 0x55
    // The time and the system in gzip's own header say nothing.
    if (at >= 4 && at < 10) continue
    for (const content of [changed, bytes.subarray(0, at)]) {
      writeFileSync(damaged, content)
      await expect(openBackup(damaged, PASSPHRASE)).rejects.toThrow(
        /is damaged|is no backup|another version|passphrase/,
      )
    }
  }
})

it('is refused if a line is other than it was, missing, twice or in another order', async () => {
  const lines = gunzipSync(readFileSync(file)).toString().split('\n')
  const damaged = join(folder, 'lines')
  const [header = '', second = '', third = '', ...rest] = lines
  const changes = [
    [header, third, second, ...rest],
    [header, third, ...rest],
    [header, second, second, third, ...rest],
    [header, second.replace(tenant.tenantId, newId()), third, ...rest],
    [header, second, third, ...rest.slice(0, -2), ''],
    [...lines.slice(0, -1), lines.at(-2) ?? '', ''],
    [second, third, ...rest],
  ]
  for (const change of changes) {
    writeFileSync(damaged, gzipSync(change.join('\n')))
    await expect(openBackup(damaged, PASSPHRASE)).rejects.toThrow(/is damaged|is no backup/)
  }
})

it('is refused by a version that does not know it', async () => {
  const [header = '', ...rest] = gunzipSync(readFileSync(file)).toString().split('\n')
  const newer = join(folder, 'newer')
  writeFileSync(newer, gzipSync([header.replace('"version":1', '"version":2'), ...rest].join('\n')))
  await expect(openBackup(newer, PASSPHRASE)).rejects.toThrow('another version of the catalog (format 2')
  writeFileSync(newer, gzipSync('{"format":"other"}\n'))
  await expect(openBackup(newer, PASSPHRASE)).rejects.toThrow('is no backup of a catalog')
})
