// Contract: the Postgres store is a store over a plain connection string, on a real server.
// Source: src/store/store.ts; DESIGN §2.1, §2.3.
import { env } from 'cloudflare:workers'
import { postgresStore } from '#store/sql/postgres/postgres'
import { tcpDatabase } from '#store/sql/postgres/tcp'
import { agreesWithModel } from '#test/contract/agreement'
import { storeContract } from '#test/contract/store-contract'

const store = postgresStore(tcpDatabase(env.POSTGRES_TEST_URL))
const open = async () => store

storeContract('Postgres over TCP', open)
agreesWithModel('Postgres over TCP', open)
