import { CatalogError } from '#domain/errors'
import { dotted, type TableIdentifier } from '#domain/ident'
import type { Entry, PurgeRequest } from '#versions/model'
import { onCurrentRow, readAsset } from './current-row.ts'
import { commitOf, type Caller, type CatalogDeps, type Place } from './deps.ts'
import { finishUnchanged, NO_CONTENT } from './idempotency.ts'
import { assetKey, noSuchAsset, noSuchNamespace, stillThere, type AssetType } from './keys.ts'
import { valueOf } from './namespaces.ts'
import { publish, retryOf } from './publish.ts'

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
  const row = { place, key: assetKey(identifier), seen: input.entry, gone: () => noSuchAsset(type, identifier) }
  await onCurrentRow(deps, row, async (current) => {
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
    return published.outcome === 'committed' ? undefined : retryOf(published)
  })
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
  const row = { place, key: assetKey(source), seen: input.entry, gone: () => noSuchAsset(type, source) }
  await onCurrentRow(deps, row, async (current) => {
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
    const isTaken = published.outcome === 'conflict' && published.change === 0
    const taken = isTaken ? await readAsset(deps, place, destination) : null
    if (taken)
      throw new CatalogError(
        'already-exists',
        `Cannot rename ${from} to ${to}. ${taken.kind === 'view' ? 'View' : 'Table'} already exists`,
      )
    return retryOf(published)
  })
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
