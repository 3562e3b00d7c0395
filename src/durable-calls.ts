import { CatalogError } from '#domain/errors'
import { within } from './time-limits.ts'

/**
 * What a lane answers to a commit. A lane that was overloaded has not begun (Durable Objects, error handling:
 * `overloaded`); any other failure of the call, and none within `ms`, may have come after the commit.
 * @throws CatalogError `unavailable` if nothing was done, `commit-state-unknown` if that can't be told
 */
export async function fromLane<T>(ms: number, call: Promise<T>): Promise<T> {
  return within(ms, "The table's lane", call).catch((cause: unknown) => {
    if (cause instanceof Error && 'overloaded' in cause && cause.overloaded === true)
      throw new CatalogError('unavailable', "The table's lane is overloaded; nothing was changed, try again", cause)
    throw new CatalogError(
      'commit-state-unknown',
      "The table's lane did not answer; the commit may or may not have happened. Load the table to find out",
      cause,
    )
  })
}

/** Waits until the purge runner has been woken, which comes before the drop. @throws CatalogError `unavailable` */
export async function fromPurgeRunner(ms: number, call: Promise<void>): Promise<void> {
  await within(ms, 'The purge runner', call).catch((cause: unknown) => {
    throw new CatalogError('unavailable', 'The purge could not be arranged; nothing was changed, try again', cause)
  })
}
