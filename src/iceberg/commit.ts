import { badRequest, CatalogError } from '#domain/errors'
import { applyUpdate } from './apply.ts'
import { StaleUpdate } from './apply-snapshots.ts'
import { draftOf, newDraft, type Draft } from './draft.ts'
import { asList, asObject, optional, required } from './fields.ts'
import { finish } from './finish.ts'
import type { Json } from './json.ts'
import type { TableMetadata } from './metadata.ts'
import { checkRequirements, readRequirement, type TableRequirement } from './requirements.ts'
import { readUpdate, type TableUpdate } from './updates.ts'

/** What a client asks of a table: what must hold, and what to do then. */
export interface TableCommit {
  readonly requirements: readonly TableRequirement[]
  readonly updates: readonly TableUpdate[]
}

/**
 * A table's metadata and the location of the file it is in: null for a state between two commits that are written as one,
 * which goes into no metadata log.
 */
export interface BaseMetadata {
  readonly metadata: TableMetadata
  readonly location: string | null
}

/**
 * `requirement-failed` and `stale` are 409: the client may read again and retry. `invalid` is 400. `unchanged` means
 * that there is nothing to write.
 */
export type CommitResult =
  | { readonly result: 'changed'; readonly metadata: TableMetadata }
  | { readonly result: 'unchanged' }
  | { readonly result: 'requirement-failed'; readonly message: string }
  | { readonly result: 'stale'; readonly message: string }
  | { readonly result: 'invalid'; readonly message: string }

export interface CommitInput {
  /** Null for a table that doesn't exist yet. */
  readonly base: BaseMetadata | null
  readonly commit: TableCommit
  readonly nowMs: number
  readonly newUuid: () => string
}

/** The format of a new table whose client doesn't say. */
const FORMAT_VERSION_DEFAULT = 2

/**
 * The body of a commit. Fields that nobody knows are ignored; updates and requirements that nobody knows are not.
 * @throws CatalogError `bad-request`
 */
export function parseTableCommit(json: Json): TableCommit {
  const body = asObject(json, 'body', 'commit')
  const requirements = (optional(body, 'requirements', asList, 'commit') ?? []).map(readRequirement)
  if (requirements.length > 1 && requirements.some(({ type }) => type === 'assert-create'))
    throw badRequest(
      `Invalid create requirements: expected assert-create alone, found ${requirements
        .map(({ type }) => type)
        .join(', ')
        .slice(0, 200)}`,
    )
  return { requirements, updates: required(body, 'updates', asList, 'commit').map(readUpdate) }
}

/** Whether a commit makes a new table: the second half of a staged create. */
export function createsTable({ requirements }: TableCommit): boolean {
  return requirements.some(({ type }) => type === 'assert-create')
}

/** Checks and applies a commit. Pure: neither the base nor the commit is changed. */
export function commitTable(input: CommitInput): CommitResult {
  const { base, commit } = input
  const problem = checkRequirements(base?.metadata ?? null, commit.requirements)
  if (problem !== undefined) return { result: 'requirement-failed', message: problem }
  if (!base && commit.requirements.length === 0)
    return { result: 'invalid', message: 'Cannot create a table without the requirement assert-create' }
  return applyUpdates(input)
}

/** Applies updates without a look at requirements. */
function applyUpdates(input: CommitInput): Exclude<CommitResult, { result: 'requirement-failed' }> {
  try {
    const draft = startDraft(input)
    for (const update of input.commit.updates) applyUpdate(draft, update)
    if (!draft.changed) return { result: 'unchanged' }
    draft.uuid ??= input.newUuid()
    return { result: 'changed', metadata: finish(draft, input.base?.location ?? null) }
  } catch (error) {
    if (error instanceof StaleUpdate) return { result: 'stale', message: error.message }
    if (error instanceof CatalogError && error.kind === 'bad-request')
      return { result: 'invalid', message: error.message }
    throw error
  }
}

/** A new table has the format version that its updates ask for first. */
function startDraft({ base, commit, nowMs, newUuid }: CommitInput): Draft {
  if (base) return draftOf(base.metadata, nowMs)
  const upgrade = commit.updates.find((update) => update.action === 'upgrade-format-version')
  const draft = newDraft(FORMAT_VERSION_DEFAULT, newUuid(), nowMs)
  if (!upgrade) return draft
  draft.formatVersion = 1
  applyUpdate(draft, upgrade)
  return draft
}
