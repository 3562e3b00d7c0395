// Contract: the commands copy a data folder's D1 to Postgres to MongoDB and back, killed once and interrupted once, and back it
// up and restore it. Source: README, "Moving between databases". COPY_TABLES says how many tables; the figures are printed.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { sqlStore } from '#store/sql/store'
import {
  AT,
  commitOf,
  create,
  firstRecords,
  fork,
  land,
  member,
  newId,
  tableKey,
  tableValue,
} from '#test/contract/fixture'
import { sqliteFile } from '../../../scripts/copy/sqlite.ts'
import { applyMigrations } from '../../../scripts/start/migrate.ts'
import { command, type Ran } from './command.ts'
import { databases, type Databases } from './databases.ts'

const TABLES = Number(process.env['COPY_TABLES'] ?? 600)
const UPDATES = 3
const KEYS_PER_COMMIT = 500
/** Lines of progress before a large copy is killed: one comes at once, then one every ten seconds. */
const LINES = TABLES > 5000 ? 3 : 1
const PASSPHRASE = { PANGOLIN_BACKUP_PASSPHRASE: 'a passphrase: of a test' }
const folder = mkdtempSync(join(tmpdir(), 'pangolin-commands-'))
const inFolder = (name: string): string => join(folder, name)
const d1 = (name: string): string => `d1:${inFolder(name)}`
let made: Databases

beforeAll(async () => {
  made = await databases()
  await fill()
}, 1_200_000)

