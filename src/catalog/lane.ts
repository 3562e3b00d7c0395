import { CatalogError } from '#domain/errors'
import { LANE_GROUP_ANSWER_CHARS_MAX, LANE_QUEUE_CHARS_MAX, LANE_QUEUE_MAX } from '#src/limits'
import { OPEN_SEQ, type Entry } from '#versions/model'
import { readTable } from './current-row.ts'
import type { TableState } from './create-table.ts'
import type { CatalogDeps } from './deps.ts'
import { replayed } from './idempotency.ts'
import { noSuchTable } from './keys.ts'
import { loadBase, newer, type Base } from './lane-base.ts'
import { applyInTurn, end, publishGroup, type Group } from './lane-group.ts'
import { membersOf, type LaneRequest, type Member, type Waiting } from './lane-queue.ts'
import { inParallel } from './parallel.ts'
import { untilDecided } from './publish.ts'
import { stateOf } from './row-metadata.ts'

export interface TableLane {
  /** @throws CatalogError `commit-failed`, `bad-request`, `no-such-table`, `too-many-requests`, `commit-state-unknown` */
  commit(deps: CatalogDeps, request: LaneRequest): Promise<TableState>
}

/**
 * The queue in front of one table's commits, and a cache of what the last one left. It is not the authority: the store
 * decides, and a stale cache only loses one race. What has queued up while one publication was under way is published
 * together by the next, each commit after its predecessors and with an answer of its own.
 *
 * An answer that commits nothing is right, too: it is computed on the newest of the callers' own rows and the cached one,
 * each of which was the current row at some moment after the request came in; or on top of commits that have landed.
 */
export function tableLane(): TableLane {
  /** In the order they came; who is answered leaves. */
  const queue = new Set<Waiting>()
  let waitingChars = 0
  let tail: Promise<unknown> = Promise.resolve()
  let cached: Base | null = null

  /** Decides about the first in the queue and as many of those behind it as can go with it. */
  async function turn(deps: CatalogDeps, first: Waiting): Promise<void> {
    if (queue.has(first)) await decide(deps, membersOf(queue))
  }

  /**
   * Answers or refuses the members, in one publication if possible. Those that turn out not to go together with the ones
   * before them stay in the queue.
   */
  async function decide(deps: CatalogDeps, members: readonly Member[]): Promise<void> {
    const [first] = members
    if (!first) return
    const { branchId, identifier, storage, entry: own } = first.waiting.request
    const place = { at: { branchId, seq: OPEN_SEQ }, storage, identifier }
    let open = members
    const known = newer(cached?.entry, own, branchId)
    let entry: Entry | null = members.reduce((row, { waiting }) => newer(row, waiting.request.entry, branchId), known)

    async function attempt(): Promise<readonly Member[] | 'fewer' | 'lost' | 'again'> {
      if (!entry || entry.objectId !== own.objectId) throw noSuchTable(identifier)
      // An isolate may not have room for the parsed metadata of both.
      if (cached?.entry.rev !== entry.rev) cached = null
      const base = cached ?? (await loadBase(deps, place, entry))
      cached = base
      entry = base.entry
      open = open.slice(0, Math.max(1, Math.floor(LANE_GROUP_ANSWER_CHARS_MAX / base.text.length)))
      const group = applyInTurn(deps, base, open)
      await inParallel(group.decided, (ended) => end(deps, ended, base))
      open = [...group.applied, ...group.held.map(({ member }) => member)]
      if (!group.result) return []
      let ended: 'fewer' | 'lost' = 'lost'
      try {
        const step = await publishGroup(deps, base, group.applied, group.result)
        if (step === 'again') return 'again'
        if (step !== 'lost' && 'idempotencyKey' in step) {
          const answered = await answeredBefore(deps, open, step.idempotencyKey)
          for (const { waiting } of answered) waiting.refuse(replayed())
          open = open.filter((member) => !answered.has(member))
          if (open.length === 0) return []
          ended = 'fewer'
        } else if (step !== 'lost') {
          cached = step
          for (const { waiting } of group.applied) waiting.answer(stateOf(step))
          await inParallel(group.held, (one) => end(deps, one, step))
          return []
        }
      } catch (error) {
        const { refused, rest, isTogether } = afterFailure(error, group)
        for (const { waiting } of refused) waiting.refuse(error)
        open = rest
        if (rest.length === 0 || !isTogether) return rest
      }
      entry = await readTable(deps, { branch: { id: branchId } }, identifier)
      return ended
    }

    /** Whoever was answered before left the group, and nobody won a race: that is no try of those who stay. */
    async function attemptOfThoseWhoStay(): Promise<readonly Member[] | 'lost' | 'again'> {
      for (;;) {
        const ended = await attempt()
        if (ended !== 'fewer') return ended
      }
    }

    try {
      const oneByOne = await untilDecided(attemptOfThoseWhoStay)
      for (const member of oneByOne) await decide(deps, [member])
    } catch (error) {
      // Who lost all races as the first has had his turn. Those behind him have not: they stay in the queue.
      const isLost = error instanceof CatalogError && error.kind === 'commit-failed'
      for (const { waiting } of isLost ? open.slice(0, 1) : open) waiting.refuse(error)
    }
  }

  return {
    async commit(deps, request) {
      const chars = request.body.length
      const isFull = queue.size > 0 && (queue.size >= LANE_QUEUE_MAX || waitingChars + chars > LANE_QUEUE_CHARS_MAX)
      if (isFull)
        throw new CatalogError('too-many-requests', 'Too many commits are waiting for this table; nothing was changed')
      const { promise, resolve, reject } = Promise.withResolvers<TableState>()
      const decided = (): void => {
        if (queue.delete(waiting)) waitingChars -= chars
      }
      const waiting: Waiting = {
        request,
        answer(state) {
          decided()
          resolve(state)
        },
        refuse(reason) {
          decided()
          reject(reason)
        },
      }
      queue.add(waiting)
      waitingChars += chars
      tail = tail.then(() => turn(deps, waiting)).catch((defect: unknown) => waiting.refuse(defect))
      return promise
    },
  }
}

