import { DurableObject } from 'cloudflare:workers'
import { purgeStep } from '#catalog/purge'
import { locateObject } from '#domain/location'
import type { TenantId } from '#domain/records'
import { PURGE_FILES_PER_STEP } from './limits.ts'
import { configOf } from './config.ts'
import { afterAnswer, catalogDeps, now, openStore, type OpenStore } from './deps.ts'
import { errorFields, logLine } from './log.ts'
import { newCost } from './meter.ts'

/** How long after a wake-up the runner keeps looking for the job it was woken for: longer than any request lives. */
const EXPECT_JOB_MS = 120_000
const SOON_MS = 300
const LOOK_AGAIN_MS = 2_000
/** Between two looks at jobs that wait for a branch or tag to go. */
const WAITING_MS = 300_000

/**
 * Deletes the files of dropped tables, one tenant at a time. The jobs are in the store; this object only wakes up for
 * them, by an alarm that survives the process. It is woken before the commit that records a job, so none is forgotten.
 */
export class PurgeRunner extends DurableObject {
  #store: OpenStore | undefined

  async wake(tenantId: TenantId): Promise<void> {
    const at = now().getTime()
    await this.ctx.storage.put({ tenantId, expectUntilMs: at + EXPECT_JOB_MS })
    await this.ctx.storage.setAlarm(at + SOON_MS)
  }

  override async alarm(): Promise<void> {
    const tenantId = await this.ctx.storage.get<TenantId>('tenantId')
    if (tenantId === undefined) return
    // A step that is ended from outside, for its time or its memory, is taken up again.
    await this.ctx.storage.setAlarm(now().getTime() + WAITING_MS)
    const again = await this.#step(tenantId)
    const expectUntilMs = (await this.ctx.storage.get<number>('expectUntilMs')) ?? 0
    const at = now().getTime()
    if (again === 'now') await this.ctx.storage.setAlarm(at + SOON_MS)
    else if (at < expectUntilMs) await this.ctx.storage.setAlarm(at + LOOK_AGAIN_MS)
    else if (again === 'never') await this.ctx.storage.deleteAlarm()
  }

  async #step(tenantId: TenantId): Promise<'now' | 'later' | 'never'> {
    const cost = newCost()
    const { logLevel, isReadOnly } = configOf(this.env)
    if (isReadOnly) return 'later'
    try {
      this.#store ??= openStore(this.env)
      const tenant = this.#store(cost).tenant(tenantId)
      const start = await this.ctx.storage.get<string>('after')
      const { again, jobs, after } = await purgeStep({
        purges: tenant.purges,
        budget: PURGE_FILES_PER_STEP,
        ...(start === undefined ? {} : { after: start }),
        storageOf: async (warehouseId) => {
          const warehouse = await tenant.warehouses.get(warehouseId)
          if (!warehouse) return null
          const { storage } = warehouse
          const deps = catalogDeps(this.env, cost, {
            tenantId,
            tenant,
            storage,
            later: afterAnswer(this.ctx, this.env, { purge: tenantId }),
            fields: { purge: tenantId },
          })
          return { ...deps, locate: (uri) => locateObject(uri, storage) }
        },
      })
      await (after === undefined ? this.ctx.storage.delete('after') : this.ctx.storage.put('after', after))
      if (jobs.length > 0) logLine(logLevel, 'info', { purge: tenantId, jobs: jobs.map(shown), ...cost })
      // Jobs before the start have waited meanwhile: the next round asks them, too.
      return again === 'never' && start !== undefined ? 'now' : again
    } catch (error) {
      logLine(logLevel, 'error', { purge: tenantId, ...errorFields(error) })
      return 'later'
    }
  }
}

function shown(job: object): Record<string, unknown> {
  return 'cause' in job ? { ...job, cause: errorFields(job.cause) } : { ...job }
}
