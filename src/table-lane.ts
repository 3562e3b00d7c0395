import { DurableObject } from 'cloudflare:workers'
import type { TableState } from '#catalog/create-table'
import { tableLane } from '#catalog/lane'
import type { LaneRequest } from '#catalog/lane-queue'
import { CatalogError, type ErrorKind } from '#domain/errors'
import type { TenantId } from '#domain/records'
import { configOf } from './config.ts'
import { afterAnswer, catalogDeps, openStore, type OpenStore } from './deps.ts'
import { errorFields, logLine } from './log.ts'
import { newCost, type Cost } from './meter.ts'
import { isReadOnlyNow } from './read-only.ts'

export type LaneReply = { readonly cost: Cost } & (
  | { readonly ok: true; readonly state: TableState }
  | { readonly ok: false; readonly kind: ErrorKind; readonly message: string }
)

/**
 * The lane of one table, named by tenant, catalog, branch and object id. It holds nothing that matters: evicted half-way
 * it leaves at most an orphan file, and two live lanes of one table only race at the store.
 */
export class TableLane extends DurableObject {
  readonly #lane = tableLane()
  #store: OpenStore | undefined

  async commit(tenantId: TenantId, request: LaneRequest): Promise<LaneReply> {
    const cost = newCost()
    const { requestId } = request.actor
    const fields = { requestId, lane: this.ctx.id.name }
    const { logLevel, isReadOnly } = configOf(this.env)
    try {
      // Before a metadata file is written that would lead to nothing.
      if (isReadOnly) throw isReadOnlyNow()
      this.#store ??= openStore(this.env)
      const tenant = this.#store(cost).tenant(tenantId)
      const deps = catalogDeps(this.env, cost, {
        tenantId,
        tenant,
        storage: request.storage,
        later: afterAnswer(this.ctx, this.env, fields),
        fields,
      })
      return { ok: true, state: await this.#lane.commit(deps, request), cost }
    } catch (error) {
      // A cause does not reach whoever is answered, nor the line of his request.
      const isRefusal = error instanceof CatalogError && error.cause === undefined
      if (!isRefusal) logLine(logLevel, 'error', { ...fields, ...errorFields(error) })
      if (error instanceof CatalogError) return { ok: false, kind: error.kind, message: error.message, cost }
      return {
        ok: false,
        kind: 'commit-state-unknown',
        message: `The commit ended in an error; load the table to find out whether it happened (request id ${requestId})`,
        cost,
      }
    }
  }
}
