// Contract: wrangler.toml has an environment for each store, which wrangler takes as it is, with what the store needs.
// Source: src/env.d.ts; src/config.ts; Cloudflare, "Wrangler configuration", environments inherit no bindings.
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const ENVIRONMENTS = {
  '': { store: null, has: ['env.DB (pangolin)'], lacks: ['env.HYPERDRIVE', 'env.MONGO '] },
  postgres: { store: 'postgres', has: ['env.HYPERDRIVE ('], lacks: ['env.DB ', 'env.MONGO '] },
  neon: { store: 'postgres', has: [], lacks: ['env.DB ', 'env.HYPERDRIVE', 'env.MONGO '] },
  mongo: { store: 'mongo', has: ['env.MONGO (MongoConnection)'], lacks: ['env.DB ', 'env.HYPERDRIVE'] },
} as const

const EVERYWHERE = [
  'env.TABLE_LANE (TableLane)',
  'env.PURGE_RUNNER (PurgeRunner)',
  'env.LAKE (lake)',
  'env.TOKEN_ISSUER',
]

const folder = mkdtempSync(join(tmpdir(), 'catalog-deployments-'))
const printed = new Map<string, string>()

async function deployment(name: string): Promise<string> {
  const wrangler = join('node_modules', 'wrangler', 'bin', 'wrangler.js')
  const args = [wrangler, 'deploy', '--dry-run', '--env', name, '--outdir', join(folder, `of-${name}`)]
  const settings = { CI: '1', WRANGLER_SEND_METRICS: 'false', WRANGLER_LOG_PATH: join(folder, 'logs') }
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, ...settings } })
  return stdout + stderr
}

beforeAll(async () => {
  const names = Object.keys(ENVIRONMENTS)
  const all = await Promise.all(names.map(deployment))
  for (const [i, name] of names.entries()) printed.set(name, all[i] ?? '')
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('are all there are', () => {
  const found = [...readFileSync('wrangler.toml', 'utf8').matchAll(/^\[env\.(\w+)\]$/gm)].map(([, name]) => name)
  expect(['', ...found].toSorted()).toEqual(Object.keys(ENVIRONMENTS).toSorted())
})

describe.each(Object.entries(ENVIRONMENTS))('environment %j', (name, { store, has, lacks }) => {
  it('is complete: it lacks nothing that the first one has, but for its database', () => {
    const text = printed.get(name) ?? ''
    for (const binding of [...EVERYWHERE, ...has]) expect(text).toContain(binding)
    for (const binding of lacks) expect(text).not.toContain(binding)
    if (store) expect(text).toContain(`env.STORE ("${store}")`)
    expect(text).not.toMatch(/"(?!d1_databases")\w+" exists at the top level/)
  })

  it('carries the driver of MongoDB only where it is used', () => {
    const built = join(folder, `of-${name}`)
    const script = readdirSync(built).find((file) => file.endsWith('.js')) ?? ''
    expect(readFileSync(join(built, script), 'utf8').includes('MongoTailableCursorError')).toBe(name === 'mongo')
  })
})
