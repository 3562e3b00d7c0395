import { CatalogError } from '#domain/errors'
import type { ValidatedLocation } from '#domain/location'
import type { CommitOutcome } from '#store/store'
import type { CatalogCommit } from '#versions/model'
import type { CatalogDeps } from './deps.ts'
import { replayed } from './idempotency.ts'
import { encodeMetadataFile } from './metadata-files.ts'
import { inParallel } from './parallel.ts'
import {
  COMMIT_RETRIES_MAX,
  RETRY_PAUSE_MS,
  RETRY_PAUSE_MS_MAX,
  SETTLE_MS_MAX,
  SETTLE_PAUSE_MS_MAX,
  SETTLE_TRIES_MAX,
  UNQUEUED_RETRIES_MAX,
} from '#src/limits'

/**
 * A commit whose fate is known. Whatever is not `committed` is definitely not done; its files go when its publisher ends.
 * `replayed`: a member's request was answered before, by a commit of another attempt at it.
 */
export type Published = Exclude<CommitOutcome, { outcome: 'unknown' | 'decided' }>

export interface MetadataFile {
  readonly location: ValidatedLocation
  readonly text: string
}

type PublishDeps = Pick<CatalogDeps, 'tenant' | 'objects' | 'metadataCache' | 'pause' | 'now'>
type SettleDeps = Pick<PublishDeps, 'tenant' | 'pause' | 'now'>

/** A commit that is tried once. @throws CatalogError as {@link Publisher} */
export async function publish(
  deps: PublishDeps,
  commit: CatalogCommit,
  ...files: readonly MetadataFile[]
): Promise<Published> {
  const publisher = publisherOf(deps)
  try {
    return await publisher.publish(commit, ...files)
  } finally {
    await publisher.end()
  }
}

/** Tries a commit as often as its caller likes. What an attempt that lost has written, the next one need not write again. */
export interface Publisher {
  /**
   * Writes the metadata files (create-only) that no attempt before it has written, then commits. If the store's answer is
   * lost, the store is asked with the fencing lookup, after which the commit either landed or never will; only then may the
   * files be deleted.
   * @throws CatalogError `commit-state-unknown` if the store can't be asked either: the files stay; `unavailable` if a file
   *   could not be written, `too-large` or `bad-request` for what no store could keep: nothing was changed
   */
  publish(commit: CatalogCommit, ...files: readonly MetadataFile[]): Promise<Published>
  /** Deletes the files of attempts that definitely did not land, unless a later one that landed, or may have, has them too. */
  end(): Promise<void>
}

export function publisherOf(deps: PublishDeps): Publisher {
  /** Written files by location, each of which only commits name that never land. */
  const unused = new Map<string, ValidatedLocation>()
  return {
    async publish(commit, ...files) {
      const missing = files.filter(({ location }) => !unused.has(location.uri))
      await writeFiles(deps, missing)
      for (const { location } of files) unused.delete(location.uri)
      const keep = (): void => {
        for (const { location } of files) unused.set(location.uri, location)
      }
      try {
        const published = await decided(deps, commit)
        if (published.outcome === 'committed') remember(deps, commit, files)
        else keep()
        return published
      } catch (error) {
        if (isRefusal(error)) keep()
        throw error
      }
    },
    end: () => forget(deps, [...unused.values()]),
  }
}

/**
 * Runs `attempt` until it returns something else than `'lost'`, a race that somebody else won, or `'again'`, a store that
 * was busy.
 * @param pause for changes that no lane has put in order: whoever loses waits, longer each time, and is tried more often.
 *   Without it those who lost together would all come back together, and only one of them could win. A retry reads what it
 *   is based on at its beginning: before the pause would be too early
 * @param max attempts
 * @throws CatalogError after too many attempts, nothing having been done: `commit-failed` if the last one lost its race,
 *   `unavailable` if the store was busy
 */
