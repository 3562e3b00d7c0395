import { badRequest, CatalogError } from '#domain/errors'
import { commitTable, type TableCommit } from '#iceberg/commit'
import type { TableMetadata } from '#iceberg/metadata'
import type { Entry } from '#versions/model'
import type { CatalogDeps } from './deps.ts'
import {
  checkLocations,
  defaultLocation,
  foldersAfter,
  foldersOf,
  replacedLocations,
  withChosenLocations,
  type LocationPolicy,
} from './locations.ts'

/** What a commit makes of a table: its metadata and its folders. */
export interface AppliedCommit {
  readonly metadata: TableMetadata
  readonly locations: readonly string[]
}

/** The commit of a table that does not exist yet. @throws as {@link applyCommit} */
export function applyCreation(
  deps: Pick<CatalogDeps, 'now' | 'newId'>,
  warehouse: LocationPolicy,
  commit: TableCommit,
): AppliedCommit {
  const applied = applyCommit(deps, warehouse, null, commit)
  if (!applied) throw new CatalogError('commit-failed', 'Requirement failed: nothing to create')
  return applied
}

/**
 * Checks the requirements, applies the updates and checks every location that is new. Null: there is nothing to write.
 * @param base the table's row and the metadata it points at, or that commits before this one have made of it and that are
 *   to be written together with it (`isUnwritten`); null for a table to create
 * @throws CatalogError `commit-failed` for a requirement that does not hold, `bad-request`
 */
export function applyCommit(
  deps: Pick<CatalogDeps, 'now' | 'newId'>,
  warehouse: LocationPolicy,
  base: { readonly entry: Entry; readonly metadata: TableMetadata; readonly isUnwritten?: boolean } | null,
  commit: TableCommit,
): AppliedCommit | null {
  const { storage } = warehouse
  const kept = (): string => base?.metadata.location ?? defaultLocation(storage, deps.newId())
  const applied = commitTable({
    base: base && {
      metadata: base.metadata,
      location: base.isUnwritten === true ? null : (base.entry.metadataLocation ?? ''),
    },
    commit: { ...commit, updates: withChosenLocations(commit.updates, warehouse, kept) },
    nowMs: deps.now().getTime(),
    newUuid: deps.newId,
  })
  if (applied.result === 'unchanged') return null
  if (applied.result === 'invalid') throw badRequest(applied.message)
  if (applied.result !== 'changed') throw new CatalogError('commit-failed', applied.message)
  const { metadata } = applied
  checkLocations(metadata, base?.metadata ?? null, storage, replacedLocations(commit.updates, warehouse))
  const before = base?.entry.locations ?? []
  const locations = base ? foldersAfter(metadata, before, storage) : foldersOf(metadata, storage).map(({ uri }) => uri)
  return { metadata, locations }
}
