import { CatalogError } from '#domain/errors'
import type { ValidatedLocation } from '#domain/location'
import { filePaths, manifestPaths } from '#iceberg/manifests'
import type { TableMetadata } from '#iceberg/metadata'
import type { ObjectStore } from '#objects/objects'

/** Where a table's files are read and deleted. `locate` answers null for what is no object of the warehouse. */
export interface PurgeStorage {
  readonly objects: ObjectStore
  readonly locate: (uri: string) => ValidatedLocation | null
}

/**
 * How far a purge has come: everything before it is deleted. `list` counts manifest lists, `manifest` the manifests of the
 * next list, `file` the files of the next manifest, `rest` the files that the metadata names itself.
 */
export interface PurgeCursor {
  readonly list: number
  readonly manifest: number
  readonly file: number
  readonly rest: number
}

export const PURGE_START: PurgeCursor = { list: 0, manifest: 0, file: 0, rest: 0 }

/**
 * What has to be gone before what: a file that is still there names everything of the tiers below that may still be there,
 * so that the purge can be taken up again from the files alone.
 */
export const PURGE_TIERS = ['file', 'manifest', 'manifest-list', 'rest', 'metadata'] as const
export type PurgeTier = (typeof PURGE_TIERS)[number]

/** One file to delete, or none where a file was met before; `next` is the cursor once it and all before it are deleted. */
export interface PurgeStep {
  readonly tier: PurgeTier
  readonly uri: string | null
  readonly next: PurgeCursor
}

/** Manifests of one list held in memory at a time, about 150 bytes each. */
const MANIFESTS_HELD_MAX = 10_000

/**
 * Manifests remembered because other snapshots share them. Past this many a manifest is looked for again, and found to be
 * gone.
 */
const MANIFESTS_REMEMBERED_MAX = 50_000

/**
 * What a purge needs to know of a table's metadata, without the rest of it. `lists` has one element per snapshot: its manifest
 * list, or the manifests that a snapshot of format version 1 may name itself.
 */
export interface PurgePlan {
  readonly lists: readonly (string | readonly string[])[]
  /** Statistics, then the metadata files before the current one. */
  readonly rest: readonly string[]
  readonly metadataLocation: string
  /** Whether data and delete files may be deleted. */
  readonly garbageCollected: boolean
}

export function planPurge(metadata: TableMetadata, metadataLocation: string): PurgePlan {
  return {
    lists: listOf(metadata['snapshots']).map((snapshot) => {
      const { 'manifest-list': list, manifests } = snapshot
      if (isText(list)) return list
      return Array.isArray(manifests) ? manifests.filter(isText) : []
    }),
    rest: [
      ...listOf(metadata['statistics']).map((file) => file['statistics-path']),
      ...listOf(metadata['partition-statistics']).map((file) => file['statistics-path']),
      ...listOf(metadata['metadata-log']).map((entry) => entry['metadata-file']),
    ].filter(isText),
    metadataLocation,
    garbageCollected: isGarbageCollected(metadata.properties),
  }
}

/**
 * The files of a table, one after the other from a cursor on, as Java's `CatalogUtil.dropTableData` finds them: with
 * `gc.enabled` false everything but data and delete files. Files that are gone are passed over, and so are manifests and
 * manifest lists that can't be read; `onUnreadable` counts those. The current metadata file comes last.
 * @throws whatever the object store throws: the walk can be taken up again
 */
export async function* walkPurge(
  storage: PurgeStorage,
  plan: PurgePlan,
  from: PurgeCursor,
  onUnreadable: () => void,
): AsyncGenerator<PurgeStep> {
  const remembered = new Set<string>()
  let at = from
  for (const list of plan.lists.slice(from.list)) {
    for await (const manifest of walkList(storage, list, at.manifest, onUnreadable)) {
      const known = remembered.has(manifest)
      if (plan.garbageCollected && !known) yield* walkFiles(storage, manifest, at, onUnreadable)
      if (remembered.size < MANIFESTS_REMEMBERED_MAX) remembered.add(manifest)
      at = { ...at, manifest: at.manifest + 1, file: 0 }
      yield { tier: 'manifest', uri: known ? null : manifest, next: at }
    }
    at = { ...PURGE_START, list: at.list + 1 }
    yield { tier: 'manifest-list', uri: isText(list) ? list : null, next: at }
  }
  for (const uri of plan.rest.slice(at.rest)) {
    at = { ...at, rest: at.rest + 1 }
    yield { tier: 'rest', uri, next: at }
  }
  yield { tier: 'metadata', uri: plan.metadataLocation, next: at }
}

/** The manifests of a list from the n-th on, read some at a time: no stream stays open while their files are deleted. */
async function* walkList(
  storage: PurgeStorage,
  list: PurgePlan['lists'][number],
  from: number,
  onUnreadable: () => void,
): AsyncGenerator<string> {
  if (!isText(list)) {
    yield* list.slice(from)
    return
  }
  for (let start = from; ; start += MANIFESTS_HELD_MAX) {
    const paths: string[] = []
    for await (const path of readable(storage, list, manifestPaths, onUnreadable, start)) {
      paths.push(path)
      if (paths.length === MANIFESTS_HELD_MAX) break
    }
    yield* paths
    if (paths.length < MANIFESTS_HELD_MAX) return
  }
}

async function* walkFiles(
  storage: PurgeStorage,
  manifest: string,
  from: PurgeCursor,
  onUnreadable: () => void,
): AsyncGenerator<PurgeStep> {
  let at = from
  for await (const uri of readable(storage, manifest, filePaths, onUnreadable, from.file)) {
    at = { ...at, file: at.file + 1 }
    yield { tier: 'file', uri, next: at }
  }
}

/** The paths in an Avro file from the n-th on; none if it is gone, and those before the damage if it can't be read. */
async function* readable(
  storage: PurgeStorage,
  uri: string,
  read: (stream: ReadableStream<Uint8Array>) => AsyncGenerator<{ readonly path: string }>,
  onUnreadable: () => void,
  from: number,
): AsyncGenerator<string> {
  const location = storage.locate(uri)
  const stream = location && (await storage.objects.stream(location))
  if (!stream) return
  let index = 0
  try {
    for await (const { path } of read(stream)) {
      if (index >= from) yield path
      index += 1
    }
  } catch (cause) {
    if (!(cause instanceof CatalogError) || cause.kind !== 'unprocessable') throw cause
    onUnreadable()
  }
}

/**
 * Data files are kept when `gc.enabled` is set to anything but `true`. The property protects files, so its name counts
 * in any case.
 */
function isGarbageCollected(properties: Readonly<Record<string, string>>): boolean {
  return Object.entries(properties).every(
    ([name, value]) => name.toLowerCase() !== 'gc.enabled' || value.toLowerCase() === 'true',
  )
}

function listOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'object' && item !== null) : []
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}
