import { CatalogError } from '#domain/errors'
import type { ValidatedLocation } from '#domain/location'
import type { CommitOutcome } from '#store/store'
import type { CatalogCommit } from '#versions/model'
import type { CatalogDeps } from './deps.ts'
import { encodeMetadataFile } from './metadata-files.ts'
import { inParallel } from './parallel.ts'
import { COMMIT_RETRIES_MAX } from '#src/limits'

/**
 * A commit whose fate is known. Whatever is not `committed` is definitely not done, and its files are gone. `replayed`: a
 * member's request was answered before, by a commit of another attempt at it.
 */
export type Published = Exclude<CommitOutcome, { outcome: 'unknown' | 'decided' }>

export interface MetadataFile {
  readonly location: ValidatedLocation
  readonly text: string
}

/**
 * Writes the metadata files (create-only), then commits. If the store's answer is lost, the store is asked with the
 * fencing lookup, after which the commit either landed or never will; only then may the files be deleted.
 * @throws CatalogError `commit-state-unknown` if the store can't be asked either: the files stay; `unavailable` if a file
 *   could not be written, `too-large` or `bad-request` for what no store could keep: nothing was changed
 */
export async function publish(
  deps: Pick<CatalogDeps, 'tenant' | 'objects' | 'metadataCache'>,
  commit: CatalogCommit,
  ...files: readonly MetadataFile[]
): Promise<Published> {
  await writeFiles(deps, files)
  try {
    const published = await decided(deps, commit)
    if (published.outcome === 'committed')
      for (const { location, text } of files) deps.metadataCache.set(location.uri, text)
    else await forget(deps, files)
    return published
  } catch (error) {
    if (isRefusal(error)) await forget(deps, files)
    throw error
  }
}

/**
 * Runs `attempt` until it returns something else than `'lost'`, a race that somebody else won, or `'again'`, a store that
 * was busy.
 * @throws CatalogError after too many attempts, nothing having been done: `commit-failed` if the last one lost its race,
 *   `unavailable` if the store was busy
 */
export async function untilDecided<T>(attempt: () => Promise<T | 'again' | 'lost'>): Promise<T> {
  let last: 'again' | 'lost' = 'again'
  for (let attempts = 0; attempts < COMMIT_RETRIES_MAX; attempts += 1) {
    const result = await attempt()
    if (result === 'again') last = 'again'
    else if (result === 'lost') last = 'lost'
    else return result
  }
  throw last === 'lost'
    ? new CatalogError('commit-failed', 'Too many concurrent changes won; nothing was changed, read again and retry')
    : new CatalogError('unavailable', 'Too many concurrent changes; nothing was changed, try again')
}

/** Writes all files or leaves none of them. */
async function writeFiles(deps: Pick<CatalogDeps, 'objects'>, files: readonly MetadataFile[]): Promise<void> {
  const written: MetadataFile[] = []
  try {
    await inParallel(files, async (file) => {
      const bytes = await encodeMetadataFile(file.location.uri, file.text)
      const created = await deps.objects.create(file.location, bytes, 'application/json').catch((cause: unknown) => {
        written.push(file)
        throw new CatalogError(
          'unavailable',
          'Object storage did not take the metadata file; nothing was changed',
          cause,
        )
      })
      if (!created) throw new CatalogError('unavailable', `A file stands at ${file.location.uri} already; try again`)
      written.push(file)
    })
  } catch (error) {
    await forget(deps, written)
    throw error
  }
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
  if (outcome.outcome !== 'unknown' && outcome.outcome !== 'decided') return outcome
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

/** A commit that was never sent, because no store could keep it, or that the store says it has not made. */
function isRefusal(error: unknown): boolean {
  return error instanceof CatalogError && ['too-large', 'bad-request', 'internal', 'unavailable'].includes(error.kind)
}

/** Deletes files that no commit names. Failing at it leaves orphans, which harm nobody. */
async function forget(deps: Pick<CatalogDeps, 'objects'>, files: readonly MetadataFile[]): Promise<void> {
  if (files.length > 0) await deps.objects.delete(files.map(({ location }) => location)).catch(() => undefined)
}
