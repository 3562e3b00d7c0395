// Contract: the memory store is a store.
// Source: src/store/store.ts; DESIGN §2.1, §2.3.
import { storeContract } from '#test/contract/store-contract'
import { memoryStore } from '#store/memory/memory'

storeContract('memory', async () => memoryStore())
