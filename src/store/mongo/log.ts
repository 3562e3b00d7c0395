import { CatalogError } from '#domain/errors'
import { recent, type Recent } from '#domain/recent'
import type { Place } from '#store/store'
import { LOG, logId, NOT_SHOWN, WATERMARK, type LogDocument, type Put, type Watermark } from './documents.ts'
import { failure } from './failures.ts'
import { roll } from './roll.ts'
import { Snapshot, type TokenEntry, type TailEntry, type View } from './snapshot.ts'
import { inserted, untilWon, VerbFailure, type MongoVerbs } from './verbs.ts'

/** What a step answers, and the puts and tokens it writes for that to be true: with neither, it writes nothing. */
export interface Step<T> {
  readonly answer: T
  readonly puts?: readonly Put[]
  /** Tokens (`LogDocument`) that no entry before or after may have. */
  readonly unique?: readonly string[]
  /** What history and audit show of the step. */
  readonly shown?: Pick<LogDocument, 'branch' | 'seq' | 'entry' | 'audited' | 'auditFrom' | 'audit'>
}

export type Decide<T> = (snapshot: Snapshot) => Promise<Step<T>>

/**
 * The log of one tenant: the one thing that everything a tenant does goes through, in one order.
 *
 * Whatever a step has to know before it may be done (that a key is as expected, that no other branch shows a table in
 * the same folder, that no purge has the files of what a tag would show, that a name is free) is looked at in the
 * snapshot after entry `n`, and the step is the insertion of entry `n + 1`, with `_id` made of that number. So it lands
 * exactly if nothing else has happened since: the log is the lock. Had every branch a log of its own, folders, purges,
 * forks, tags and names would each need a second document to meet at, and a protocol for what dies between the two.
 * The price is that commits of one tenant to different branches take turns; each turn is one insertion.
 * What fails ends the request, as {@link failure} says; its cause is the `VerbFailure`.
 */
export interface TenantLog {
  readonly tenant: string
  readonly found: Memory['found']
  /** Answers what `decide` makes of one state of the tenant. */
  look<T>(decide: (snapshot: Snapshot) => Promise<T>): Promise<T>
  /** Decides and writes, again and again while others are faster. The cause is `not-done` if they always were. */
  act<T>(decide: Decide<T>): Promise<T>
}

/** What a process remembers between requests: old, but never wrong, and so fit for any number of stores. */
interface Memory {
  /** Of tenants' logs. */
  readonly views: Recent<View>
  /** Where catalogs and branches were last found, by tenant and name: what to fetch before it is known to be right. */
  readonly found: Recent<Place>
}

/** Names of branches that are remembered, and tenants; what is forgotten costs a round trip or some. */
const PLACES_REMEMBERED_MAX = 1000
const VIEWS_REMEMBERED_MAX = 200

/** Together the remembered tails share the 128 MB of an isolate with all else: one that is longer than usual is not kept. */
const TAIL_CHARS_REMEMBERED_MAX = 100_000

export function newMemory(): Memory {
  return { views: recent<View>(VIEWS_REMEMBERED_MAX), found: recent<Place>(PLACES_REMEMBERED_MAX) }
}

export interface LogOptions {
  readonly newId: () => string
  readonly memory: Memory
  /** Entries behind the watermark, which every reader may have to read along, before they are projected. */
  readonly tailEntriesMax?: number
}

/** Projecting costs about as much for many entries as for one; reading along is cheap for as long as they are few. */
const TAIL_ENTRIES_MAX = 16

/** UTF-16 code units of the values of those entries: a large commit is not read along for long. */
const TAIL_CHARS_MAX = 1_000_000

