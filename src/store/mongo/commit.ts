import { CatalogError } from '#domain/errors'
import { auditOf, logEntryOf, revOf } from '#store/commit'
import type { CommitOutcome, Settled } from '#store/store'
import { checkCommit } from '#versions/check-commit'
import { lineageOf } from '#versions/lineage'
import type { Branch, CatalogCommit, Change, Check } from '#versions/model'
import { branchById } from './branches.ts'
import { joined, put, removal, type Put } from './documents.ts'
import { folderPuts, overlapOf, shownFoldersAlong } from './folders.ts'
import { answerOf, answerPuts, sweep } from './idempotency.ts'
import { settled, type Step, type TenantLog } from './log.ts'
import { commitToken, entryId } from './places.ts'
import { purgePuts } from './purges.ts'
import { entriesAt, isEmpty, type StoredEntry } from './rows.ts'
import type { Snapshot } from './snapshot.ts'
import { isTrimmed, namingPuts } from './trim.ts'
import { VerbFailure } from './verbs.ts'

/** Decides by a snapshot and lands as the log entry right after it: nothing that was looked at can have changed. */
export async function commitTo(log: TenantLog, commit: CatalogCommit): Promise<CommitOutcome> {
  checkCommit(commit)
  try {
    return await log.act((snapshot) => step(snapshot, commit))
  } catch (error) {
    const cause = error instanceof CatalogError && error.cause instanceof VerbFailure ? error.cause : error
    if (!(cause instanceof VerbFailure) || ['unknown', 'late'].includes(cause.kind))
      return { outcome: 'unknown', cause }
    if (cause.kind === 'not-done') return { outcome: 'busy', cause }
    if (cause.kind === 'unavailable')
      throw new CatalogError('unavailable', `${cause.message}; nothing was changed`, cause)
    throw new CatalogError('internal', 'The catalog database refused the commit; nothing was changed', cause)
  }
}

/** Finds the id in the log, or takes it there, so that nobody else can. */
export async function settle(log: TenantLog, commitId: string): Promise<Settled> {
  const { seq = null } = (await settled(log, commitToken(log.tenant, commitId))) ?? {}
  return seq === null ? { landed: false } : { landed: true, seq }
}

async function step(snapshot: Snapshot, commit: CatalogCommit): Promise<Step<CommitOutcome>> {
  const { places, tenant } = snapshot
  const { members, changes } = commit
  const unique = members.map(({ id }) => commitToken(tenant, id))
  const answers = members.flatMap(({ idempotency }) => (idempotency ? [{ ...idempotency, at: commit.at }] : []))
  const [decided, given, swept, branch, audited] = await Promise.all([
    snapshot.withTokens(unique),
    Promise.all(answers.map(async ({ key }) => answerOf(snapshot, key))),
    sweep(snapshot, commit.at, answers.length),
    branchById(snapshot, commit.branchId),
    snapshot.value<number>(places.counts, 'audit'),
    fetchAlong(snapshot, commit),
  ])
  const taken = members.find((_, i) => decided[i])
  if (taken) return { answer: { outcome: 'decided', id: taken.id } }
  const replayed = given.find((answer) => answer !== null)
  if (replayed) return { answer: { outcome: 'replayed', idempotencyKey: replayed.key } }
  if (branch?.state !== 'open') return { answer: { outcome: 'branch-closed' } }
  if (commit.expectHead !== undefined && commit.expectHead !== branch.headSeq)
    return { answer: { outcome: 'head-moved' } }
  const refused = await refusal(snapshot, branch, commit)
  if (refused) return { answer: refused }
  const seq = branch.headSeq + 1
  const puts = [
    put(places.counts, 'audit', (audited ?? 0) + members.length),
    put(places.branches, branch.id, { ...branch, headSeq: seq }, 'open'),
    ...changes.flatMap((change) => changePuts(snapshot, commit, change, seq)),
    ...commit.purges.flatMap((purge) => purgePuts(places, { ...purge, cursor: null, createdAt: commit.at })),
    ...swept,
    ...answers.flatMap((answer) => answerPuts(places, answer)),
  ]
  return {
    answer: { outcome: 'committed', seq },
    puts: [...new Map(puts.map((one) => [one.id, one])).values()],
    unique,
    shown: {
      branch: joined(tenant, branch.id),
      seq,
      entry: JSON.stringify(logEntryOf(commit, seq)),
      audited: tenant,
      auditFrom: (audited ?? 0) + 1,
      audit: JSON.stringify(auditOf(commit)),
    },
  }
}

