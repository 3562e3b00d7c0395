import { CatalogError } from '#domain/errors'
import { dotted, namespacePath, type Namespace, type TableIdentifier } from '#domain/ident'
import type { AssetKind, Check, Entry, Key } from '#versions/model'

/** The key of a namespace: a row of its parent. */
export function namespaceKey(namespace: Namespace): Key {
  return { class: 'namespace', namespace: namespacePath(namespace.slice(0, -1)), name: namespace.at(-1) ?? '' }
}

/**
 * That a namespace still is the object whose row authorization saw, not another one of its name. Those above it need no
 * check: a namespace that is not empty is never dropped, so they are the same as long as this one is.
 */
export function stillThere({ class: of, namespace, name, objectId }: Entry): Check {
  return { exists: { class: of, namespace, name }, objectId }
}

/** The key that tables and views share. */
export function assetKey({ namespace, name }: TableIdentifier): Key {
  return { class: 'asset', namespace: namespacePath(namespace), name }
}

export function noSuchNamespace(namespace: Namespace): CatalogError {
  return new CatalogError('no-such-namespace', `Namespace does not exist: ${dotted(namespace)}`)
}

/** Tables and views share one space of names, but each has its own routes. */
export type AssetType = Exclude<AssetKind, 'namespace'>

export function noSuchTable({ namespace, name }: TableIdentifier): CatalogError {
  return new CatalogError('no-such-table', `Table does not exist: ${dotted(namespace, name)}`)
}

export function tableExists({ namespace, name }: TableIdentifier): CatalogError {
  return new CatalogError('already-exists', `Table already exists: ${dotted(namespace, name)}`)
}

/** A table can't take the name of a view. */
export function viewStands({ namespace, name }: TableIdentifier): CatalogError {
  return new CatalogError('already-exists', `View with same name already exists: ${dotted(namespace, name)}`)
}

export function noSuchView({ namespace, name }: TableIdentifier): CatalogError {
  return new CatalogError('no-such-view', `View does not exist: ${dotted(namespace, name)}`)
}

export function noSuchAsset(type: AssetType, identifier: TableIdentifier): CatalogError {
  return type === 'view' ? noSuchView(identifier) : noSuchTable(identifier)
}

/** Why a new table or view can't have a name, in the words that Java's clients look for. `found`: what has it. */
export function nameTaken(wanted: AssetType, identifier: TableIdentifier, found: AssetKind): CatalogError {
  const name = dotted(identifier.namespace, identifier.name)
  if (wanted === 'table') return found === 'view' ? viewStands(identifier) : tableExists(identifier)
  return new CatalogError(
    'already-exists',
    found === 'view' ? `View already exists: ${name}` : `Table with same name already exists: ${name}`,
  )
}