export async function untilDecided<T>(
  attempt: (isRetry: boolean) => Promise<T | 'again' | 'lost'>,
  pause?: CatalogDeps['pause'],
  max = pause ? UNQUEUED_RETRIES_MAX : COMMIT_RETRIES_MAX,
): Promise<T> {
  let last: 'again' | 'lost' = 'again'
  for (let attempts = 0; attempts < max; attempts += 1) {
    if (attempts > 0) await pause?.(Math.min(RETRY_PAUSE_MS * 2 ** (attempts - 1), RETRY_PAUSE_MS_MAX))
    const result = await attempt(attempts > 0)
    if (result === 'again') last = 'again'
    else if (result === 'lost') last = 'lost'
    else return result
  }
  throw last === 'lost'
    ? new CatalogError('commit-failed', 'Too many concurrent changes won; nothing was changed, read again and retry')
    : new CatalogError('unavailable', 'Too many concurrent changes; nothing was changed, try again')
}

/**
 * Whether to try again, and why: somebody else moved a row first, or the store was `busy`.
 * @throws CatalogError `replayed` if the request has its answer already; `commit-failed` if the branch itself is gone
 */
export function retryOf(published: Published): 'again' | 'lost' {
  if (published.outcome === 'conflict') return 'lost'
  if (published.outcome === 'busy') return 'again'
  if (published.outcome === 'replayed') throw replayed()
  throw new CatalogError('commit-failed', 'The branch was closed or moved meanwhile; nothing was changed')
}

/** What was committed is what is asked for next. */
function remember(
  deps: Pick<CatalogDeps, 'metadataCache'>,
  { changes }: CatalogCommit,
  files: readonly MetadataFile[],
): void {
  const hashes = new Map(changes.map(({ next }) => [next?.metadataLocation, next?.summary.metadataSha256]))
  for (const { location, text } of files) {
    const sha256 = hashes.get(location.uri)
    if (sha256 !== undefined) deps.metadataCache.set(location.uri, sha256, text)
  }
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
    await forget(
      deps,
      written.map(({ location }) => location),
    )
    throw error
  }
}

/** The fate of a commit; an exception that is no outcome is a defect of ours, and passed on once it is sure what it left. */
async function decided(deps: SettleDeps, commit: CatalogCommit): Promise<Published> {
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

/** Asks for as long as a database may take to be there again: whatever took the answer away may still be going on. */
async function settle(deps: SettleDeps, { members: [first] }: CatalogCommit, cause: unknown): Promise<Published> {
  const untilMs = deps.now().getTime() + SETTLE_MS_MAX
  for (let tries = 1; ; tries += 1) {
    try {
      if (!first) throw new Error('a commit without members')
      const settled = await deps.tenant.settle(first.id)
      return settled.landed ? { outcome: 'committed', seq: settled.seq } : { outcome: 'busy' }
    } catch (unanswered) {
      if (tries === SETTLE_TRIES_MAX || deps.now().getTime() > untilMs) throw neverSettled({ unanswered, cause })
    }
    await deps.pause(SETTLE_PAUSE_MS_MAX)
  }
}

function neverSettled(why: { unanswered: unknown; cause: unknown }): CatalogError {
  return new CatalogError(
    'commit-state-unknown',
    'The catalog database did not answer; the commit may or may not have happened. Load the table to find out',
    why,
  )
}

/** A commit that was never sent, because no store could keep it, or that the store says it has not made. */
function isRefusal(error: unknown): boolean {
  return error instanceof CatalogError && ['too-large', 'bad-request', 'internal', 'unavailable'].includes(error.kind)
}

/** Deletes files that no commit names. Failing at it leaves orphans, which harm nobody. */
async function forget(deps: Pick<CatalogDeps, 'objects'>, files: readonly ValidatedLocation[]): Promise<void> {
  if (files.length > 0) await deps.objects.delete([...files]).catch(() => undefined)
}
