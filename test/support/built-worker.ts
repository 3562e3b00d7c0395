import { execFile } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { V4WorkerOptions } from 'miniflare'

const ROOT = join(import.meta.dirname, '..', '..')
const PASSWORD = 'only for this run'

/** What each Worker under miniflare is given besides its code. */
export const COMPATIBILITY = { compatibilityDate: '2026-08-01', compatibilityFlags: ['nodejs_compat'] }

/** Served on a free port of the loopback interface, without a proxy in front. */
export const DIRECT_SOCKET = { unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }] }

/** Durable Objects of every store, by binding. */
const LANES = { TABLE_LANE: 'TableLane', PURGE_RUNNER: 'PurgeRunner' }

export interface BuiltWorker {
  readonly type: 'ESModule'
  readonly path: string
  readonly contents: string
}

/** How a Worker reaches its database. */
export interface Way {
  readonly worker: Pick<V4WorkerOptions, 'bindings' | 'hyperdrives' | 'outboundService'>
  /** Durable Objects beyond those of every store. */
  readonly objects?: Readonly<Record<string, string>>
}

/** Builds the Worker as a deployment would, in `folder`; `more` are arguments of wrangler's. */
export async function buildWorker(folder: string, ...more: readonly string[]): Promise<BuiltWorker> {
  const wrangler = join(ROOT, 'node_modules', 'wrangler', 'bin', 'wrangler.js')
  const outdir = mkdtempSync(join(folder, 'dist-'))
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
  const script = readdirSync(outdir).find((name) => name.endsWith('.js')) ?? ''
  return { type: 'ESModule', path: 'worker.js', contents: readFileSync(join(outdir, script), 'utf8') }
}

/** The Worker as miniflare takes it, named `catalog`. Its way to the database may say other settings. */
export function catalogWorker(
  script: BuiltWorker,
  { worker, objects = {} }: Way,
  settings: Readonly<Record<string, string>>,
) {
  const classes = Object.entries({ ...LANES, ...objects })
  return {
    ...COMPATIBILITY,
    ...DIRECT_SOCKET,
    ...worker,
    name: 'catalog',
    modules: [script],
    r2Buckets: { LAKE: 'lake' },
    bindings: { ...settings, ...worker.bindings },
    durableObjects: Object.fromEntries(
      classes.map(([binding, className]) => [binding, { className, useSQLite: true }]),
    ),
  }
}

/** Complete settings, but for where the records are, with a signing key of their own. */
export function workerSettings(level: string): Record<string, string> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    TOKEN_KEYS: JSON.stringify({ keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'built', alg: 'ES256' }] }),
    TOKEN_ISSUER: 'pangolin',
    TOKEN_AUDIENCE: 'pangolin',
    LAKE_BUCKET: 'lake',
    S3_ACCESS_KEY_ID: 'built',
    S3_SECRET_ACCESS_KEY: PASSWORD,
    S3_LOCAL: 'true',
    BOOTSTRAP_PASSWORD: PASSWORD,
    LOG_LEVEL: level,
  }
}

/** Has the Worker make its first records, and logs in as its administrator. @returns the token */
export async function logIn(catalog: URL): Promise<string> {
  const ready = await fetch(new URL('/health/ready', catalog))
  if (!ready.ok) throw new Error(`the Worker is not ready: ${await ready.text()}`)
  const login = await fetch(new URL('/api/v1/users/login', catalog), {
    method: 'POST',
    body: JSON.stringify({ username: 'admin', password: PASSWORD }),
  })
  const answer = await login.json<{ readonly token: string }>()
  return answer.token
}
