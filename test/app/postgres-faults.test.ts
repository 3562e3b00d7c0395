// Contract: whatever is wrong with a PostgreSQL, readiness says it, requests are told to come back, and nothing is lost.
// Source: DESIGN §2.1 "Outcome fencing", §5; PostgreSQL, Appendix A "Error Codes"; the built Worker, over each transport.
import { afterAll, beforeAll, describe } from 'vitest'
import { migrate } from '#store/sql/postgres/migrate'
import { startPostgresFaults, type Plan } from '#test/store/postgres/fault-proxy'
import { startNeonFront, throughNeon } from '#test/store/postgres/neon-front'
import { ownServer, type OwnServer } from '#test/store/postgres/own-server'
import type { BuiltWorker, Way } from '#test/support/built-worker'
import { built, serve } from '#test/support/served-worker'
import { postgresMigrations } from '../../scripts/postgres/migrations.ts'
import { survivesFaults, type Ends, type Fault, type FaultyWorker } from './store-faults.ts'

const FAULTS: readonly Fault[] = [
  ['refuse-28P01', /user or the password/, false],
  ['refuse-28000', /not let this user in from here, or not without TLS/, false],
  ['refuse-3D000', /does not exist/, false],
  ['refuse-57P03', /starting up or shutting down/, false],
  ['refuse-53300', /no connection to spare/, false],
  ['error-53200', /out of resources/, false],
  ['error-42P01', /no schema yet|lacks the schema/, false],
  ['error-42703', /lacks the schema/, false],
  ['writes-53100', /no disk space/, true],
  ['writes-25006', /takes no writes/, true],
  ['writes-0A000', /takes no writes/, true],
  ['drop', /cannot be reached|does not answer/, false],
]

let script: BuiltWorker
let server: OwnServer

beforeAll(async () => {
  server = await ownServer()
  script = await built()
})

afterAll(() => server?.stop())

const ways = {
  tcp: async (url: string): Promise<Way> => ({ worker: { bindings: { STORE: 'postgres', DATABASE_URL: url } } }),
  hyperdrive: async (url: string): Promise<Way> => ({
    worker: { bindings: { STORE: 'postgres' }, hyperdrives: { HYPERDRIVE: url } },
  }),
  neon: async (url: string, ends: Ends, plan: Plan): Promise<Way> => {
    const front = await startNeonFront({ plan })
    ends.push(() => front.stop())
    const { bindings, outboundService } = throughNeon(url, front)
    return { worker: { bindings: { STORE: 'postgres', ...bindings }, outboundService } }
  },
}

describe.each(['tcp', 'hyperdrive', 'neon'] as const)('a Worker on a PostgreSQL over %s', (transport) => {
  const start = async (plan: Plan, ends: Ends): Promise<FaultyWorker> => {
    const { db, url } = await server.emptyDatabase()
    await migrate(db, postgresMigrations())
    const own = new URL(url)
    const proxy = await startPostgresFaults(Number(own.port), { plan })
    ends.push(() => proxy.stop())
    own.port = String(proxy.port)
    const worker = await serve(script, await ways[transport](own.href, ends, plan))
    return { worker, cut: proxy.cut, secrets: [own.password] }
  }

  survivesFaults({ faults: FAULTS, lost: ['lose'], start, restart: () => server.restart() })
})
