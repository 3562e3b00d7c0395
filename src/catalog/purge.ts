import { CatalogError, type ErrorKind } from '#domain/errors'
import { isWithinFolder, type ValidatedLocation } from '#domain/location'
import { readTableMetadata } from '#iceberg/metadata'
import { R2_DELETE_KEYS_MAX } from '#src/limits'
import type { PurgeJob, PurgeStore } from '#store/store'
import { NO_CACHE, readMetadataFile } from './metadata-files.ts'
import {
  planPurge,
  PURGE_START,
  PURGE_TIERS,
  walkPurge,
  type PurgeCursor,
  type PurgePlan,
  type PurgeStep,
  type PurgeStorage,
  type PurgeTier,
} from './purge-walk.ts'

export interface PurgeDeps extends PurgeStorage {
  readonly purges: PurgeStore
  /** Files looked at in one run, deleted or not: at least 1. It bounds deletions, reads and time. */
  readonly budget: number
}

/** What one run did. `leftAlone` are files outside the table's locations, `unreadable` are Avro or metadata files. */
export interface PurgeProgress {
  readonly state: 'done' | 'waiting' | 'more'
  readonly looked: number
  readonly deleted: number
  readonly leftAlone: number
  readonly unreadable: number
}

/**
 * Deletes the files of a dropped table, as far as the budget goes. `done`: there is nothing left to do and the job is
 * closed. `more`: call again. `waiting`: a branch, tag or table still names the files; nothing was deleted since that was
 * seen, and it is asked before every batch. Deletes only at or below the job's locations, in an order that leaves the
 * current metadata file for last, so that a run that dies half-way is taken up by the next one, with or without its cursor.
 * @throws whatever the stores throw; calling again continues
 */
export async function runPurge(deps: PurgeDeps, job: PurgeJob): Promise<PurgeProgress> {
  const counts = { looked: 0, deleted: 0, leftAlone: 0, unreadable: 0 }
  if (await deps.purges.stillNamed(job.locations)) return { state: 'waiting', ...counts }
  const onUnreadable = (): void => void counts.unreadable++
  const plan = await readPlan(deps, job, onUnreadable)
  let batch = newBatch()
  for await (const step of plan ? walkPurge(deps, plan, cursorOf(job.cursor), onUnreadable) : []) {
    const location = deletable(deps, job, step, plan?.metadataLocation)
    if (location) batch[step.tier].set(location.uri, location)
    else if (step.uri !== null) counts.leftAlone += 1
    counts.looked += 1
    const last = step.tier === 'metadata'
    if (sizeOf(batch) < R2_DELETE_KEYS_MAX && counts.looked < deps.budget && !last) continue
    if (await deps.purges.stillNamed(job.locations)) return { state: 'waiting', ...counts }
    await flush(deps, job, batch, step.next)
    counts.deleted += sizeOf(batch)
    batch = newBatch()
    if (counts.looked >= deps.budget && !last) return { state: 'more', ...counts }
  }
  await deps.purges.done(job.id)
  return { state: 'done', ...counts }
}

export interface PurgeStepDeps {
  readonly purges: PurgeStore
  /** The storage of a job's warehouse; null if there is no such warehouse. */
  readonly storageOf: (warehouseId: string) => Promise<PurgeStorage | null>
  /** Files looked at in one step, over all jobs. */
  readonly budget: number
  /** Where the step before stopped for its budget: jobs that only wait are not asked again before the others. */
  readonly after?: string
}

export interface PurgeStepResult {
  /** When to come again: jobs go on at once, or only wait (for a name to go, or a store to recover), or there are none. */
  readonly again: 'now' | 'later' | 'never'
  readonly jobs: readonly PurgeJobResult[]
  /** Present if the budget ended before the jobs did: where the next step goes on. */
  readonly after?: string
}

export type PurgeJobResult =
  | ({ readonly id: string } & PurgeProgress)
  | { readonly id: string; readonly state: 'failed'; readonly cause: unknown }

/** Jobs read from the store at a time. */
const JOBS_PER_PAGE = 50

