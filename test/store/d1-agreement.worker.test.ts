// Contract: random histories end alike in D1 and in the model. STORE_SEED and STORE_RUNS say which and how many.
// Source: src/store/store.ts; DESIGN §2.3 ("the model the others are tested against").
import { env } from 'cloudflare:workers'
import { d1Store } from '#store/sql/d1'
import { agreesWithModel } from '#test/contract/agreement'

agreesWithModel('D1', async () => d1Store(env.DB))