/**
 * The members that have their answer, one of whom is known to: all of them at once, because each that stays costs the
 * others a publication that fails.
 */
async function answeredBefore(
  deps: Pick<CatalogDeps, 'tenant'>,
  members: readonly Member[],
  known: string,
): Promise<ReadonlySet<Member>> {
  const answered = await inParallel(members, async (member) => {
    const key = member.waiting.request.actor.idempotency?.key
    if (key === undefined) return []
    if (key === known) return [member]
    // Who could not be looked up stays, and may be the known one of the next attempt.
    const { idempotency } = await deps.tenant.read({ idempotencyKey: key }).catch(() => ({ idempotency: null }))
    return idempotency ? [member] : []
  })
  return new Set(answered.flat())
}

/** Who is told that a group could not be published, and how the rest, about whom that says nothing, goes on. */
function afterFailure(
  error: unknown,
  group: Group,
): { refused: readonly Member[]; rest: readonly Member[]; isTogether: boolean } {
  const held = group.held.map(({ member }) => member)
  const all = [...group.applied, ...held]
  const kind = error instanceof CatalogError ? error.kind : 'commit-state-unknown'
  // Whoever was not in the commit is not in doubt, and is tried again on what is then found.
  if (kind === 'commit-state-unknown') return { refused: group.applied, rest: held, isTogether: true }
  // No file could be written: nothing was changed, and one by one they would only wait longer to hear it.
  if (all.length === 1 || kind === 'unavailable') return { refused: all, rest: [], isTogether: true }
  // Too much for one file or one commit, or refused for what one of them asks: each is told about itself.
  return { refused: [], rest: all, isTogether: false }
}
