import { CatalogError } from '#domain/errors'
import { dotted, type TableIdentifier } from '#domain/ident'
import type { Entry, PurgeRequest } from '#versions/model'
import { commitOf, type Caller, type CatalogDeps, type Place } from './deps.ts'
import { finishUnchanged, NO_CONTENT } from './idempotency.ts'
import { assetKey, noSuchAsset, noSuchNamespace, stillThere, type AssetType } from './keys.ts'
import { again, valueOf } from './namespaces.ts'
import { publish, untilDecided } from './publish.ts'

/**
 * Drops a table or view. With `purge`, which only tables have, the same commit records the job that deletes its files once
 * nothing names them any more. A commit that gets in between is dropped with it.
 * @throws CatalogError `no-such-table`, `no-such-view` if it is gone
 */
export async function dropAsset(
  deps: CatalogDeps,
  caller: Caller,
  input: { place: Place; identifier: TableIdentifier; entry: Entry; purge: boolean },
): Promise<void> {
  const { place, identifier, purge } = input
  const type = typeOf(input.entry)
  const name = dotted(identifier.namespace, identifier.name)
  const kind = purge ? 'purge' : 'drop'
  let current: Entry | null = input.entry
  await untilDecided(async (isRetry) => {
    if (isRetry) current = await readAsset(deps, place, identifier)
    if (!current || current.objectId !== input.entry.objectId) throw noSuchAsset(type, identifier)
    const published = await publish(
      deps,
      commitOf(
        deps,
        caller,
        place,
        {
          kind,
          action: `${kind}_${type}`,
          target: name,
          targetId: current.objectId,
          message: `${kind} ${type} ${name}`,
          answer: NO_CONTENT,
        },
        {
          changes: [{ key: assetKey(identifier), expect: current.rev, next: null }],
          purges: purge ? [purgeOf(deps, place, current)] : [],
        },
      ),
    )
    if (published.outcome === 'committed') return undefined
    return published.outcome === 'conflict' ? 'lost' : again(published)
  }, deps.pause)
}

/**
 * Renames a table or view within its catalog; its files and its metadata stay as they are. `parent` is the row of the
 * destination's namespace that authorization saw.
 * @throws CatalogError `no-such-table`, `no-such-view`, `no-such-namespace`, `already-exists`
 */
export async function renameAsset(
  deps: CatalogDeps,
  caller: Caller,
  input: { place: Place; source: TableIdentifier; destination: TableIdentifier; parent: Entry; entry: Entry },
): Promise<void> {
  const { place, source, destination } = input
  const from = dotted(source.namespace, source.name)
  const to = dotted(destination.namespace, destination.name)
  const type = typeOf(input.entry)
  if (sameKey(source, destination)) return finishUnchanged(deps, caller, NO_CONTENT)
  let current: Entry | null = input.entry
  await untilDecided(async (isRetry) => {
    if (isRetry) current = await readAsset(deps, place, source)
    if (!current || current.objectId !== input.entry.objectId) throw noSuchAsset(type, source)
    const published = await publish(
      deps,
      commitOf(
        deps,
        caller,
        place,
        {
          kind: 'rename',
          action: `rename_${type}`,
          target: from,
          targetId: current.objectId,
          message: `rename ${type} ${from} to ${to}`,
          answer: NO_CONTENT,
        },
        {
          changes: [
            { key: assetKey(destination), expect: null, next: valueOf(current) },
            { key: assetKey(source), expect: current.rev, next: null },
          ],
          checks: [stillThere(input.parent)],
        },
      ),
    )
    if (published.outcome === 'committed') return undefined
    if (published.outcome === 'check-failed') throw noSuchNamespace(destination.namespace)
    if (published.outcome !== 'conflict') return again(published)
    const taken = published.change === 0 ? await readAsset(deps, place, destination) : null
    if (taken)
      throw new CatalogError(
        'already-exists',
        `Cannot rename ${from} to ${to}. ${taken.kind === 'view' ? 'View' : 'Table'} already exists`,
      )
    return 'lost'
  }, deps.pause)
}

/** The table's row as it is now, or null. */
export async function readTable(
  deps: Pick<CatalogDeps, 'tenant'>,
  place: { branch: { id: string } },
  identifier: TableIdentifier,
): Promise<Entry | null> {
  const entry = await readAsset(deps, place, identifier)
  return entry?.kind === 'table' ? entry : null
}

/** The row of a table or view as it is now, or null. */
export async function readAsset(
  deps: Pick<CatalogDeps, 'tenant'>,
  place: { branch: { id: string } },
  identifier: TableIdentifier,
): Promise<Entry | null> {
  const { entries } = await deps.tenant.read({ at: { branchId: place.branch.id }, keys: [assetKey(identifier)] })
  return entries[0] ?? null
}

function typeOf(entry: Entry): AssetType {
  return entry.kind === 'view' ? 'view' : 'table'
}

/** What to delete, and outside which folders nothing is deleted. */
function purgeOf(deps: CatalogDeps, place: Place, entry: Entry): PurgeRequest {
  return {
    id: deps.newId(),
    objectId: entry.objectId,
    warehouseId: place.warehouse.id,
    metadataLocation: entry.metadataLocation ?? '',
    locations: entry.locations,
  }
}

function sameKey(a: TableIdentifier, b: TableIdentifier): boolean {
  const [x, y] = [assetKey(a), assetKey(b)]
  return x.namespace === y.namespace && x.name === y.name
}
