// Contract: the Postgres store is a store over Neon's HTTP, in front of a real server.
// Source: src/store/store.ts; DESIGN §2.1, §2.3; platform facts on Neon's driver.
import { env } from 'cloudflare:workers'
import { neonDatabase } from '#store/sql/postgres/neon'
import { postgresStore } from '#store/sql/postgres/postgres'
import { agreesWithModel } from '#test/contract/agreement'
import { storeContract } from '#test/contract/store-contract'

const store = postgresStore(neonDatabase(env.POSTGRES_TEST_URL, env.NEON_TEST_URL))
const open = async () => store

storeContract('Postgres over Neon HTTP', open)
agreesWithModel('Postgres over Neon HTTP', open)
