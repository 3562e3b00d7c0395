import { CatalogError } from '#domain/errors'
import type { CommitOutcome } from '#store/store'
import { checkCommit } from '#versions/check-commit'
import { lineageOf } from '#versions/lineage'
import type { Branch, CatalogCommit, Change, Check, LogEntry } from '#versions/model'
import { joined, put, removal, type Put } from './documents.ts'
import { firstOverlap, folderPuts } from './folders.ts'
import { answerOf, answerPuts, sweep } from './idempotency.ts'
import type { Step, TenantLog } from './log.ts'
import { commitToken, entryId, placesOf } from './places.ts'
import { purgePuts } from './purges.ts'
import { entriesAt, isEmpty, type Reader, type StoredEntry } from './rows.ts'
import { isTrimmed, namingPuts } from './trim.ts'
import { VerbFailure } from './verbs.ts'

/** Decides by a snapshot and lands as the log entry right after it: nothing that was looked at can have changed. */
export async function commitTo(log: TenantLog, commit: CatalogCommit): Promise<CommitOutcome> {
  checkCommit(commit)
  try {
    return await log.act((snapshot) => step({ snapshot, places: placesOf(log.tenant) }, commit))
  } catch (error) {
    if (!(error instanceof VerbFailure) || error.kind === 'unknown') return { outcome: 'unknown', cause: error }
    if (error.kind === 'not-done') return { outcome: 'busy', cause: error }
    if (error.kind === 'unavailable')
      throw new CatalogError('unavailable', `${error.message}; nothing was changed`, error)
    throw new CatalogError('internal', 'The catalog database refused the commit; nothing was changed', error)
  }
}

/** Finds the id in the log, or takes it there, so that nobody else can. */
export async function settle(
  log: TenantLog,
  commitId: string,
): Promise<{ landed: true; seq: number } | { landed: false }> {
  return log.act(async (snapshot) => {
    const token = commitToken(log.tenant, commitId)
    const found = (await snapshot.decided([token])).get(token)
    if (!found) return { answer: { landed: false }, write: { unique: [token], puts: [] } }
    return { answer: found.seq === null ? { landed: false } : { landed: true, seq: found.seq } }
  })
}

async function step(reader: Reader, commit: CatalogCommit): Promise<Step<CommitOutcome>> {
  const { snapshot, places } = reader
  const { members, changes } = commit
  const tokens = new Map(members.map(({ id }) => [commitToken(snapshot.tenant, id), id]))
  const answers = members.flatMap(({ idempotency }) => (idempotency ? [{ ...idempotency, at: commit.at }] : []))
  const [decided, given, swept, branch, audited] = await Promise.all([
    snapshot.decided([...tokens.keys()]),
    Promise.all(answers.map(async ({ key }) => answerOf(reader, key))),
    sweep(reader, commit.at, answers.length),
    snapshot.value<Branch>(joined(places.branches, commit.branchId)),
    snapshot.value<number>(joined(places.counts, 'audit')),
    fetchAlong(reader, commit),
  ])
  const taken = [...tokens].find(([token]) => decided.has(token))
  if (taken) return { answer: { outcome: 'decided', id: taken[1] } }
  const replayed = given.find((answer) => answer !== null)
  if (replayed) return { answer: { outcome: 'replayed', idempotencyKey: replayed.key } }
  if (branch?.state !== 'open') return { answer: { outcome: 'branch-closed' } }
  if (commit.expectHead !== undefined && commit.expectHead !== branch.headSeq)
    return { answer: { outcome: 'head-moved' } }
  const refused = await refusal(reader, branch, commit)
  if (refused) return { answer: refused }
  const seq = branch.headSeq + 1
  const rev = members[0]?.id ?? ''
  const entry: LogEntry = {
    branchId: branch.id,
    seq,
    at: commit.at,
    ids: members.map(({ id }) => id),
    records: members.map(({ log }) => log),
    changes,
  }
  const auditFrom = (audited ?? 0) + 1
  const puts = [
    put(places.counts, 'audit', { state: 'on', value: auditFrom - 1 + members.length }),
    put(places.branches, branch.id, { state: 'open', value: { ...branch, headSeq: seq } }),
    ...changes.flatMap((change) => changePuts(reader, branch, change, seq, rev)),
    ...commit.purges.flatMap((purge) => purgePuts(places, { ...purge, cursor: null, createdAt: commit.at })),
    ...swept,
    ...answers.flatMap((answer) => answerPuts(places, answer)),
  ]
  return {
    answer: { outcome: 'committed', seq },
    write: {
      unique: [...tokens.keys()],
      puts: [...new Map(puts.map((one) => [one.id, one])).values()],
      commit: { branch: joined(snapshot.tenant, branch.id), seq, entry: JSON.stringify(entry) },
      audit: {
        from: auditFrom,
        records: members.map(({ id, idempotency, audit }) => ({
          ...audit,
          at: commit.at,
          commitId: id,
          idempotencyKey: idempotency?.key ?? null,
        })),
      },
    },
  }
}

