import { describe, expect, it } from 'vitest'
import type { TenantStore } from '#store/store'
import type { Change } from '#versions/model'
import { commitOf, create, fork, land, newTenant, tableKey, tableValue, type OpenStore } from './fixture.ts'

const INSIDE = { class: 'asset', namespace: 'a', kind: 'table' } as const

/** Lists go on after a name, so what is there all along is listed once, whatever else happens meanwhile. */
export function listsContract(open: OpenStore, listed: number): void {
  describe('lists', () => {
    it(`show ${listed} keys once each, in order, while others are created and dropped`, async () => {
      const { tenant, main } = await newTenant(open)
      const stable = Array.from({ length: listed }, (_, i) => `t${String(i).padStart(5, '0')}`)
      await fill(tenant, main.id, stable)
      const onMain = await listWhileWriting(tenant, main.id)
      expect(onMain.filter((name) => !name.includes('+'))).toEqual(stable)
      const dev = await fork(tenant, main.id, 'dev')
      const onDev = await listWhileWriting(tenant, dev.id)
      expect(onDev.filter((name) => !name.includes('+'))).toEqual(stable)
      for (const names of [onMain, onDev]) expect(new Set(names).size).toBe(names.length)
    })

    it('give short pages rather than look at names without end', async () => {
      const { tenant, main } = await newTenant(open)
      const names = Array.from({ length: 2500 }, (_, i) => `t${String(i).padStart(5, '0')}`)
      await fill(tenant, main.id, names)
      const dev = await fork(tenant, main.id, 'dev')
      for (let start = 0; start < 2400; start += 400) {
        const keys = names.slice(start, start + 400).map((name) => tableKey('a', name))
        const { entries } = await tenant.read({ at: { branchId: dev.id }, keys })
        const drops = keys.map((key, i) => ({ key, expect: entries[i]?.rev ?? null, next: null }))
        await land(tenant, commitOf(dev.id, drops))
      }
      const seen: string[] = []
      let after: string | undefined
      do {
        const page = await pageAfter(tenant, dev.id, after, 7)
        seen.push(...page.names)
        after = page.next
      } while (after !== undefined)
      expect(seen).toEqual(names.slice(2400))
    })
  })
}

async function fill(tenant: TenantStore, branchId: string, names: readonly string[]): Promise<void> {
  for (let start = 0; start < names.length; start += 500) {
    const some = names.slice(start, start + 500)
    await land(
      tenant,
      commitOf(
        branchId,
        some.map((name) => create(tableKey('a', name), tableValue())),
      ),
    )
  }
}

/** Before each page, writes a key in front of it and one behind it, and drops the one in front that came before. */
async function listWhileWriting(tenant: TenantStore, branchId: string): Promise<string[]> {
  const seen: string[] = []
  let after: string | undefined
  let drops: Change[] = []
  let round = 0
  do {
    round += 1
    const [front, behind] = [tableKey('a', `a+${branchId}${round}`), tableKey('a', `t09999+${branchId}${round}`)]
    const commit = commitOf(branchId, [create(front, tableValue()), create(behind, tableValue()), ...drops])
    await land(tenant, commit)
    drops = [{ key: front, expect: commit.members[0]?.id ?? null, next: null }]
    const page = await pageAfter(tenant, branchId, after, 500)
    seen.push(...page.names)
    after = page.next
  } while (after !== undefined)
  return seen
}

async function pageAfter(
  tenant: TenantStore,
  branchId: string,
  after: string | undefined,
  limit: number,
): Promise<{ names: string[]; next: string | undefined }> {
  const { page } = await tenant.read({
    at: { branchId },
    page: { ...INSIDE, limit, ...(after === undefined ? {} : { after }) },
  })
  return { names: page?.entries.map(({ name }) => name) ?? [], next: page?.next }
}
