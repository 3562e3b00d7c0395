import { badRequest } from '#domain/errors'
import { INT_MAX } from './fields.ts'

/**
 * A table's schemas, its partition specs or its sort orders while updates are applied: they all have numbered items of
 * which one is chosen, reuse an item that is the same, and let later updates refer to "the last one added" as -1.
 */
export interface Choice<T> {
  /** What the items are called in messages. */
  readonly what: string
  readonly keyOf: (item: T) => string
  readonly items: Map<number, T>
  chosen: number | null
  lastAdded: number | null
  readonly added: Set<number>
  /** The next free id, found when first needed; ids that this commit removes afterwards are not used again. */
  nextId: number | null
  /** The ids by key, made when first needed. */
  idsByKey: Map<string, number> | null
}

export function choiceOf<T>(
  what: string,
  keyOf: (item: T) => string,
  items: Map<number, T>,
  chosen: number | null,
): Choice<T> {
  return { what, keyOf, items, chosen, lastAdded: null, added: new Set(), nextId: null, idsByKey: null }
}

/**
 * Adds the item that `make` makes, unless one with the same key is there. `idFor` makes its id of the next free one. An
 * item that was there before this commit doesn't count as "last added". Whether one was added.
 */
export function addItem<T>(
  choice: Choice<T>,
  key: string,
  idFor: (next: number) => number,
  make: (id: number) => T,
): boolean {
  choice.idsByKey ??= keysOf(choice)
  const same = choice.idsByKey.get(key)
  if (same !== undefined) {
    choice.lastAdded = choice.added.has(same) ? same : null
    return false
  }
  choice.nextId ??= [...choice.items.keys()].reduce((next, used) => Math.max(next, used + 1), 0)
  const id = idFor(choice.nextId)
  if (id > INT_MAX) throw badRequest(`Cannot add ${choice.what}: there are no ids left`)
  choice.items.set(id, make(id))
  choice.nextId = Math.max(choice.nextId, id + 1)
  choice.idsByKey.set(key, id)
  choice.added.add(id)
  choice.lastAdded = id
  return true
}

/** Chooses an item; -1 is the last one added. Whether that changed anything. @throws CatalogError `bad-request` */
export function choose<T>(choice: Choice<T>, id: number): boolean {
  const wanted = id === -1 ? choice.lastAdded : id
  if (wanted === null) throw badRequest(`Cannot set last added ${choice.what}: no ${choice.what} has been added`)
  if (wanted === choice.chosen) return false
  if (!choice.items.has(wanted))
    throw badRequest(`Cannot set ${choice.what} ${wanted}: there is no such ${choice.what}`)
  choice.chosen = wanted
  return true
}

/** Removes items; unknown ids don't matter. Whether any was there. @throws CatalogError `bad-request` for the chosen one */
export function removeItems<T>(choice: Choice<T>, ids: readonly number[]): boolean {
  let changed = false
  for (const id of ids) {
    if (id === choice.chosen) throw badRequest(`Cannot remove ${choice.what} ${id}: the table uses it`)
    const item = choice.items.get(id)
    if (item === undefined) continue
    choice.items.delete(id)
    choice.added.delete(id)
    if (choice.lastAdded === id) choice.lastAdded = null
    const key = choice.keyOf(item)
    if (choice.idsByKey?.get(key) === id) choice.idsByKey.delete(key)
    changed = true
  }
  return changed
}

/** The chosen item. @throws CatalogError `bad-request` if there is none yet */
export function chosenItem<T>(choice: Choice<T>): T {
  const item = choice.chosen === null ? undefined : choice.items.get(choice.chosen)
  if (item === undefined) throw badRequest(`The table has no current ${choice.what}: add one and set it first`)
  return item
}

/**
 * The chosen item, or the last one added while none is: a create may choose its schema after the spec and the order that
 * use it (DuckDB does). @throws CatalogError `bad-request` if there is neither
 */
export function chosenOrAdded<T>(choice: Choice<T>): T {
  const added = choice.chosen === null && choice.lastAdded !== null ? choice.items.get(choice.lastAdded) : undefined
  return added ?? chosenItem(choice)
}

/** Of several that are the same, the first counts. */
function keysOf<T>(choice: Choice<T>): Map<string, number> {
  const ids = new Map<string, number>()
  for (const [id, item] of choice.items) {
    const key = choice.keyOf(item)
    if (!ids.has(key)) ids.set(key, id)
  }
  return ids
}
