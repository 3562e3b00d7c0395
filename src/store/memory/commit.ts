import type { CommitOutcome } from '#store/store'
import { keyText } from '#versions/check-commit'
import { changesThatClash, foldersOverlap } from '#versions/folders'
import { lineageOf, resolveEntry, rowToHide, type Row } from '#versions/lineage'
import { OPEN_SEQ, type Branch, type CatalogCommit, type Change, type Check } from '#versions/model'
import { record } from './idempotency.ts'
import { shownNow } from './shown.ts'
import { allRows, isCurrent, rowsOfKey, type TenantState } from './state.ts'

/** Decides first and changes afterwards: nothing in between can fail. */
export function commitTo(state: TenantState, commit: CatalogCommit): CommitOutcome {
  const refused = refusal(state, commit)
  if (refused) return refused
  const branch = state.branches.get(commit.branchId)
  if (!branch) return { outcome: 'branch-closed' }
  return { outcome: 'committed', seq: apply(state, branch, commit) }
}

/** The first reason not to commit, in the order in which every store looks for one. */
function refusal(state: TenantState, commit: CatalogCommit): CommitOutcome | null {
  const decided = commit.members.find(({ id }) => state.commitIds.has(id))
  if (decided) return { outcome: 'decided', id: decided.id }
  const replayed = commit.members.find(({ idempotency }) => idempotency && state.idempotency.has(idempotency.key))
  if (replayed?.idempotency) return { outcome: 'replayed', idempotencyKey: replayed.idempotency.key }
  const branch = state.branches.get(commit.branchId)
  if (branch?.state !== 'open') return { outcome: 'branch-closed' }
  if (commit.expectHead !== undefined && commit.expectHead !== branch.headSeq) return { outcome: 'head-moved' }
  const conflict = commit.changes.findIndex(({ key, expect }) => revOf(state, branch, { key }) !== expect)
  if (conflict !== -1) return { outcome: 'conflict', change: conflict }
  const failed = commit.checks.findIndex((check) => !holds(state, branch, check))
  if (failed !== -1) return { outcome: 'check-failed', check: failed }
  const overlapping = firstOverlap(state, branch, commit.changes)
  if (overlapping !== -1) return { outcome: 'overlap', change: overlapping }
  return null
}

function revOf(state: TenantState, branch: Branch, { key }: Pick<Change, 'key'>): string | null {
  return resolveEntry(rowsOfKey(state, key), lineageOf(branch))?.rev ?? null
}

function holds(state: TenantState, branch: Branch, check: Check): boolean {
  const lineage = lineageOf(branch)
  if ('exists' in check) {
    const shown = resolveEntry(rowsOfKey(state, check.exists), lineage)
    return shown !== null && (check.objectId === undefined || check.objectId === shown.objectId)
  }
  if ('untrimmed' in check)
    return ![...allRows(state)].some(({ entry, trimmed }) => trimmed && entry.metadataLocation === check.untrimmed)
  const inside = lineage
    .flatMap(({ branchId }) => [...(state.rows.get(branchId)?.values() ?? [])])
    .flatMap(([row]) => (row && row.entry.namespace === check.empty ? [row.entry] : []))
  return inside.every((key) => resolveEntry(rowsOfKey(state, key), lineage) === null)
}

function firstOverlap(state: TenantState, branch: Branch, changes: readonly Change[]): number {
  const clashing = changesThatClash(changes)
  const isShown = shownNow(state)
  const kept = new Set(
    changes.map(({ key }) => resolveEntry(rowsOfKey(state, key), lineageOf(branch))?.objectId).filter(Boolean),
  )
  return changes.findIndex(({ next, unusedBefore }, index) => {
    if (!next || next.locations.length === 0) return false
    const overlaps = (locations: readonly string[], wantedOnes = next.locations): boolean =>
      locations.some((taken) => wantedOnes.some((wanted) => foldersOverlap(taken, wanted)))
    if (clashing.has(index)) return true
    for (const row of allRows(state)) {
      if (row.tombstone || row.entry.objectId === next.objectId) continue
      if (overlaps(row.entry.locations, isShown(row) ? next.locations : (unusedBefore ?? []))) return true
    }
    for (const { job, done } of state.purges.values()) {
      const own = job.objectId === next.objectId && kept.has(next.objectId)
      if (!done && !own && overlaps(job.locations)) return true
    }
    return false
  })
}

function apply(state: TenantState, branch: Branch, commit: CatalogCommit): number {
  const seq = branch.headSeq + 1
  state.branches.set(branch.id, { ...branch, headSeq: seq })
  for (const change of commit.changes) move(state, branch, commit, change, seq)
  record(
    state,
    commit.at,
    commit.members.flatMap(({ idempotency }) => idempotency ?? []),
  )
  for (const { id, idempotency, audit } of commit.members) {
    state.commitIds.set(id, seq)
    const auditId = String(state.audit.length + 1)
    state.audit.push({ ...audit, id: auditId, at: commit.at, commitId: id, idempotencyKey: idempotency?.key ?? null })
  }
  const entry = {
    branchId: branch.id,
    seq,
    at: commit.at,
    ids: commit.members.map(({ id }) => id),
    records: commit.members.map(({ log }) => log),
    changes: commit.changes,
  }
  state.log.set(branch.id, [...(state.log.get(branch.id) ?? []), entry])
  for (const purge of commit.purges)
    state.purges.set(purge.id, { job: { ...purge, cursor: null, createdAt: commit.at }, done: false })
  return seq
}

function move(state: TenantState, branch: Branch, commit: CatalogCommit, change: Change, seq: number): void {
  const rowsOf = rowsOfKey(state, change.key)
  const closed = rowsOf(branch.id).map((row): Row =>
    isCurrent(row) ? { ...row, entry: { ...row.entry, toSeq: seq } } : row,
  )
  const hidden = change.next ? null : rowToHide(rowsOf, branch.ancestors)
  const value = change.next ?? hidden?.entry
  const range = { branchId: branch.id, rev: commit.members[0]?.id ?? '', fromSeq: seq, toSeq: OPEN_SEQ }
  const added: Row[] = value ? [{ entry: { ...value, ...change.key, ...range }, tombstone: change.next === null }] : []
  const ofBranch = state.rows.get(branch.id) ?? new Map<string, readonly Row[]>()
  ofBranch.set(keyText(change.key), [...closed, ...added])
  state.rows.set(branch.id, ofBranch)
}
