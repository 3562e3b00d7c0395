// Contract: a D1 database on Cloudflare is copied from and to through its HTTP API, whatever that answers, and is the same.
// Source: README, "Moving between databases"; Cloudflare's D1 API, which wrangler's local explorer implements.
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import type { SqlDatabase, Statement } from '#store/sql/database'
import { sqlStore } from '#store/sql/store'
import type { Store } from '#store/store'
import { randomTenant } from '#test/contract/agreement'
import { commitOf, create, land, REPORT, tableKey, tableValue } from '#test/contract/fixture'
import { openBackup, writeBackup } from '../../../scripts/copy/backup.ts'
import { copy, discard } from '../../../scripts/copy/copy.ts'
import { D1_CHARS_MAX, deployedD1 } from '../../../scripts/copy/d1-api.ts'
import { Folders, openPlace } from '../../../scripts/copy/places.ts'
import { Digest, RECORDS, type Row } from '../../../scripts/copy/rows.ts'
import { sqlTarget } from '../../../scripts/copy/sql.ts'
import { sqliteFile } from '../../../scripts/copy/sqlite.ts'
import type { Source, Target } from '../../../scripts/copy/store.ts'
import { command, type Ran } from './command.ts'
import { ACCOUNT, deployedDatabases, TOKEN, type DeployedDatabases, type Fault } from './deployed-d1.ts'

const folder = mkdtempSync(join(tmpdir(), 'pangolin-deployed-'))
const { signal: stop } = new AbortController()
const run = { intoExisting: false, stop, seen: () => {} }
let deployed: DeployedDatabases
let waits: number[] = []

