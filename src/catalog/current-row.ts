import type { TableIdentifier } from '#domain/ident'
import type { CatalogError } from '#domain/errors'
import type { Entry, Key } from '#versions/model'
import type { CatalogDeps } from './deps.ts'
import { assetKey } from './keys.ts'
import { untilDecided } from './publish.ts'

type OnBranch = Readonly<{ branch: Readonly<{ id: string }> }>

/**
 * Changes what has a key, on its row as it is now: first on the one that authorization saw, then, for as long as others
 * are faster, on what they left there.
 * @param row `gone` is what to throw if the object that was seen is no longer there, or another one is
 * @throws CatalogError as `gone` says, and as {@link untilDecided}
 */
export async function onCurrentRow<T>(
  deps: Pick<CatalogDeps, 'tenant' | 'pause'>,
  row: { place: OnBranch; key: Key; seen: Entry; gone: () => CatalogError },
  attempt: (current: Entry) => Promise<T | 'again' | 'lost'>,
): Promise<T> {
  const { place, key, seen, gone } = row
  return untilDecided(async (isRetry) => {
    const current = isRetry ? await readRow(deps, place, key) : seen
    if (current?.objectId !== seen.objectId) throw gone()
    return attempt(current)
  }, deps.pause)
}

/** The table's row as it is now, or null. */
export async function readTable(
  deps: Pick<CatalogDeps, 'tenant'>,
  place: OnBranch,
  identifier: TableIdentifier,
): Promise<Entry | null> {
  const entry = await readAsset(deps, place, identifier)
  return entry?.kind === 'table' ? entry : null
}

/** The row of a table or view as it is now, or null. */
export async function readAsset(
  deps: Pick<CatalogDeps, 'tenant'>,
  place: OnBranch,
  identifier: TableIdentifier,
): Promise<Entry | null> {
  return readRow(deps, place, assetKey(identifier))
}

async function readRow(deps: Pick<CatalogDeps, 'tenant'>, { branch }: OnBranch, key: Key): Promise<Entry | null> {
  const { entries } = await deps.tenant.read({ at: { branchId: branch.id }, keys: [key] })
  return entries[0] ?? null
}
