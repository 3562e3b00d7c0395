import type { CommitOutcome } from '#store/store'
import { checkCommit } from '#versions/check-commit'
import { lineageOf } from '#versions/lineage'
import type { Branch, CatalogCommit, Change, LogEntry } from '#versions/model'
import { joined, put, removal, type Put } from './documents.ts'
import { firstOverlap, folderPuts } from './folders.ts'
import type { Step, TenantLog } from './log.ts'
import { commitToken, entryId, idempotencyToken, placesOf } from './places.ts'
import { purgePuts } from './purges.ts'
import { entriesAt, isEmpty, type Reader, type StoredEntry } from './rows.ts'
import { VerbFailure } from './verbs.ts'

/** Decides by a snapshot and lands as the log entry right after it: nothing that was looked at can have changed. */
export async function commitTo(log: TenantLog, commit: CatalogCommit): Promise<CommitOutcome> {
  checkCommit(commit)
  try {
    return await log.act((snapshot) => step({ snapshot, places: placesOf(log.tenant) }, commit))
  } catch (error) {
    if (error instanceof VerbFailure && error.kind === 'not-done') return { outcome: 'busy' }
    return { outcome: 'unknown', cause: error }
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
  const tokens = tokensOf(snapshot.tenant, commit)
  const [decided, branch, audited] = await Promise.all([
    snapshot.decided([...tokens.keys()]),
    snapshot.value<Branch>(joined(places.branches, commit.branchId)),
    snapshot.value<number>(joined(places.counts, 'audit')),
    fetchAlong(reader, commit),
  ])
  const taken = [...tokens].find(([token]) => decided.has(token))
  if (taken) return { answer: taken[1] }
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
  ]
  return {
    answer: { outcome: 'committed', seq },
    write: {
      unique: [...tokens.keys()],
      puts: [...new Map(puts.map((one) => [one.id, one])).values()],
      commit: { branch: joined(snapshot.tenant, branch.id), seq, entry: JSON.stringify(entry) },
      audit: {
        from: auditFrom,
        records: members.map(({ id, idempotencyKey, audit }) => ({
          ...audit,
          at: commit.at,
          commitId: id,
          idempotencyKey,
        })),
      },
    },
  }
}

/** What the step will ask for once it knows the branch: in the same round trip. */
async function fetchAlong(reader: Reader, { branchId, changes }: CatalogCommit): Promise<void> {
  const entries = changes.map(({ key }) => entryId(reader.places, branchId, key))
  const folders = changes.flatMap((change) => folderPuts(reader, branchId, change))
  await Promise.all([
    reader.snapshot.puts([...entries, ...folders.map(({ id }) => id)]),
    firstOverlap(reader, changes, new Set()),
  ])
}

/** What must be new to the log for the commit to land, and the answer where it is not, in the order of answers. */
function tokensOf(tenant: string, { members }: CatalogCommit): Map<string, CommitOutcome> {
  const ids = members.map(({ id }) => [commitToken(tenant, id), { outcome: 'decided', id }] as const)
  const keys = members.flatMap(({ idempotencyKey: key }) =>
    key === null ? [] : [[idempotencyToken(tenant, key), { outcome: 'replayed', idempotencyKey: key }] as const],
  )
  return new Map<string, CommitOutcome>([...ids, ...keys])
}

async function refusal(
  reader: Reader,
  branch: Branch,
  { changes, checks }: CatalogCommit,
): Promise<CommitOutcome | null> {
  const lineage = lineageOf(branch)
  const present = checks.flatMap((check) => ('exists' in check ? [check.exists] : []))
  const [current, existing, empty] = await Promise.all([
    entriesAt(
      reader,
      lineage,
      changes.map(({ key }) => key),
    ),
    entriesAt(reader, lineage, present),
    Promise.all(checks.map(async (check) => ('exists' in check ? true : isEmpty(reader, branch, check.empty)))),
  ])
  const conflict = changes.findIndex(({ expect }, i) => (current[i]?.rev ?? null) !== expect)
  if (conflict !== -1) return { outcome: 'conflict', change: conflict }
  const exists = checks.map((check) => !('exists' in check) || existing[present.indexOf(check.exists)] !== null)
  const failed = checks.findIndex((_, i) => !exists[i] || !empty[i])
  if (failed !== -1) return { outcome: 'check-failed', check: failed }
  const overlapping = await firstOverlap(reader, changes, new Set(current.flatMap((entry) => entry?.objectId ?? [])))
  return overlapping === -1 ? null : { outcome: 'overlap', change: overlapping }
}

/** Of what is gone a plain branch's listings need to know nothing; on others it hides what ancestors show. */
function changePuts(reader: Reader, branch: Branch, change: Change, seq: number, rev: string): Put[] {
  const { places, snapshot } = reader
  const { key, next } = change
  const group = places.entries(branch.id, key.class, key.namespace)
  if (!next) return [removal({ id: joined(group, key.name), group, key: key.name }, seq)]
  const value: StoredEntry = { ...next, rev }
  const entry = put(group, key.name, { state: next.kind, value, seq })
  return [entry, ...folderPuts(reader, branch.id, change).filter(({ id }) => snapshot.isFresh(id))]
}