beforeAll(async () => {
  deployed = await deployedDatabases()
})
afterEach(() => {
  deployed.fault = () => null
  deployed.requests = []
  waits = []
})
afterAll(async () => {
  await deployed?.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** A SQLite file as the local D1 has it. */
function local(): { readonly store: Store; readonly target: Target } {
  const name = join(folder, crypto.randomUUID())
  const file = sqliteFile(name)
  for (const each of readdirSync('migrations').toSorted()) file.exec(readFileSync(join('migrations', each), 'utf8'))
  const target = sqlTarget(file, name, 'schema_version', async () => file.close())
  return { store: sqlStore(file, async () => ({ ready: true })), target }
}

/** Reads and writes a few rows at a time; waits only in its book. */
function place(url: string, rowsMax = 7, charsMax = D1_CHARS_MAX): Target {
  const sleep = async (milliseconds: number): Promise<void> => void waits.push(milliseconds)
  const db = deployedD1(url, { env: deployed.env, stop, sleep })
  return sqlTarget(db, db.name, 'schema_version', async () => {}, rowsMax, charsMax)
}

async function copied(source: Source, target: Target): Promise<Digest> {
  return copy(source, target, run)
}

it('is the same there, and back again, and in a backup', async () => {
  const [from, back, restored] = [local(), local(), await deployed.make()]
  const tenant = await randomTenant(from.store)
  await tenant.goOn(from.store, 60)
  await randomTenant(from.store)
  const { url, store } = await deployed.make()
  const sums = [await copied(from.target, place(url))]
  await tenant.agrees(store)
  expect(await store.readiness()).toEqual({ ready: true })
  sums.push(await copied(place(url), back.target))
  await tenant.agrees(back.store)
  const file = join(folder, 'backup')
  sums.push(await writeBackup(place(url), file, 'a passphrase', run))
  sums.push(await copied(await openBackup(file, 'a passphrase'), place(restored.url)))
  await tenant.agrees(restored.store)
  await tenant.goOn(restored.store, 20)
  await tenant.agrees(restored.store)
  expect(new Set(sums.map((sum) => sum.checksum())).size).toBe(1)
})

it('takes rows that are long, of many bytes, and without some of their values', async () => {
  const [from, back] = [local(), local()]
  const { tenantId, main } = await randomTenant(from.store)
  const texts = ['"'.repeat(700_000), '€'.repeat(300_000), '\u2028\\', 'x'.repeat(400_000)]
  for (const [n, value] of texts.entries()) {
    const next = tableValue({ objectId: `o${n}`, locations: [`s3://m/${n}/`], properties: { value } })
    await land(from.store.tenant(tenantId), commitOf(main, [create(tableKey('a', `t${n}`), next)]))
  }
  await from.store.tenant(tenantId).metrics.add({ objectId: 'a', ...REPORT }, { perTable: 2, perTenant: 100 })
  const { url, store } = await deployed.make()
  const there = await copied(from.target, place(url, 1000))
  const params = deployed.requests.flatMap((batch) => batch.flatMap((statement) => statement.params))
  const longest = Math.max(...params.map((param) => Buffer.byteLength(param)))
  expect([longest > 1_400_000, longest < 2_000_000]).toEqual([true, true])
  expect((await copied(place(url, 1000, 1000), back.target)).checksum()).toBe(there.checksum())
  for (const [n, value] of texts.entries()) {
    const keys = [tableKey('a', `t${n}`)]
    const { entries } = await store.tenant(tenantId).read({ at: { catalog: 'demo', ref: 'main' }, keys })
    expect(entries[0]?.properties).toEqual({ value })
  }
})

it.each([
  ['was not done', false],
  ['was done', true],
])('goes on, however often the answer to a write is lost that %s', async (_, isDone) => {
  const from = local()
  const tenant = await randomTenant(from.store)
  await tenant.goOn(from.store, 30)
  const { url, store } = await deployed.make()
  const dies = async (count: number): Promise<boolean> => {
    let left = count
    deployed.fault = ([first]) =>
      /^(?!SELECT|WITH)/.test(first?.sql ?? '') && --left === 0 ? { status: 502, isDone } : null
    try {
      await copied(from.target, place(url))
      return false
    } catch (error) {
      expect(String(error)).toMatch(/Cloudflare did not say what became of a request \(HTTP 502: fault\): run the same/)
      return true
    }
  }
  let deaths = 0
  while (await dies(deaths + 1)) {
    deaths += 1
    // The end is the last write: whoever loses the answer to that sees that the copy is whole.
    const isWhole = (await store.readiness()).ready && (await place(url).tenants()).length > 0
    expect(isWhole).toBe(false)
  }
  expect([deaths > 2, waits]).toEqual([true, []])
  expect(await store.readiness()).toEqual({ ready: true })
  await tenant.agrees(store)
})

it('waits for as long as it is told when there were too many requests, and repeats what only reads', async () => {
  const from = local()
  const tenant = await randomTenant(from.store)
  const { url, store } = await deployed.make()
  let count = 0
  deployed.fault = ([first]) => {
    count += 1
    if (count % 5 === 0) return { status: 429, retryAfter: String(count) }
    if (count % 7 === 0 && first?.sql.startsWith('SELECT')) return { status: 500, isDone: true }
    return null
  }
  await copied(from.target, place(url))
  await tenant.agrees(store)
  expect(waits.slice(0, 3)).toEqual([5000, 500, 10_000])
  const rules: readonly (readonly [Fault, readonly number[], RegExp])[] = [
    [
      { status: 429, retryAfter: '301' },
      [],
      /takes no more requests for now \(HTTP 429: fault\): run the same again later/,
    ],
    ...[undefined, '', '0', '-5', 'NaN', 'Infinity', 'soon', '1, 1', new Date(0).toUTCString()].map((retryAfter) => {
      const fault = { status: 429, ...(retryAfter === undefined ? {} : { retryAfter }) }
      return [fault, [75_000, 75_000, 75_000, 75_000], /takes no more requests for now/] as const
    }),
    [{ status: 429, retryAfter: new Date(Date.now() + 400_000).toUTCString() }, [], /takes no more requests for now/],
    [{ status: 503 }, [500, 1000, 2000, 4000], /did not say what became of a request \(HTTP 503: fault\)/],
    [{ status: 400, message: 'Network connection lost.' }, [500, 1000, 2000, 4000], /did not say what became/],
    [{ status: 500, message: 'no such column: SQLITE_ERROR' }, [], /D1 has refused a request \(HTTP 500: no such/],
    [{ status: 403, message: 'not authorized' }, [], /does not accept CLOUDFLARE_API_TOKEN for d1.*HTTP 403/],
    [{ status: 400, message: 'Invalid request headers' }, [], /does not accept CLOUDFLARE_API_TOKEN for d1/],
    [{ status: 400, body: { errors: [{ message: 12 }] } }, [], /D1 has refused a request \(HTTP 400: 12\)/],
    [{ status: 400, message: 'no\nsense' }, [], /D1 has refused a request \(HTTP 400: no sense\)/],
  ]
  for (const [fault, expected, sentence] of rules) {
    waits = []
    deployed.fault = () => fault
    await expect(place(url).tenants()).rejects.toThrow(sentence)
    expect(waits).toEqual(expected)
  }
  waits = []
  deployed.fault = () => ({ status: 429, retryAfter: new Date(Date.now() + 100_000).toUTCString() })
  await expect(place(url).tenants()).rejects.toThrow('takes no more requests for now')
  expect(waits.map((milliseconds) => Math.round(milliseconds / 10_000))).toEqual([10, 10, 10, 10])
  waits = []
  deployed.fault = () => ({ status: 429, message: 'D1 DB is overloaded. Too many requests queued.', retryAfter: '1' })
  await expect(place(url).discard(['x'], 'somebody')).rejects.toThrow(/takes no more requests/)
  deployed.fault = () => ({ status: 500, message: 'D1 DB is overloaded. Requests queued for too long.' })
  await expect(place(url).discard(['x'], 'somebody')).rejects.toThrow(/overloaded/)
  expect(waits).toEqual([1000, 1000, 1000, 1000, 500, 1000, 2000, 4000])
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((closed) => server.close(closed))
  const env = { ...deployed.env, CLOUDFLARE_API_BASE_URL: `http://127.0.0.1:${port}/client/v4` }
  const dead = deployedD1(url, { env, stop, sleep: async () => {} })
  await expect(dead.read([{ sql: 'SELECT 1', params: [] }])).rejects.toThrow(
    /request \(ECONNREFUSED\): run the same again/,
  )
})

const NO_RESULTS: Readonly<Record<string, unknown>> = {
  'a statement that failed': [{ success: false, error: 'no' }],
  'a failure beside rows': [{ success: false, results: { columns: [], rows: [] }, meta: { changes: 0 } }],
  'an empty result': [{}],
  'results without rows': [{ success: true, results: {}, meta: { changes: 0 } }],
  'rows without columns': [{ success: true, results: { columns: [], rows: [[1]] }, meta: { changes: 0 } }],
  'rows that are none': [{ success: true, results: { columns: ['a'], rows: ['1'] }, meta: { changes: 0 } }],
  objects: [{ success: true, results: [{ a: 1 }], meta: { changes: 0 } }],
  'no number of changes': [{ success: true, results: { columns: [], rows: [] }, meta: {} }],
  'no results': [{ results: null }],
  null: [null],
  'a text': 'x',
  'too few results': [],
}

it('takes for no answer what is not the results of all statements', async () => {
  const { url } = await deployed.make()
  const db = deployedD1(url, { env: deployed.env, stop, sleep: async () => {} })
  const statements = [{ sql: 'DELETE FROM record', params: [] }]
  const sentence = 'Cloudflare did not say what became of a request (HTTP 200: OK): run the same again.'
  for (const [what, result] of Object.entries(NO_RESULTS)) {
    deployed.fault = () => ({ status: 200, body: { success: true, errors: [], messages: [], result } })
    for (const call of ['read', 'write'] as const)
      await expect.soft(db[call](statements), what).rejects.toThrow(sentence)
  }
})

it('repeats what it read when the answer was none, and never copies less', async () => {
  const from = await deployed.make()
  const tenant = await randomTenant(from.store)
  const to = local()
  let count = 0
  deployed.fault = () => {
    count += 1
    return count % 2 === 0 ? { status: 200, body: { success: true, result: [{ success: false, error: 'no' }] } } : null
  }
  await copied(place(from.url), to.target)
  await tenant.agrees(to.store)
})

it('refuses records whose storage another tenant has', async () => {
  const from = local()
  const { tenantId } = await randomTenant(from.store)
  const records: Row[] = []
  for await (const { rows } of from.target.read(RECORDS, [tenantId])) records.push(...rows)
  const { url } = await deployed.make()
  await copied(from.target, place(url))
  const none = new Digest().saved()
  const begun = { source: '', tenants: ['another'], state: 'publishing', position: null, owner: 'a run' } as const
  await place(url).begin({ ...begun, digest: none, records: none }, false)
  await expect(place(url).publish('another', records, 'a run')).rejects.toMatchObject({ kind: 'already-exists' })
})

it('writes no more once another run goes on with it, and gives up what it has brought', async () => {
  const from = local()
  const tenant = await randomTenant(from.store)
  const { url, store } = await deployed.make()
  const [first, second] = [place(url), place(url)]
  const late: Target = {
    ...first,
    write: async (batch, progress) => {
      await second.takeUp('another run')
      await first.write(batch, progress)
    },
  }
  await expect(copied(from.target, late)).rejects.toThrow('Another run has gone on')
  await expect(first.end('a run before')).rejects.toThrow('Another run has gone on')
  await discard(place(url))
  expect(await place(url).tenants()).toEqual([])
  await copied(from.target, place(url))
  await tenant.agrees(store)
})

it('has ended if its last write was done, though the answer to that was lost', async () => {
  const from = local()
  const tenant = await randomTenant(from.store)
  const { url, store } = await deployed.make()
  const losing = (isDone: boolean): void => {
    deployed.fault = (batch) => (batch.some(({ sql }) => sql.startsWith('DROP')) ? { status: 502, isDone } : null)
  }
  losing(false)
  await expect(copied(from.target, place(url))).rejects.toThrow('did not say what became')
  await expect(discard(place(url))).rejects.toThrow('did not say what became')
  losing(true)
  await discard(place(url))
  await copied(from.target, place(url))
  expect(await store.readiness()).toEqual({ ready: true })
  await tenant.agrees(store)
})

it('does not end what another run takes up at that moment', async () => {
  const from = local()
  const tenant = await randomTenant(from.store)
  const { url, store } = await deployed.make()
  const db = deployedD1(url, { env: deployed.env, stop })
  const overtaken: SqlDatabase = {
    ...db,
    write: async <Found>(statements: readonly Statement[]) => {
      if (statements.some(({ sql }) => sql.startsWith('DROP'))) await place(url).takeUp('another run')
      return db.write<Found>(statements)
    },
  }
  const target = sqlTarget(overtaken, db.name, 'schema_version', async () => {})
  await expect(copied(from.target, target)).rejects.toThrow('Another run has gone on')
  expect(await place(url).progress()).toMatchObject({ state: 'publishing', owner: 'another run' })
  expect((await store.readiness()).ready).toBe(false)
  await copied(from.target, place(url))
  await tenant.agrees(store)
})

it('is what the commands copy, back up and restore, stopped while they wait', async () => {
  const [from, to, restored] = [await deployed.make(), await deployed.make(), await deployed.make()]
  const tenant = await randomTenant(from.store)
  const [file, data] = [join(folder, 'by-command'), join(folder, 'data')]
  const ran: Ran[] = []
  const npmRun = async (args: readonly string[], signal?: NodeJS.Signals): Promise<Ran> => {
    const env = { ...deployed.env, PANGOLIN_BACKUP_PASSPHRASE: 'a passphrase' }
    ran.push(await command(args, { env, ...(signal ? { signal } : {}) }))
    return ran.at(-1) ?? { code: null, out: '', err: '', seconds: 0, peakMb: 0 }
  }
  const args = ['copy', '--from', from.url, '--to', to.url]
  deployed.fault = (batch) => (/commit_id/.test(batch[1]?.sql ?? '') ? { status: 429, retryAfter: '200' } : null)
  expect(await npmRun(args, 'SIGINT')).toMatchObject({ code: 130, out: '' })
  deployed.fault = () => null
  const all = [args, ['backup', '--from', to.url, '--file', file], ['restore', '--file', file, '--to', restored.url]]
  const sums = new Set<string | undefined>()
  for (const each of all) sums.add(/SHA-256 \w+/.exec((await npmRun(each)).out)?.[0])
  expect([sums.size, sums.has(undefined)]).toEqual([1, false])
  await tenant.agrees(restored.store)
  expect(await npmRun([...args.slice(0, -1), restored.url])).toMatchObject({
    code: 1,
    err: `The target ${restored.url} is not empty: choose another one, or add tenants that it does not have with --into-existing.\n`,
  })
  expect(await npmRun([...args, '--data', data])).toMatchObject({
    code: 1,
    err: expect.stringContaining('has its own D1') as string,
  })
  expect(ran.map(({ out, err }) => out + err).join('')).not.toContain(TOKEN)
})

it('refuses what it cannot use in one sentence, without the token', async () => {
  const [ready, empty, older, newer] = [
    await deployed.make(),
    await deployed.make(0),
    await deployed.make(1),
    await deployed.make(),
  ]
  await newer.binding.exec('INSERT INTO schema_version (version) VALUES (99)')
  const other = `d1://${ACCOUNT}/${crypto.randomUUID()}`
  const insecure = 'http://api.example.com/client/v4'
  const cases: readonly (readonly [string, Record<string, string>, RegExp])[] = [
    [ready.url, { CLOUDFLARE_API_TOKEN: '' }, /needs an API token: set CLOUDFLARE_API_TOKEN/],
    [ready.url, { CLOUDFLARE_API_TOKEN: `${TOKEN}é` }, /needs an API token/],
    ...[`${TOKEN}\nx`, `Bearer ${TOKEN}`].map(
      (token) => [ready.url, { CLOUDFLARE_API_TOKEN: token }, /has to be the token alone, without "Bearer"/] as const,
    ),
    [
      ready.url,
      { CLOUDFLARE_API_TOKEN: `wrong-${TOKEN}` },
      /does not accept CLOUDFLARE_API_TOKEN for .*HTTP 401: Authentication error/,
    ],
    ...[
      insecure,
      `https://user:${TOKEN}@127.0.0.1:1/x`,
      `https://127.0.0.1:1/x?${TOKEN}`,
      'https://127.0.0.1:1/x#f',
    ].map(
      (base) => [ready.url, { CLOUDFLARE_API_BASE_URL: base }, /CLOUDFLARE_API_BASE_URL has to be an https/] as const,
    ),
    [other, {}, /knows no database d1:.*HTTP 404/],
    ['d1://account/database', {}, /is d1:\/\/ACCOUNT_ID\/DATABASE_ID/],
    [empty.url, {}, /has schema 0, this version needs 3; .* run npx wrangler d1 migrations apply DB --remote/],
    [older.url, {}, /has schema 1, this version needs 3; .* run npx wrangler d1 migrations apply DB --remote/],
    [newer.url, {}, /written by a newer version: it has schema 99/],
  ]
  for (const [url, env, sentence] of cases)
    for (const role of ['from', 'to'] as const) {
      const error: unknown = await opened(url, role, env).catch((thrown: unknown) => thrown)
      expect.soft(String(error)).toMatch(/^Refusal: [^\n]+\.$/)
      expect.soft(String(error)).toMatch(sentence)
      expect.soft(String(error)).not.toContain(TOKEN)
    }
  const spaced = { CLOUDFLARE_API_TOKEN: ` ${TOKEN}\n` }
  expect(await (await opened(ready.url, 'to', spaced)).tenants()).toEqual([])
})

/** As a command opens it. */
async function opened(url: string, role: 'from' | 'to', env: Record<string, string> = {}): Promise<Target> {
  for (const [name, value] of Object.entries({ ...deployed.env, ...env })) vi.stubEnv(name, value)
  try {
    return await openPlace(url, role, new Folders(), stop)
  } finally {
    vi.unstubAllEnvs()
  }
}
