import { CatalogError } from '#domain/errors'
import type { ValidatedLocation } from '#domain/location'
import type { CommitOutcome } from '#store/store'
import type { CatalogCommit } from '#versions/model'
import type { CatalogDeps } from './deps.ts'
import { encodeMetadataFile } from './metadata-files.ts'
import { COMMIT_RETRIES_MAX } from '#src/limits'

/** A commit whose fate is known. Whatever is not `committed` is definitely not done, and its file is gone. */
export type Published = Exclude<CommitOutcome, { outcome: 'unknown' | 'decided' | 'replayed' }>

export interface MetadataFile {
  readonly location: ValidatedLocation
  readonly text: string
}

/**
 * Writes the metadata file (create-only), then commits. If the store's answer is lost, the store is asked with the
 * fencing lookup, after which the commit either landed or never will; only then may the file be deleted.
 * @throws CatalogError `commit-state-unknown` if the store can't be asked either: the file stays; `too-large` or
 *   `bad-request` for what no store could keep: nothing was changed
 */
export async function publish(
  deps: Pick<CatalogDeps, 'tenant' | 'objects' | 'metadataCache'>,
  commit: CatalogCommit,
  file?: MetadataFile,
): Promise<Published> {
  if (file) await writeFile(deps, file)
  try {
    const published = await decided(deps, commit)
    if (file && published.outcome === 'committed') deps.metadataCache.set(file.location.uri, file.text)
    if (file && published.outcome !== 'committed') await forget(deps, file.location)
    return published
  } catch (error) {
    if (file && isRefusal(error)) await forget(deps, file.location)
    throw error
  }
}

/**
 * Runs `attempt` until it returns something other than `'again'`: a lost race or a store that was busy.
 * @throws CatalogError `unavailable` after too many attempts; nothing was done
 */
export async function untilDecided<T>(attempt: () => Promise<T | 'again'>): Promise<T> {
  for (let attempts = 0; attempts < COMMIT_RETRIES_MAX; attempts += 1) {
    const result = await attempt()
    if (result !== 'again') return result
  }
  throw new CatalogError('unavailable', 'Too many concurrent changes; nothing was changed, try again')
}

async function writeFile(deps: Pick<CatalogDeps, 'objects'>, file: MetadataFile): Promise<void> {
  const bytes = await encodeMetadataFile(file.location.uri, file.text)
  let created: boolean
  try {
    created = await deps.objects.create(file.location, bytes, 'application/json')
  } catch (cause) {
    await forget(deps, file.location)
    throw new CatalogError('unavailable', 'Object storage did not take the metadata file; nothing was changed', cause)
  }
  if (!created) throw new CatalogError('unavailable', `A file stands at ${file.location.uri} already; try again`)
}

/** The fate of a commit; an exception that is no outcome is a defect of ours, and passed on once it is sure what it left. */
async function decided(deps: Pick<CatalogDeps, 'tenant'>, commit: CatalogCommit): Promise<Published> {
  let outcome: CommitOutcome
  try {
    outcome = await deps.tenant.commit(commit)
  } catch (defect) {
    if (isRefusal(defect)) throw defect
    const settled = await settle(deps, commit, defect)
    if (settled.outcome === 'committed') return settled
    throw new CatalogError('internal', 'The commit failed before it was made; nothing was changed', defect)
  }
  if (outcome.outcome !== 'unknown' && outcome.outcome !== 'decided' && outcome.outcome !== 'replayed') return outcome
  return settle(deps, commit, 'cause' in outcome ? outcome.cause : undefined)
}

async function settle(
  deps: Pick<CatalogDeps, 'tenant'>,
  { members: [first] }: CatalogCommit,
  cause: unknown,
): Promise<Published> {
  try {
    if (!first) throw new Error('a commit without members')
    const settled = await deps.tenant.settle(first.id)
    return settled.landed ? { outcome: 'committed', seq: settled.seq } : { outcome: 'busy' }
  } catch (unanswered) {
    throw new CatalogError(
      'commit-state-unknown',
      'The catalog database did not answer; the commit may or may not have happened. Load the table to find out',
      { unanswered, cause },
    )
  }
}

/** A commit that was never sent, because no store could keep it, or that is known not to have been made. */
function isRefusal(error: unknown): boolean {
  return error instanceof CatalogError && ['too-large', 'bad-request', 'internal'].includes(error.kind)
}

/** Deletes a file that no commit names. Failing at it leaves an orphan, which harms nobody. */
async function forget(deps: Pick<CatalogDeps, 'objects'>, location: ValidatedLocation): Promise<void> {
  await deps.objects.delete([location]).catch(() => undefined)
}
