import { CatalogError } from '#domain/errors'
import { dotted, namespacePath, type Namespace, type TableIdentifier } from '#domain/ident'
import type { Key } from '#versions/model'

/** The key of a namespace: a row of its parent. */
export function namespaceKey(namespace: Namespace): Key {
  return { class: 'namespace', namespace: namespacePath(namespace.slice(0, -1)), name: namespace.at(-1) ?? '' }
}

/** The key that tables and views share. */
export function assetKey({ namespace, name }: TableIdentifier): Key {
  return { class: 'asset', namespace: namespacePath(namespace), name }
}

export function noSuchNamespace(namespace: Namespace): CatalogError {
  return new CatalogError('no-such-namespace', `Namespace does not exist: ${dotted(namespace)}`)
}

export function noSuchTable({ namespace, name }: TableIdentifier): CatalogError {
  return new CatalogError('no-such-table', `Table does not exist: ${dotted(namespace, name)}`)
}

export function tableExists({ namespace, name }: TableIdentifier): CatalogError {
  return new CatalogError('already-exists', `Table already exists: ${dotted(namespace, name)}`)
}
