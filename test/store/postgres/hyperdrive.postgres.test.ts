// Contract: the Postgres store is a store over a Hyperdrive binding, on a real server.
// Source: src/store/store.ts; DESIGN §2.1, §2.3; platform facts on Hyperdrive, which is a direct connection here.
import { env } from 'cloudflare:workers'
import { postgresStore } from '#store/sql/postgres/postgres'
import { tcpDatabase } from '#store/sql/postgres/tcp'
import { agreesWithModel } from '#test/contract/agreement'
import { storeContract } from '#test/contract/store-contract'

if (!env.HYPERDRIVE) throw new Error('expected the binding HYPERDRIVE')
const store = postgresStore(tcpDatabase(env.HYPERDRIVE.connectionString))
const open = async () => store

storeContract('Postgres over Hyperdrive', open)
agreesWithModel('Postgres over Hyperdrive', open)