/** Works on the pending jobs, oldest first, within the budget. A job that fails or waits does not hold up the others. */
export async function purgeStep(deps: PurgeStepDeps): Promise<PurgeStepResult> {
  const jobs: PurgeJobResult[] = []
  let budget = deps.budget
  let { after } = deps
  for (;;) {
    const page = await deps.purges.pending({ limit: JOBS_PER_PAGE, ...(after === undefined ? {} : { after }) })
    for (const job of page) {
      if (budget <= 0) return { again: 'now', jobs, ...(after === undefined ? {} : { after }) }
      const result = await runJob(deps, job, budget)
      jobs.push(result)
      budget -= Math.max('looked' in result ? result.looked : 0, 1)
      if (result.state !== 'more') after = job.id
    }
    if (page.length < JOBS_PER_PAGE) return { again: comeAgain(jobs), jobs }
  }
}

async function runJob(deps: PurgeStepDeps, job: PurgeJob, budget: number): Promise<PurgeJobResult> {
  try {
    const storage = await deps.storageOf(job.warehouseId)
    if (!storage) throw new CatalogError('no-such-warehouse', `Expected the warehouse ${job.warehouseId}, found none`)
    return { id: job.id, ...(await runPurge({ ...storage, purges: deps.purges, budget }, job)) }
  } catch (cause) {
    return { id: job.id, state: 'failed', cause }
  }
}

function comeAgain(jobs: readonly PurgeJobResult[]): PurgeStepResult['again'] {
  if (jobs.some(({ state }) => state === 'more')) return 'now'
  return jobs.every(({ state }) => state === 'done') ? 'never' : 'later'
}

/** Null when there is nothing to go by: the file is gone, which is how a purge ends, or it can't be read. */
async function readPlan(deps: PurgeDeps, job: PurgeJob, onUnreadable: () => void): Promise<PurgePlan | null> {
  const location = deps.locate(job.metadataLocation)
  try {
    if (location) {
      const text = await readMetadataFile({ objects: deps.objects, metadataCache: NO_CACHE }, location)
      return planPurge(readTableMetadata(text), location.uri)
    }
  } catch (cause) {
    if (!(cause instanceof CatalogError)) throw cause
    if (cause.kind === 'file-not-found') return null
    if (!UNREADABLE.has(cause.kind)) throw cause
  }
  onUnreadable()
  return null
}

/** Errors that say what a file holds, not how its storage is. */
const UNREADABLE: ReadonlySet<ErrorKind> = new Set(['bad-request', 'unprocessable', 'too-large'])

/** Where a step's file may be deleted. The current metadata file is deleted last, also when a manifest names it. */
function deletable(deps: PurgeDeps, job: PurgeJob, step: PurgeStep, current?: string): ValidatedLocation | null {
  const location = step.uri === null ? null : deps.locate(step.uri)
  if (!location || !job.locations.some((folder) => isWithinFolder(location, folder))) return null
  return location.uri.normalize('NFC') === current?.normalize('NFC') && step.tier !== 'metadata' ? null : location
}

/** Files to delete together, by their place in the order. */
type Batch = Readonly<Record<PurgeTier, Map<string, ValidatedLocation>>>

function newBatch(): Batch {
  return { file: new Map(), manifest: new Map(), 'manifest-list': new Map(), rest: new Map(), metadata: new Map() }
}

function sizeOf(batch: Batch): number {
  return PURGE_TIERS.reduce((size, tier) => size + batch[tier].size, 0)
}

/** Deletes a batch tier by tier, then saves how far the job has come. */
async function flush(deps: PurgeDeps, job: PurgeJob, batch: Batch, cursor: PurgeCursor): Promise<void> {
  for (const tier of PURGE_TIERS) {
    const locations = [...batch[tier].values()]
    if (locations.length > 0) await deps.objects.delete(locations)
  }
  await deps.purges.save(job.id, JSON.stringify(cursor))
}

/** A cursor that can't be read only costs looking for files that are gone. */
function cursorOf(saved: string | null): PurgeCursor {
  if (saved === null) return PURGE_START
  try {
    const { list, manifest, file, rest } = JSON.parse(saved) as PurgeCursor
    const whole = [list, manifest, file, rest].every((count) => Number.isSafeInteger(count) && count >= 0)
    return whole ? { list, manifest, file, rest } : PURGE_START
  } catch {
    return PURGE_START
  }
}
