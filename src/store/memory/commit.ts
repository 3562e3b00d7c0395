import { auditOf, logEntryOf, revOf } from '#store/commit'
import type { CommitOutcome } from '#store/store'
import { keyText } from '#versions/check-commit'
import { firstOverlap, foldersOf } from '#versions/folders'
import { lineageOf, resolveEntry, rowToHide, type Row } from '#versions/lineage'
import { OPEN_SEQ } from '#versions/model'
import type { Branch, CatalogCommit, Change, Check, Entry, Key } from '#versions/model'
import { record } from './idempotency.ts'
import { boundsOf, shownAt } from './shown.ts'
import { allRows, rowsOfKey, type TenantState } from './state.ts'

/** Decides first and changes afterwards: nothing in between can fail. */
export function commitTo(state: TenantState, commit: CatalogCommit): CommitOutcome {
  const decided = commit.members.find(({ id }) => state.commitIds.has(id))
  if (decided) return { outcome: 'decided', id: decided.id }
  const replayed = commit.members.find(({ idempotency }) => idempotency && state.idempotency.has(idempotency.key))
  if (replayed?.idempotency) return { outcome: 'replayed', idempotencyKey: replayed.idempotency.key }
  const branch = state.branches.get(commit.branchId)
  if (branch?.state !== 'open') return { outcome: 'branch-closed' }
  return refusal(state, branch, commit) ?? { outcome: 'committed', seq: apply(state, branch, commit) }
}

/** The first reason not to commit to an open branch, in the order in which every store looks for one. */
function refusal(state: TenantState, branch: Branch, commit: CatalogCommit): CommitOutcome | null {
  if (commit.expectHead !== undefined && commit.expectHead !== branch.headSeq) return { outcome: 'head-moved' }
  const conflict = commit.changes.findIndex(({ key, expect }) => (entryAt(state, branch, key)?.rev ?? null) !== expect)
  if (conflict !== -1) return { outcome: 'conflict', change: conflict }
  const failed = commit.checks.findIndex((check) => !holds(state, branch, check))
  if (failed !== -1) return { outcome: 'check-failed', check: failed }
  const overlapping = overlapOf(state, branch, commit.changes)
  return overlapping === -1 ? null : { outcome: 'overlap', change: overlapping }
}

function entryAt(state: TenantState, branch: Branch, key: Key): Entry | null {
  return resolveEntry(rowsOfKey(state, key), lineageOf(branch))
}

function holds(state: TenantState, branch: Branch, check: Check): boolean {
  if ('exists' in check) {
    const shown = entryAt(state, branch, check.exists)
    return shown !== null && (check.objectId === undefined || check.objectId === shown.objectId)
  }
  const rows = [...allRows(state)]
  if ('untrimmed' in check)
    return !rows.some(({ entry, trimmed }) => trimmed && entry.metadataLocation === check.untrimmed)
  return rows.every(({ entry }) => entry.namespace !== check.empty || entryAt(state, branch, entry) === null)
}

function overlapOf(state: TenantState, branch: Branch, changes: readonly Change[]): number {
  if (changes.every(({ next }) => !next || next.locations.length === 0)) return -1
  const rows = [...allRows(state)].filter(({ tombstone }) => !tombstone)
  const pending = [...state.purges.values()].filter(({ done }) => !done)
  return firstOverlap(changes, {
    shown: rows.filter(shownAt(boundsOf(state))).flatMap(({ entry }) => foldersOf(entry)),
    ever: rows.flatMap(({ entry }) => foldersOf(entry)),
    purging: pending.flatMap(({ job }) => foldersOf(job)),
    kept: new Set(changes.flatMap(({ key }) => entryAt(state, branch, key)?.objectId ?? [])),
  })
}

function apply(state: TenantState, branch: Branch, commit: CatalogCommit): number {
  const { at, members, changes, purges } = commit
  const seq = branch.headSeq + 1
  state.branches.set(branch.id, { ...branch, headSeq: seq })
  for (const change of changes) move(state, branch, revOf(commit), change, seq)
  const answers = members.flatMap(({ idempotency }) => idempotency ?? [])
  record(state, at, answers)
  for (const { id } of members) state.commitIds.set(id, seq)
  for (const entry of auditOf(commit)) state.audit.push({ ...entry, id: String(state.audit.length + 1) })
  state.log.set(branch.id, [...(state.log.get(branch.id) ?? []), logEntryOf(commit, seq)])
  for (const purge of purges)
    state.purges.set(purge.id, { job: { ...purge, cursor: null, createdAt: at }, done: false })
  return seq
}

function move(state: TenantState, branch: Branch, rev: string, { key, next }: Change, seq: number): void {
  const rowsOf = rowsOfKey(state, key)
  const closed = rowsOf(branch.id).map((row): Row =>
    row.entry.toSeq === OPEN_SEQ ? { ...row, entry: { ...row.entry, toSeq: seq } } : row,
  )
  const value = next ?? rowToHide(rowsOf, branch.ancestors)?.entry
  const range = { branchId: branch.id, rev, fromSeq: seq, toSeq: OPEN_SEQ }
  const added: Row[] = value ? [{ entry: { ...value, ...key, ...range }, tombstone: next === null }] : []
  const ofBranch = state.rows.get(branch.id) ?? new Map<string, readonly Row[]>()
  ofBranch.set(keyText(key), [...closed, ...added])
  state.rows.set(branch.id, ofBranch)
}
