import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare'
import { unstable_splitSqlQuery } from 'wrangler'
import { DEFAULT_TENANT_ID } from '#src/bootstrap'
import { buildWorker, COMPATIBILITY, DIRECT_SOCKET, LANES, logIn, workerSettings } from '#test/support/built-worker'
import { BARE_WORKER } from './bare.ts'

const ROOT = join(import.meta.dirname, '..', '..')
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
  const script = await buildWorker(folder)
  const ungroupedScript = await buildWorker(
    folder,
    '--alias',
    `#src/limits:${join(import.meta.dirname, 'ungrouped-limits.ts')}`,
  )
  const worker = {
    ...COMPATIBILITY,
    ...DIRECT_SOCKET,
    ...STORAGE,
    modules: [script],
    bindings: workerSettings('error'),
  }
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
          durableObjects: lanesOf((className) => ({ className, useSQLite: true }), LANES),
        },
        {
          ...worker,
          name: 'cold',
          durableObjects: lanesOf((className) => ({ className, scriptName: 'catalog', useSQLite: true }), LANES),
        },
        {
          ...worker,
          modules: [ungroupedScript],
          name: 'ungrouped',
          durableObjects: lanesOf((className) => ({ className, useSQLite: true }), LANES),
        },
        {
          ...COMPATIBILITY,
          ...DIRECT_SOCKET,
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

async function migrate(miniflare: Miniflare): Promise<void> {
  const database = await miniflare.getD1Database('DB', 'catalog')
  const files = readdirSync(join(ROOT, 'migrations')).filter((name) => name.endsWith('.sql'))
  for (const file of files.toSorted()) {
    const statements = unstable_splitSqlQuery(readFileSync(join(ROOT, 'migrations', file), 'utf8'))
    await database.batch(statements.map((statement) => database.prepare(statement)))
  }
}