/** What the step will ask for once it knows the branch: in the same round trip. */
async function fetchAlong(snapshot: Snapshot, commit: CatalogCommit): Promise<void> {
  const { places } = snapshot
  const { branchId, changes, checks } = commit
  const keys = [...changes.map(({ key }) => key), ...checks.flatMap((check) => ('exists' in check ? check.exists : []))]
  const found = changes.flatMap((change) => foundBy(snapshot, commit, change, 0))
  await Promise.all([
    snapshot.puts([...keys.map((key) => entryId(places, branchId, key)), ...found.map(({ id }) => id)]),
    overlapOf(snapshot, changes, new Set()),
    // What is there already has folders, which are found: it will be asked who shows them.
    changes.some(({ expect }) => expect !== null) ? shownFoldersAlong(snapshot, changes) : null,
    Promise.all(checks.map(async (check) => 'untrimmed' in check && isTrimmed(snapshot, check.untrimmed))),
  ])
}

async function refusal(snapshot: Snapshot, branch: Branch, commit: CatalogCommit): Promise<CommitOutcome | null> {
  const { changes, checks } = commit
  const keys = changes.map(({ key }) => key)
  const [current, held] = await Promise.all([
    entriesAt(snapshot, lineageOf(branch), keys),
    Promise.all(checks.map(async (check) => holds(snapshot, branch, check))),
  ])
  const conflict = changes.findIndex(({ expect }, i) => (current[i]?.rev ?? null) !== expect)
  if (conflict !== -1) return { outcome: 'conflict', change: conflict }
  const failed = held.indexOf(false)
  if (failed !== -1) return { outcome: 'check-failed', check: failed }
  const overlapping = await overlapOf(snapshot, changes, new Set(current.flatMap((entry) => entry?.objectId ?? [])))
  return overlapping === -1 ? null : { outcome: 'overlap', change: overlapping }
}

async function holds(snapshot: Snapshot, branch: Branch, check: Check): Promise<boolean> {
  if ('empty' in check) return isEmpty(snapshot, branch, check.empty)
  if ('untrimmed' in check) return !(await isTrimmed(snapshot, check.untrimmed))
  const [entry = null] = await entriesAt(snapshot, lineageOf(branch), [check.exists])
  return entry !== null && (check.objectId ?? entry.objectId) === entry.objectId
}

/** Of what is gone a plain branch's listings need to know nothing; on others it hides what ancestors show. */
function changePuts(snapshot: Snapshot, commit: CatalogCommit, change: Change, seq: number): Put[] {
  const { key, next } = change
  const group = snapshot.places.entries(commit.branchId, key)
  if (!next) return [removal(group, key.name, seq)]
  const value: StoredEntry = { ...next, rev: revOf(commit) }
  const found = foundBy(snapshot, commit, change, seq).filter(({ id }) => snapshot.isFresh(id))
  return [put(group, key.name, value, next.kind, seq), ...found]
}

/** What finds a change again later: by its object, its folders, its metadata file. */
function foundBy({ places }: Snapshot, commit: CatalogCommit, change: Change, seq: number): Put[] {
  const { branchId } = commit
  return [...folderPuts(places, branchId, change), ...namingPuts(places, branchId, change, seq, revOf(commit))]
}
