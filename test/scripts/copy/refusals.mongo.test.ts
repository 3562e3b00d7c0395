// Contract: what may not be copied, or copied into, is refused before anything is written; what changed meanwhile is not
// taken for a copy. Source: README, "Moving between databases".
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { COPYING } from '#store/copying'
import { randomTenant, type RandomTenant } from '#test/contract/agreement'
import { AT, commitOf, create, firstRecords, land, newId, tableKey, tableValue } from '#test/contract/fixture'
import { copy, discard } from '../../../scripts/copy/copy.ts'
import type { Target } from '../../../scripts/copy/store.ts'
import { copyOf, databases, type Database, type DatabaseKind, type Databases } from './databases.ts'

const KINDS: readonly DatabaseKind[] = ['d1', 'postgres', 'mongo']
let made: Databases

beforeAll(async () => {
  made = await databases()
})
afterAll(() => made?.stop())

describe.each(KINDS)('a copy into %s', (kind) => {
  let from: Database
  let to: Database
  let tenant: RandomTenant

  beforeEach(async () => {
    from = await made.make('d1')
    to = await made.make(kind)
    tenant = await randomTenant(from.store())
    await tenant.goOn(from.store(), 20)
  })

  async function stopsHalfWay(): Promise<void> {
    const watch = (): void => {
      writes += 1
      if (writes > 6) throw new Error('died')
    }
    let writes = 0
    await expect(copyOf(from, to, { watch })).rejects.toThrow(/died|database (did not|failed to) answer/)
    expect(await to.store().readiness()).toEqual({ ready: false, reason: COPYING })
  }

  it('adds tenants to a database that has others only if told to', async () => {
    const other = await randomTenant(to.store())
    await other.goOn(to.store(), 20)
    await expect(copyOf(from, to)).rejects.toThrow('is not empty')
    await copyOf(from, to, { intoExisting: true })
    for (const each of [tenant, other]) {
      await each.agrees(to.store())
      await each.goOn(to.store(), 10)
      await each.agrees(to.store())
    }
  })

  it('refuses a tenant, or storage, that is there already', async () => {
    const other = await randomTenant(to.store())
    await copyOf(from, to, { intoExisting: true })
    await expect(copyOf(from, to, { intoExisting: true })).rejects.toThrow(`has the tenant ${tenant.tenantId} already`)
    const third = await made.make('d1')
    const records = firstRecords(newId())
    const storage = { kind: 'r2', bucket: `lake-${other.tenantId}`, prefix: 'in/' } as const
    await third.store().bootstrap({ ...records, warehouse: { ...records.warehouse, storage } })
    await expect(copyOf(third, to, { intoExisting: true })).rejects.toThrow('is that of the tenant')
    expect(await to.store().readiness()).toEqual({ ready: true })
    await other.agrees(to.store())
  })

  it('refuses to go on with another source, and gives up what it has brought', async () => {
    await stopsHalfWay()
    const other = await made.make('d1')
    await randomTenant(other.store())
    await expect(copyOf(other, to)).rejects.toThrow('half of a copy of')
    const target = to.open()
    await discard(target)
    await expect(discard(target)).rejects.toThrow('no interrupted copy')
    expect(await target.tenants()).toEqual([])
    await target.close()
    expect(await to.store().readiness()).toEqual({ ready: true })
    await copyOf(other, to)
  })

  it('tells that the source has changed, shows nothing of it, and starts over', async () => {
    const source = await made.make('d1')
    const { main, tenantId } = await randomTenant(source.store())
    const change = async (name: string): Promise<unknown> =>
      land(source.store().tenant(tenantId), commitOf(main, [create(tableKey('a', name), tableValue())]))
    await change('before')
    let isCopying = false
    const seen = (): void => {
      isCopying = true
    }
    const watch = (): void => {
      if (isCopying) throw new Error('died')
    }
    await expect(copyOf(source, to, { seen, watch })).rejects.toThrow(/died|database (did not|failed to) answer/)
    await change('meanwhile')
    await expect(copyOf(source, to)).rejects.toThrow('has changed while it was copied')
    expect(await to.store().readiness()).toEqual({ ready: false, reason: COPYING })
    const at = { catalog: 'demo', ref: 'main' }
    expect((await to.store().tenant(tenantId).read({ at })).place).toBeNull()
    await copyOf(source, to)
    expect(await to.store().readiness()).toEqual({ ready: true })
    const keys = [tableKey('a', 'before'), tableKey('a', 'meanwhile')]
    const { entries } = await to.store().tenant(tenantId).read({ at, keys })
    expect(entries.map((entry) => entry?.name)).toEqual(['before', 'meanwhile'])
  })

  it('leaves out nothing that was written after it died between the comparison and its end', async () => {
    const source = await made.make('d1')
    const { main, tenantId } = await randomTenant(source.store())
    const target = to.open()
    const dying = {
      ...target,
      publish: async () => {
        throw new Error('died')
      },
    }
    await expect(copy(source.open(), dying, OPTIONS)).rejects.toThrow('died')
    await land(source.store().tenant(tenantId), commitOf(main, [create(tableKey('a', 'meanwhile'), tableValue())]))
    await expect(copyOf(source, to)).rejects.toThrow('has changed since it was copied')
    expect(await to.store().readiness()).toEqual({ ready: false, reason: COPYING })
    await discard(target)
    await target.close()
    await copyOf(source, to)
    const at = { catalog: 'demo', ref: 'main' }
    const { entries } = await to
      .store()
      .tenant(tenantId)
      .read({ at, keys: [tableKey('a', 'meanwhile')] })
    expect(entries).toMatchObject([{ name: 'meanwhile' }])
  })

  it('takes nothing back from a tenant that is in use already', async () => {
    const target = to.open()
    const using = {
      ...target,
      publish: async (...published: Parameters<typeof target.publish>) => {
        await target.publish(...published)
        await to.store().tenant(tenant.tenantId).users.create(USER)
      },
    }
    await expect(copy(from.open(), using, OPTIONS)).rejects.toThrow('somebody uses it already')
    await target.close()
    expect(await to.store().readiness()).toEqual({ ready: true })
    expect(await to.store().tenant(tenant.tenantId).users.get(USER.id)).toEqual(USER)
  })

  it('writes no more once another run goes on with it', async () => {
    const [first, second] = [to.open(), to.open()]
    const late = {
      ...first,
      write: async (...written: Parameters<typeof first.write>) => {
        await second.takeUp('another run')
        await first.write(...written)
      },
    }
    await expect(copy(from.open(), late, OPTIONS)).rejects.toThrow('Another run has gone on')
    await expect(first.end('a run before')).rejects.toThrow('Another run has gone on')
    for (const each of [first, second]) await each.close()
    await copyOf(from, to)
    await tenant.agrees(to.store())
  })

  it('is given up whole: what a run before still writes does not land', async () => {
    const [first, second] = [to.open(), to.open()]
    const going: Target = {
      ...first,
      write: async (batch, progress) => {
        if (batch.table !== 'log') return first.write(batch, progress)
        let late: unknown
        const discarding: Target = {
          ...second,
          discard: async (tenants, owner) => {
            await second.discard(tenants, owner)
            late = await first.write(batch, progress).catch((error: unknown) => error)
          },
        }
        await discard(discarding)
        throw late
      },
    }
    await expect(copy(from.open(), going, OPTIONS)).rejects.toThrow('Another run has gone on')
    expect(await second.tenants()).toEqual([])
    for (const each of [first, second]) await each.close()
    await copyOf(from, to)
    await tenant.agrees(to.store())
  })

  it('is not taken for whole where its removal was interrupted', async () => {
    const target = to.open()
    const dies = async (): Promise<never> => Promise.reject(new Error('killed'))
    await expect(copy(from.open(), { ...target, publish: dies }, OPTIONS)).rejects.toThrow('killed')
    await expect(discard({ ...target, end: dies })).rejects.toThrow('killed')
    await target.close()
    await copyOf(from, to)
    await tenant.agrees(to.store())
  })

  it('is not removed once another run has ended it', async () => {
    await stopsHalfWay()
    const target = to.open()
    const late: Target = {
      ...target,
      discard: async (tenants, owner) => {
        await copyOf(from, to)
        await target.discard(tenants, owner)
      },
    }
    await expect(discard(late)).rejects.toThrow('Another run has gone on')
    await target.close()
    await tenant.agrees(to.store())
  })

  it('counts nothing for a run that was given up', async () => {
    const [first, second] = [to.open(), to.open()]
    const going: Target = {
      ...first,
      finish: async (tenants, owner) => {
        await discard(second)
        await first.finish(tenants, owner)
      },
    }
    await expect(copy(from.open(), going, OPTIONS)).rejects.toThrow('Another run has gone on')
    expect(await second.tenants()).toEqual([])
    for (const each of [first, second]) await each.close()
  })

  it('starts over whole: what the run before still writes does not land', async () => {
    await stopsHalfWay()
    const target = to.open()
    const before = await target.progress()
    if (!before) throw new Error('There is no copy.')
    await target.save({ ...before, state: 'spoilt' })
    let late: unknown
    const again: Target = {
      ...target,
      discard: async (tenants, owner) => {
        await target.discard(tenants, owner)
        late = await target.save(before).catch((error: unknown) => error)
      },
    }
    await copy(from.open(), again, OPTIONS)
    await target.close()
    expect(String(late)).toContain('Another run has gone on')
    await tenant.agrees(to.store())
  })

  it.each(['entry', 'log', 'audit'])(
    'goes on behind the %s that another run lands while this one begins',
    async (table) => {
      const [first, second] = [to.open(), to.open()]
      const going: Target = {
        ...first,
        write: async (batch, progress) => {
          if (batch.table !== table) return first.write(batch, progress)
          let isLanded = false
          const beginning: Target = {
            ...second,
            progress: async () => {
              const found = await second.progress()
              if (!isLanded) await first.write(batch, progress)
              isLanded = true
              return found
            },
          }
          await copy(from.open(7), beginning, OPTIONS)
          await first.write(batch, progress)
        },
      }
      const source = from.open(7)
      await expect(copy(source, going, OPTIONS)).rejects.toThrow('Another run has gone on')
      for (const each of [source, first, second]) await each.close()
      expect(await to.store().readiness()).toEqual({ ready: true })
      await tenant.agrees(to.store())
    },
  )

  it.each(['copied', 'discarded'] as const)('is %s to its end though the answer to that was lost', async (which) => {
    if (which === 'discarded') await stopsHalfWay()
    let isLast = false
    const target = to.open(7, (when) => {
      if (isLast && when === 'after') throw new Error('The answer was lost.')
    })
    const losing: Target = {
      ...target,
      end: async (owner) => {
        isLast = true
        await target.end(owner)
      },
    }
    if (which === 'copied') await copy(from.open(), losing, OPTIONS)
    else await discard(losing)
    expect(await target.progress()).toBeNull()
    await target.close()
    expect(await to.store().readiness()).toEqual({ ready: true })
    if (which === 'copied') await tenant.agrees(to.store())
    else await copyOf(from, to)
  })

  it('tells that the target was written to', async () => {
    await stopsHalfWay()
    await to.store().tenant(tenant.tenantId).metrics.add(REPORT, { perTable: 5, perTenant: 5 })
    await expect(copyOf(from, to)).rejects.toThrow('is not what was copied there')
    await copyOf(from, to)
    await tenant.agrees(to.store())
  })

  it('refuses an empty source, and itself', async () => {
    await expect(copyOf(await made.make(kind), to)).rejects.toThrow('There is nothing in')
    await expect(copyOf(from, from)).rejects.toThrow('the same')
  })
})

