import { execFile } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare'
import { unstable_splitSqlQuery } from 'wrangler'
import { DEFAULT_TENANT_ID } from '#src/bootstrap'
import { BARE_WORKER } from './bare.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const PASSWORD = 'only for this run'
const COMPATIBILITY = { compatibilityDate: '2026-08-01', compatibilityFlags: ['nodejs_compat'] }
const SOCKET = { unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }] }
const STORAGE = { d1Databases: { DB: 'bench' }, r2Buckets: { LAKE: 'lake' } }

/**
 * Origins on loopback. `cold` is the catalog once more, on the same data, in an isolate that has cached nothing; `ungrouped`
 * once more, built so that no two commits are published together, with lanes of its own.
 */
export interface Servers {
  readonly catalog: URL
  readonly cold: URL
  readonly ungrouped: URL
  readonly bare: URL
  /** The administrator's. */
  readonly token: string
  stop(): Promise<void>
}

/** Builds the Worker as a deployment would, and runs it, migrated and bootstrapped, next to the bare one. */
export async function startServers(): Promise<Servers> {
  const folder = mkdtempSync(join(tmpdir(), 'catalog-bench-'))
  const script = await build(folder)
  const ungroupedScript = await build(
    folder,
    '--alias',
    `#src/limits:${join(import.meta.dirname, 'ungrouped-limits.ts')}`,
  )
  const lanes = { TABLE_LANE: 'TableLane', PURGE_RUNNER: 'PurgeRunner' }
  const worker = { ...COMPATIBILITY, ...SOCKET, ...STORAGE, modules: [script], bindings: settings() }
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      log: new Log(LogLevel.ERROR),
      cf: false,
      telemetry: { enabled: false },
      resourcePersistencePath: join(folder, 'data'),
      workers: [
        {
          ...worker,
          name: 'catalog',
          durableObjects: lanesOf((className) => ({ className, useSQLite: true }), lanes),
        },
        {
          ...worker,
          name: 'cold',
          durableObjects: lanesOf((className) => ({ className, scriptName: 'catalog', useSQLite: true }), lanes),
        },
        {
          ...worker,
          modules: [ungroupedScript],
          name: 'ungrouped',
          durableObjects: lanesOf((className) => ({ className, useSQLite: true }), lanes),
        },
        {
          ...COMPATIBILITY,
          ...SOCKET,
          name: 'bare',
          modules: true,
          script: BARE_WORKER,
          d1Databases: STORAGE.d1Databases,
          bindings: { TENANT_ID: DEFAULT_TENANT_ID },
        },
      ],
    }),
  )
  const stop = async (): Promise<void> => {
    await miniflare.dispose()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await miniflare.ready
    await migrate(miniflare)
    const catalog = await miniflare.unsafeGetDirectURL('catalog')
    const cold = await miniflare.unsafeGetDirectURL('cold')
    const ungrouped = await miniflare.unsafeGetDirectURL('ungrouped')
    const bare = await miniflare.unsafeGetDirectURL('bare')
    return { catalog, cold, ungrouped, bare, token: await logIn(catalog), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function lanesOf<T>(one: (className: string) => T, names: Readonly<Record<string, string>>): Record<string, T> {
  return Object.fromEntries(Object.entries(names).map(([binding, className]) => [binding, one(className)]))
}

async function build(
  folder: string,
  ...more: readonly string[]
): Promise<{ type: 'ESModule'; path: string; contents: string }> {
  const wrangler = join(ROOT, 'node_modules', 'wrangler', 'bin', 'wrangler.js')
  const outdir = join(folder, 'dist')
  await promisify(execFile)(
    process.execPath,
    [wrangler, 'deploy', '--dry-run', '--minify', '--outdir', outdir, ...more],
    {
      cwd: ROOT,
      env: {
        ...process.env,
        CI: '1',
        WRANGLER_SEND_METRICS: 'false',
        WRANGLER_HIDE_BANNER: 'true',
        WRANGLER_LOG_PATH: join(folder, 'logs'),
      },
    },
  )
  return { type: 'ESModule', path: 'worker.js', contents: readFileSync(join(outdir, 'worker.js'), 'utf8') }
}

function settings(): Record<string, string> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    TOKEN_KEYS: JSON.stringify({ keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'bench', alg: 'ES256' }] }),
    TOKEN_ISSUER: 'pangolin',
    TOKEN_AUDIENCE: 'pangolin',
    LAKE_BUCKET: 'lake',
    S3_ACCESS_KEY_ID: 'bench',
    S3_SECRET_ACCESS_KEY: 'only for this run',
    S3_LOCAL: 'true',
    BOOTSTRAP_PASSWORD: PASSWORD,
    LOG_LEVEL: 'error',
  }
}

async function migrate(miniflare: Miniflare): Promise<void> {
  const database = await miniflare.getD1Database('DB', 'catalog')
  const files = readdirSync(join(ROOT, 'migrations')).filter((name) => name.endsWith('.sql'))
  for (const file of files.toSorted()) {
    const statements = unstable_splitSqlQuery(readFileSync(join(ROOT, 'migrations', file), 'utf8'))
    await database.batch(statements.map((statement) => database.prepare(statement)))
  }
}

async function logIn(catalog: URL): Promise<string> {
  const ready = await fetch(new URL('/health/ready', catalog))
  if (!ready.ok) throw new Error(`the Worker is not ready: ${await ready.text()}`)
  const login = await fetch(new URL('/api/v1/users/login', catalog), {
    method: 'POST',
    body: JSON.stringify({ username: 'admin', password: PASSWORD }),
  })
  const answer = await login.json<{ readonly token: string }>()
  return answer.token
}