afterAll(async () => {
  await made?.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** Tables with a history, in commits of many and of one; a branch that drops some, a tag, and a branch that was closed. */
async function fill(): Promise<void> {
  mkdirSync(inFolder('first'))
  writeFileSync(join(inFolder('first'), 'format.json'), '{"format":1}\n')
  await applyMigrations(inFolder('first'), new AbortController().signal)
  const file = sqliteFile(databaseFile('first'))
  file.exec('PRAGMA synchronous = OFF')
  const store = sqlStore(file, async () => ({ ready: true }))
  const first = firstRecords(newId())
  await store.bootstrap(first)
  const [tenant, main] = [store.tenant(first.tenant.id), first.branch.id]
  const revs: string[] = []
  const change = async (branchId: string, numbers: readonly number[], round: number, drops = false): Promise<void> => {
    const id = newId()
    const changes = numbers.map((n) => {
      const metadataLocation = `s3://lake/${n}/metadata/${String(round).padStart(5, '0')}-${newId()}.metadata.json`
      const next = tableValue({ objectId: `object ${n}`, locations: [`s3://lake/${n}/`], metadataLocation })
      return { ...create(tableKey('a', `t${n}`), next), expect: revs[n] ?? null, ...(drops ? { next: null } : {}) }
    })
    await land(tenant, commitOf(branchId, changes, { members: [member({ id })] }))
    if (branchId === main) for (const n of numbers) revs[n] = id
  }
  const all = Array.from({ length: TABLES }, (_, n) => n)
  for (let round = 0; round <= UPDATES; round += 1)
    for (let start = 0; start < TABLES; start += KEYS_PER_COMMIT)
      await change(main, all.slice(start, start + KEYS_PER_COMMIT), round)
  for (const n of all.filter((each) => each % 10 === 0)) await change(main, [n], UPDATES + 1)
  const dev = await fork(tenant, main, 'dev')
  await tenant.branches.tag({ id: newId(), name: 'v1', from: { branchId: main, seq: 2 }, at: AT })
  for (let start = 0; start < TABLES; start += KEYS_PER_COMMIT)
    await change(dev.id, all.slice(start, start + KEYS_PER_COMMIT / 2), 9, start % 1000 === 0)
  await tenant.branches.close((await fork(tenant, main, 'closed', 1)).id)
  file.close()
}

function databaseFile(name: string): string {
  const path = join(inFolder(name), 'v3', 'd1', 'miniflare-D1DatabaseObject')
  return join(path, readdirSync(path).find((each) => each.endsWith('.sqlite') && each !== 'metadata.sqlite') ?? '')
}

const checksumOf = ({ out }: Ran): string | undefined => /SHA-256 (\w+)/.exec(out)?.[1]

function tell(what: string, { seconds, peakMb, out }: Ran): void {
  process.stdout.write(
    `${TABLES} tables, ${what}: ${seconds.toFixed(1)} s, ${peakMb.toFixed(0)} MB, ${out.split(' ')[0]} rows\n`,
  )
}

it('copy all the way round, killed once and interrupted once', async () => {
  const [postgres, mongo] = [(await made.make('postgres')).url, (await made.make('mongo')).url]
  const legs = [
    { what: 'D1 to Postgres', args: ['--from', d1('first'), '--to', postgres], signal: 'SIGINT', code: 130 },
    { what: 'Postgres to MongoDB', args: ['--from', postgres, '--to', mongo], signal: 'SIGKILL', code: null },
    { what: 'MongoDB to D1', args: ['--from', mongo, '--to', d1('last')], signal: undefined, code: 0 },
  ] as const
  const sums: (string | undefined)[] = []
  for (const { what, args, signal, code } of legs) {
    if (signal) {
      const ended = await command(['copy', ...args], { signal, afterLines: signal === 'SIGKILL' ? LINES : 1 })
      expect(ended).toMatchObject({ code, out: '' })
      tell(`${what}, until ${signal}`, ended)
      if (signal === 'SIGINT') expect(ended.err).toContain('Stopped; the same command goes on from here.')
    }
    const ran = await command(['copy', ...args])
    expect(ran).toMatchObject({ code: 0 })
    tell(what, ran)
    sums.push(checksumOf(ran))
  }
  expect(sums[0]).toMatch(/^[0-9a-f]{64}$/)
  expect(new Set(sums).size).toBe(1)
}, 1_800_000)

it('back up and restore', async () => {
  const file = inFolder('backup')
  const saved = await command(['backup', '--from', d1('first'), '--file', file], { env: PASSPHRASE })
  tell('backup', saved)
  const restored = await command(['restore', '--file', file, '--to', d1('restored')], { env: PASSPHRASE })
  tell('restore', restored)
  expect([saved.code, restored.code]).toEqual([0, 0])
  expect(checksumOf(saved)).toBe(checksumOf(restored))
  const secretless = await command(['backup', '--from', d1('first'), '--file', inFolder('other')])
  expect(secretless).toMatchObject({
    code: 1,
    err: 'A backup is sealed with a passphrase: set PANGOLIN_BACKUP_PASSPHRASE.\n',
  })
  expect(existsSync(inFolder('other'))).toBe(false)
}, 1_200_000)

it('say in one sentence what is wrong, without a secret', async () => {
  const { url } = await made.make('postgres')
  const half = await command(['copy', '--from', d1('first'), '--to', url], { signal: 'SIGKILL' })
  expect(half.code).toBeNull()
  const password = new URL(url).password
  const wrong = url.replace(password, 'not-the-password')
  const cases: readonly (readonly [string[], RegExp])[] = [
    [
      ['copy', '--from', url, '--to', d1('other')],
      /^The database to copy from is not in order: A copy into the database/,
    ],
    [['copy', '--from', d1('missing'), '--to', url], /^There is no D1 database in the folder /],
    [['copy', '--from', wrong, '--to', d1('other')], /^The database to copy from is not in order: /],
    [['copy', '--from', 'mysql://u:p@h/d', '--to', url], /^A database is d1:FOLDER/],
    [['copy', '--from', d1('first')], /^npm run store:copy needs --to/],
    [['copy', '--to', url, '--what'], /^npm run store:copy knows only --from, --to/],
    [['restore', '--file', inFolder('none'), '--to', url], /^There is no file /],
  ]
  for (const [args, sentence] of cases) {
    const { code, out, err } = await command(args, { env: PASSPHRASE })
    expect.soft({ code, out }).toEqual({ code: 1, out: '' })
    expect.soft(err).toMatch(sentence)
    expect.soft(err.trimEnd().split('\n')).toHaveLength(1)
    for (const secret of [password, 'not-the-password', 'u:p@']) expect.soft(err).not.toContain(secret)
  }
  expect(await command(['copy', '--to', url, '--discard'])).toMatchObject({
    code: 0,
    out: 'What it had brought is gone.\n',
  })
  for (const name of ['copy', 'backup'])
    expect(await command([name, '--help'])).toMatchObject({
      code: 0,
      err: '',
      out: expect.stringContaining('--from') as string,
    })
})
