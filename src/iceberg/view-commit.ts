import { CatalogError } from '#domain/errors'
import { asList, asObject, optional, required } from './fields.ts'
import type { Json } from './json.ts'
import { applyViewUpdates } from './view-apply.ts'
import type { ViewMetadata } from './view-metadata.ts'
import { readViewRequirement, readViewUpdate, type ViewRequirement, type ViewUpdate } from './view-updates.ts'

/** What a client asks of a view: what must hold, and what to do then. */
export interface ViewCommit {
  readonly requirements: readonly ViewRequirement[]
  readonly updates: readonly ViewUpdate[]
}

/** `requirement-failed` is 409, `invalid` is 400. `unchanged` means that there is nothing to write. */
export type ViewCommitResult =
  | { readonly result: 'changed'; readonly metadata: ViewMetadata }
  | { readonly result: 'unchanged' }
  | { readonly result: 'requirement-failed'; readonly message: string }
  | { readonly result: 'invalid'; readonly message: string }

/**
 * The body of a replacement. Fields that nobody knows are ignored; updates and requirements that nobody knows are not.
 * @throws CatalogError `bad-request`
 */
export function parseViewCommit(json: Json): ViewCommit {
  const body = asObject(json, 'body', 'view commit')
  return {
    requirements: (optional(body, 'requirements', asList, 'view commit') ?? []).map(readViewRequirement),
    updates: required(body, 'updates', asList, 'view commit').map(readViewUpdate),
  }
}

/**
 * Checks and applies a commit. Pure: neither the base nor the commit is changed. A base that is newer than the one the
 * client saw is as good as any: a replacement doesn't depend on what it replaces.
 */
export function commitView(base: ViewMetadata, commit: ViewCommit, nowMs: number): ViewCommitResult {
  for (const { uuid } of commit.requirements)
    if (uuid.toLowerCase() !== base['view-uuid'].toLowerCase())
      return {
        result: 'requirement-failed',
        message: `Requirement failed: view UUID does not match: expected ${base['view-uuid']} != ${uuid}`,
      }
  try {
    const metadata = applyViewUpdates(base, commit.updates, nowMs)
    return metadata ? { result: 'changed', metadata } : { result: 'unchanged' }
  } catch (error) {
    if (error instanceof CatalogError && (error.kind === 'bad-request' || error.kind === 'illegal-argument'))
      return { result: 'invalid', message: error.message }
    throw error
  }
}