/** What the step will ask for once it knows the branch: in the same round trip. */
async function fetchAlong(reader: Reader, { branchId, members, changes, checks }: CatalogCommit): Promise<void> {
  const { places, snapshot } = reader
  const rev = members[0]?.id ?? ''
  const entries = changes.map(({ key }) => entryId(places, branchId, key))
  const found = changes.flatMap((change) => [
    ...folderPuts(reader, branchId, change),
    ...namingPuts(places, branchId, change, 0, rev),
  ])
  await Promise.all([
    snapshot.puts([...entries, ...found.map(({ id }) => id)]),
    firstOverlap(reader, changes, new Set()),
    Promise.all(checks.map(async (check) => 'untrimmed' in check && isTrimmed(reader, check.untrimmed))),
  ])
}

async function refusal(
  reader: Reader,
  branch: Branch,
  { changes, checks }: CatalogCommit,
): Promise<CommitOutcome | null> {
  const lineage = lineageOf(branch)
  const [current, held] = await Promise.all([
    entriesAt(
      reader,
      lineage,
      changes.map(({ key }) => key),
    ),
    Promise.all(checks.map(async (check) => holds(reader, branch, check))),
  ])
  const conflict = changes.findIndex(({ expect }, i) => (current[i]?.rev ?? null) !== expect)
  if (conflict !== -1) return { outcome: 'conflict', change: conflict }
  const failed = held.indexOf(false)
  if (failed !== -1) return { outcome: 'check-failed', check: failed }
  const overlapping = await firstOverlap(reader, changes, new Set(current.flatMap((entry) => entry?.objectId ?? [])))
  return overlapping === -1 ? null : { outcome: 'overlap', change: overlapping }
}

async function holds(reader: Reader, branch: Branch, check: Check): Promise<boolean> {
  if ('empty' in check) return isEmpty(reader, branch, check.empty)
  if ('untrimmed' in check) return !(await isTrimmed(reader, check.untrimmed))
  const [entry = null] = await entriesAt(reader, lineageOf(branch), [check.exists])
  return entry !== null && (check.objectId ?? entry.objectId) === entry.objectId
}

/** Of what is gone a plain branch's listings need to know nothing; on others it hides what ancestors show. */
function changePuts(reader: Reader, branch: Branch, change: Change, seq: number, rev: string): Put[] {
  const { places, snapshot } = reader
  const { key, next } = change
  const group = places.entries(branch.id, key.class, key.namespace)
  if (!next) return [removal({ id: joined(group, key.name), group, key: key.name }, seq)]
  const value: StoredEntry = { ...next, rev }
  const entry = put(group, key.name, { state: next.kind, value, seq })
  const folders = folderPuts(reader, branch.id, change).filter(({ id }) => snapshot.isFresh(id))
  return [entry, ...folders, ...namingPuts(places, branch.id, change, seq, rev)]
}
