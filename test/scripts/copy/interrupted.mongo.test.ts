// Contract: a copy that dies at any write, before or after it, goes on from there; what it has brought so far nobody can
// use, and in the end it is the same as one that never died. Source: README, "Moving between databases".
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { COPYING } from '#store/copying'
import { randomTenant } from '#test/contract/agreement'
import { copyOf, databases, type Database, type DatabaseKind, type Databases } from './databases.ts'

const KINDS: readonly DatabaseKind[] = ['d1', 'postgres', 'mongo']
let made: Databases

beforeAll(async () => {
  made = await databases()
})
afterAll(() => made?.stop())

class Died extends Error {}

/** Copies until the `count`th write of this attempt; false if it came to its end first. */
async function dies(from: Database, to: Database, count: number, when: 'before' | 'after'): Promise<boolean> {
  let left = count
  const watch = (now: 'before' | 'after'): void => {
    if (now !== when) return
    left -= 1
    if (left <= 0) throw new Died()
  }
  try {
    await copyOf(from, to, { watch })
    return false
  } catch (error) {
    if (left > 0) throw error
    return true
  }
}

describe.each(KINDS)('a copy into %s', (kind) => {
  it.each(['before', 'after'] as const)('goes on, however often it dies %s a write', async (when) => {
    const [from, to] = [await made.make('d1'), await made.make(kind)]
    const tenant = await randomTenant(from.store())
    await tenant.goOn(from.store(), 30)
    let deaths = 0
    while (await dies(from, to, deaths + 1, when)) {
      deaths += 1
      const store = to.store()
      const { place } = await store.tenant(tenant.tenantId).read({ at: { catalog: 'demo', ref: 'main' } })
      const isWhole = place !== null
      // Only the very end may be left: what can be seen is whole.
      if (isWhole) await tenant.agrees(store)
      else if (deaths > 1) expect(await store.readiness()).toEqual({ ready: false, reason: COPYING })
    }
    expect(deaths).toBeGreaterThan(5)
    const store = to.store()
    expect(await store.readiness()).toEqual({ ready: true })
    await tenant.agrees(store)
    await tenant.goOn(store, 20)
    await tenant.agrees(store)
  })
})
