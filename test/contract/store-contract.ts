import { describe } from 'vitest'
import { commitsContract } from './commits.ts'
import { fencingContract } from './fencing.ts'
import type { OpenStore } from './fixture.ts'
import { foldersContract } from './folders.ts'
import { idempotencyContract } from './idempotency.ts'
import { lineageContract } from './lineage.ts'
import { listsContract } from './lists.ts'
import { metricsContract } from './metrics.ts'
import { racesContract } from './races.ts'
import { readsContract } from './reads.ts'
import { recordsContract } from './records.ts'
import { storageContract } from './storage.ts'
import { trimsContract } from './trims.ts'

/** Keys in the longest list; fewer where it is the test server that is slow. */
const KEYS_LISTED = 10_000

/** What every store does. `open` may return the same database each time: every case makes its own tenant. */
export function storeContract(name: string, open: OpenStore, { keysListed = KEYS_LISTED } = {}): void {
  describe(`${name} store`, () => {
    readsContract(open)
    commitsContract(open)
    racesContract(open)
    lineageContract(open)
    listsContract(open, keysListed)
    fencingContract(open)
    idempotencyContract(open)
    foldersContract(open)
    recordsContract(open)
    storageContract(open)
    trimsContract(open)
    metricsContract(open)
  })
}