it('is given up whole while Postgres is at the records of a tenant', async () => {
  const [from, to] = [await made.make('d1'), await made.make('postgres')]
  await randomTenant(from.store())
  const [first, second] = [to.open(), to.open()]
  const client = new pg.Client({ connectionString: to.url })
  await client.connect()
  const waiting = async (count: number): Promise<void> => {
    while ((await client.query('SELECT 1 FROM pg_locks WHERE NOT granted')).rowCount !== count);
  }
  let discarding: Promise<null> | undefined
  const going: Target = {
    ...first,
    publish: async (tenant, records, owner) => {
      // Whoever inserts the same waits for what becomes of this.
      const [{ kind, id } = {}] = records
      await client.query('BEGIN')
      await client.query(`INSERT INTO record (tenant_id, kind, id, doc) VALUES ($1, $2, $3, '{}')`, [tenant, kind, id])
      const publishing = first.publish(tenant, records, owner)
      await waiting(1)
      discarding = discard(second)
      await waiting(2)
      await client.query('ROLLBACK')
      await publishing
      await discarding
    },
  }
  await expect(copy(from.open(), going, OPTIONS)).rejects.toThrow('Another run has gone on')
  expect(await second.tenants()).toEqual([])
  await client.end()
  for (const each of [first, second]) await each.close()
})

const OPTIONS = { intoExisting: false, stop: new AbortController().signal, seen: () => {} }
const USER = {
  id: 'u2',
  username: 'eve',
  role: 'tenant-user',
  passwordHash: null,
  active: true,
  createdAt: AT,
} as const
const REPORT = { objectId: 'o', at: AT, principalId: 'u', principalName: 'alice', client: null, report: '{}' }