export function tenantLog(verbs: MongoVerbs, tenant: string, options: LogOptions): TenantLog {
  const { newId, tailEntriesMax = TAIL_ENTRIES_MAX } = options
  const { views, found } = options.memory
  let turn: Promise<unknown> = Promise.resolve()
  const open = async (): Promise<Snapshot> =>
    new Snapshot(verbs, tenant, views.get(tenant) ?? (await readView(verbs, tenant)))
  const close = async (snapshot: Snapshot): Promise<void> => {
    const { applied, tail } = snapshot
    views.set(tenant, { applied, tail: charsOf(tail) > TAIL_CHARS_REMEMBERED_MAX ? [] : tail })
    // The step is done, or the question answered, whatever becomes of this; somebody will find the tail long again.
    if (!isShort(tail)) await shorten(tail).catch(() => undefined)
  }
  const isShort = (tail: View['tail']): boolean => tail.length < tailEntriesMax && charsOf(tail) < TAIL_CHARS_MAX
  const shorten = async (tail: View['tail']): Promise<void> => {
    // Others have the same tail before them: what one of them has projected by now is not projected once more.
    const { applied } = await readView(verbs, tenant)
    const rest = { applied, tail: tail.filter(({ n }) => n > applied) }
    views.set(tenant, rest)
    if (isShort(rest.tail)) return
    views.set(tenant, (await roll(verbs, tenant, rest)) ?? (await readView(verbs, tenant)))
  }
  const run = async <T>(decide: Decide<T>): Promise<T> => {
    const snapshot = await open().catch(notDone)
    const step = await untilWon(async () => {
      const tried = await ofOneState(snapshot, decide).catch(notDone)
      return (await landed(verbs, snapshot, tried, newId())) && tried
    })
    await close(snapshot)
    return step.answer
  }
  return {
    tenant,
    found,
    look: async (decide) => run(async (snapshot) => ({ answer: await decide(snapshot) })).catch(failure),
    // Those who come through the same object wait for each other, rather than lose to each other.
    act: async (decide) => {
      const mine = turn.then(() => run(decide)).catch(failure)
      turn = mine.catch(() => undefined)
      return mine
    },
  }
}

/** What is decided by one state: the snapshot may move while it is being looked at, and then it is looked at again. */
async function ofOneState<T>(snapshot: Snapshot, decide: (snapshot: Snapshot) => Promise<T>): Promise<T> {
  for (;;) {
    const { head } = snapshot
    try {
      const answer = await decide(snapshot)
      await snapshot.ready
      if (snapshot.head === head) return answer
    } catch (error) {
      if (!(error instanceof CatalogError) || snapshot.head === head) throw error
    }
  }
}

/** Of what was only looked at it is certain that nothing was done. What hangs is not asked again at once: others wait. */
function notDone(error: unknown): never {
  const { kind = null, message = '' } = error instanceof VerbFailure ? error : {}
  if (kind === 'unknown') throw new VerbFailure('not-done', message, error)
  if (kind === 'late') throw new VerbFailure('unavailable', message, error)
  throw error
}

/** The entry that has the token. If there is none, there never will be: it is taken. */
export async function settled(log: TenantLog, token: string): Promise<TokenEntry | null> {
  return log.act(async (snapshot) => {
    const [found = null] = await snapshot.withTokens([token])
    return { answer: found, unique: found ? [] : [token] }
  })
}

/** Whether the step is done. If not, the snapshot knows what was done in its stead. */
async function landed(verbs: MongoVerbs, snapshot: Snapshot, step: Step<unknown>, nonce: string): Promise<boolean> {
  const { tenant } = snapshot
  const { puts = [], unique = [], shown = NOT_SHOWN } = step
  if (puts.length === 0 && unique.length === 0) return true
  const n = snapshot.head + 1
  const _id = logId(tenant, n)
  const document: LogDocument = {
    _id,
    tenant,
    n,
    nonce,
    unique: [_id, ...unique],
    puts: puts.map((put) => ({ ...put, fresh: snapshot.isFresh(put.id) })),
    ...shown,
  }
  if (await inserted(verbs.insertOne(LOG, document))) {
    snapshot.push(document)
    return true
  }
  // It may be our own entry that is in the way: a driver or a gateway that lost an answer has tried again by itself.
  await snapshot.extend().catch((cause: unknown) => {
    throw new VerbFailure('unknown', 'The log of the database cannot be read', cause)
  })
  return snapshot.tail.some((entry) => entry.nonce === nonce)
}

async function readView(verbs: MongoVerbs, tenant: string): Promise<View> {
  const watermark = await verbs.findOne<Watermark>({ collection: WATERMARK, filter: { _id: tenant } })
  return { applied: watermark?.applied ?? 0, tail: [] }
}

function charsOf(tail: readonly TailEntry[]): number {
  return tail.flatMap(({ puts }) => puts).reduce((sum, { id, value }) => sum + id.length + (value?.length ?? 0), 0)
}
