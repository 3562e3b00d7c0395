import { isDeepStrictEqual } from 'node:util'
import { LOG, type LogDocument } from '#store/mongo/documents'
import { VerbFailure, type MongoVerbs } from '#store/mongo/verbs'
import { branchStore } from '#store/memory/branches'
import { commitTo } from '#store/memory/commit'
import { historyStore } from '#store/memory/history'
import { idempotencyStore } from '#store/memory/idempotency'
import { purgeStore } from '#store/memory/purges'
import { readFrom } from '#store/memory/read'
import type { TenantState } from '#store/memory/state'
import type { TenantStore } from '#store/store'

/** The part of a tenant that histories are made of. */
export type Tenant = Pick<TenantStore, 'read' | 'commit' | 'settle' | 'idempotency' | 'branches' | 'history' | 'purges'>

/** One call of one process: what it was, how many log entries there were before and after, and what it was told. */
export interface Operation {
  readonly id: string
  readonly what: string
  readonly run: (tenant: Tenant) => Promise<unknown>
  readonly from: number
  to: number
  /** `done`: with this answer. `refused`: certainly nothing happened. `open`: anybody's guess. */
  end: { readonly is: 'done'; readonly answer: unknown } | { readonly is: 'refused' | 'open' }
}

/** The model's tenant on a state. */
function modelOn(state: TenantState): Tenant {
  return {
    read: async (query) => readFrom(state, query),
    commit: async (commit) => commitTo(state, commit),
    settle: async (id) => {
      const seq = state.commitIds.get(id) ?? null
      state.commitIds.set(id, seq)
      return seq === null ? { landed: false } : { landed: true, seq }
    },
    idempotency: idempotencyStore(state),
    branches: branchStore(state),
    history: historyStore(state),
    purges: purgeStore(state),
  }
}

/** How a call ended that did not answer. */
export function endOf(error: unknown): Operation['end'] {
  const cause = error instanceof Error && error.cause instanceof VerbFailure ? error.cause : error
  return { is: cause instanceof VerbFailure && cause.kind === 'not-done' ? 'refused' : 'open' }
}

/**
 * Whether the history is one that the model could have had: the operations that landed, one after the other as the log
 * has them, each with the answer the model gives; every other one with the answer of a state that was current while it
 * ran. So nothing is lost, nothing lands twice, nobody reads half a commit or goes back, and `settle` keeps its word.
 * @param state the model before the first entry that an operation made
 * @throws Error naming the operation that has no place in the order
 */
export async function checkHistory(
  server: MongoVerbs,
  tenant: string,
  state: TenantState,
  operations: readonly Operation[],
): Promise<void> {
  const log = await server.find<LogDocument>({ collection: LOG, filter: { tenant }, sort: { n: 1 } })
  const landedBy = new Map<string, number>()
  const open = new Set(operations)
  const model = modelOn(state)
  await explain(state, open, operations[0]?.from ?? 0)
  for (const { n, nonce } of log) {
    const [id = ''] = nonce.split('/')
    const operation = operations.find((one) => one.id === id)
    if (!operation) continue
    if (landedBy.has(id)) throw new Error(`${operation.what} landed at ${landedBy.get(id)} and at ${n}`)
    landedBy.set(id, n)
    if (operation.end.is === 'refused') throw new Error(`${operation.what} said it was not done, and landed at ${n}`)
    const answer = await operation.run(model)
    if (operation.end.is === 'done' && !isDeepStrictEqual(operation.end.answer, answer))
      throw new Error(`${operation.what} landed at ${n}: ${shown(operation.end.answer)}, the model: ${shown(answer)}`)
    if (isRefusal(answer)) throw new Error(`${operation.what} landed at ${n}, the model refuses it: ${shown(answer)}`)
    if (n > operation.to && operation.end.is === 'done')
      throw new Error(`${operation.what} landed at ${n} after its answer at ${operation.to}`)
    open.delete(operation)
    await explain(state, open, n)
  }
  for (const { what, end, from, to } of open)
    if (end.is === 'done') throw new Error(`${what}: no state from ${from} to ${to} gives ${shown(end.answer)}`)
}

/** Crosses off what has the answer that the state after entry `n` gives, without a change to it. */
async function explain(state: TenantState, open: Set<Operation>, n: number): Promise<void> {
  for (const operation of open) {
    const { end, from, to, run } = operation
    if (end.is !== 'done' || n < from || n > to) continue
    const attempt = structuredClone(state)
    const answer = await run(modelOn(attempt))
    if (isDeepStrictEqual(end.answer, answer) && isDeepStrictEqual(attempt, state)) open.delete(operation)
  }
}

/** An answer that says that nothing was changed. */
function isRefusal(answer: unknown): boolean {
  if (answer === null || answer === false) return true
  return typeof answer === 'object' && 'outcome' in answer && answer.outcome !== 'committed'
}

function shown(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 1500) ?? 'nothing'
}
