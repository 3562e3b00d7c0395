// Contract: the D1 store is a store, on a real D1.
// Source: src/store/store.ts; DESIGN §2.1, §2.3.
import { env } from 'cloudflare:workers'
import { d1Store } from '#store/sql/d1'
import { storeContract } from '#test/contract/store-contract'

storeContract('D1', async () => d1Store(env.DB))
