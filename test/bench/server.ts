import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare'
import { unstable_splitSqlQuery } from 'wrangler'
import { DEFAULT_TENANT_ID } from '#src/bootstrap'
import {
  buildWorker,
  catalogWorker,
  COMPATIBILITY,
  DIRECT_SOCKET,
  logIn,
  workerSettings,
} from '#test/support/built-worker'
import { BARE_WORKER } from './bare.ts'
import { openStore, type StoreName } from './stores.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const D1 = { DB: 'bench' }

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
  /** What the figures of the store say. */
  readonly note: string
  stop(): Promise<void>
}

/**
 * Builds the Worker as a deployment would, and runs it on a store, migrated and bootstrapped, next to the bare one, which
 * has D1 whatever the store.
 */
export async function startServers(storeName: StoreName): Promise<Servers> {
  const folder = mkdtempSync(join(tmpdir(), 'catalog-bench-'))
  const store = await openStore(storeName)
  const script = await buildWorker(folder, ...store.build)
  const ungroupedScript = await buildWorker(
    folder,
    ...store.build,
    '--alias',
    `#src/limits:${join(import.meta.dirname, 'ungrouped-limits.ts')}`,
  )
  const worker = { ...catalogWorker(script, store, workerSettings('error')), d1Databases: D1 }
  const lanes = Object.entries(worker.durableObjects)
  const lanesOfCatalog = Object.fromEntries(
    lanes.map(([binding, lane]) => [binding, { ...lane, scriptName: 'catalog' }]),
  )
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      log: new Log(LogLevel.ERROR),
      cf: false,
      telemetry: { enabled: false },
      resourcePersistencePath: join(folder, 'data'),
      workers: [
        worker,
        { ...worker, name: 'cold', durableObjects: lanesOfCatalog },
        { ...worker, name: 'ungrouped', modules: [ungroupedScript] },
        {
          ...COMPATIBILITY,
          ...DIRECT_SOCKET,
          name: 'bare',
          modules: true,
          script: BARE_WORKER,
          d1Databases: D1,
          bindings: { TENANT_ID: DEFAULT_TENANT_ID },
        },
      ],
    }),
  )
  const stop = async (): Promise<void> => {
    await miniflare.dispose()
    await store.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await miniflare.ready
    await migrate(miniflare)
    const catalog = await miniflare.unsafeGetDirectURL('catalog')
    const cold = await miniflare.unsafeGetDirectURL('cold')
    const ungrouped = await miniflare.unsafeGetDirectURL('ungrouped')
    const bare = await miniflare.unsafeGetDirectURL('bare')
    return { catalog, cold, ungrouped, bare, token: await logIn(catalog), note: store.note, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function migrate(miniflare: Miniflare): Promise<void> {
  const database = await miniflare.getD1Database('DB', 'bare')
  const files = readdirSync(join(ROOT, 'migrations')).filter((name) => name.endsWith('.sql'))
  for (const file of files.toSorted()) {
    const statements = unstable_splitSqlQuery(readFileSync(join(ROOT, 'migrations', file), 'utf8'))
    await database.batch(statements.map((statement) => database.prepare(statement)))
  }
}
