import { badRequest, CatalogError } from '#domain/errors'
import { dotted, namespaceLevels } from '#domain/ident'
import type { CatalogCommit, Change, Key } from './model.ts'

/** Keys one commit may change. Together with the bytes it keeps a commit within one statement and one row of any store. */
export const COMMIT_KEYS_MAX = 500

/** UTF-8 bytes of everything a commit says, as JSON; a row of D1 holds 2 MB, and history keeps the changes in one. */
export const COMMIT_BYTES_MAX = 1_500_000

/** UTF-8 bytes of a key's namespace and name: with the ids beside them they have to fit into an index of Postgres (2,704). */
export const KEY_BYTES_MAX = 2400

/** U+0000 and halves of surrogate pairs, as `JSON.stringify` writes them. Postgres keeps neither. */
const NO_TEXT = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/

/**
 * Refuses a commit that no store could keep: too large, a key twice, members without distinct ids.
 * @throws CatalogError `too-large`, `bad-request` (a key twice, a key or text that can't be kept), `internal` (a mistake of ours)
 */
export function checkCommit(commit: CatalogCommit): void {
  const { members, changes, checks, purges } = commit
  if (changes.length > COMMIT_KEYS_MAX)
    throw new CatalogError(
      'too-large',
      `A commit may change at most ${COMMIT_KEYS_MAX} keys, this one changes ${changes.length}; split it`,
    )
  const text = JSON.stringify({ members, changes, checks, purges })
  if (NO_TEXT.test(text))
    throw badRequest('Names, properties and messages may hold neither U+0000 nor half of a surrogate pair')
  const bytes = new TextEncoder().encode(text).length
  if (bytes > COMMIT_BYTES_MAX)
    throw new CatalogError(
      'too-large',
      `A commit may hold at most ${COMMIT_BYTES_MAX} bytes of changes, this one has ${bytes}; split it`,
    )
  const twice = firstRepeated(changes.map(({ key }) => keyText(key)))
  if (twice !== -1) throw badRequest(`A commit may change a key only once, found ${shown(changes[twice])} twice`)
  for (const change of changes) checkValue(change)
  if (members.length === 0) throw mistake('a commit needs at least one member')
  if (firstRepeated(members.map(({ id }) => id)) !== -1) throw mistake('the members of a commit need distinct ids')
  const idempotencyKeys = members.flatMap(({ idempotency }) => idempotency?.key ?? [])
  if (firstRepeated(idempotencyKeys) !== -1) throw mistake('the members of a commit need distinct idempotency keys')
}

/** A key as one string, equal exactly for equal keys: no name holds a control character. */
export function keyText({ class: of, namespace, name }: Key): string {
  return `${of}\u0000${namespace}\u0000${name}`
}

function checkValue({ key, next }: Change): void {
  const bytes = new TextEncoder().encode(key.namespace + key.name).length
  if (bytes > KEY_BYTES_MAX)
    throw badRequest(`A namespace and a name in it may have ${KEY_BYTES_MAX} bytes together, found ${bytes}`)
  if (!next) return
  if ((key.class === 'namespace') !== (next.kind === 'namespace'))
    throw mistake(`a ${next.kind} can't stand under a key of class ${key.class}`)
  const bad = next.locations.find((location) => !/^[a-z0-9]+:\/\/[^/]+\/(.*\/)?$/s.test(location))
  if (bad !== undefined) throw mistake(`a location must be canonical and end in '/', found ${bad}`)
}

function firstRepeated(texts: readonly string[]): number {
  const seen = new Set<string>()
  return texts.findIndex((text) => seen.size === seen.add(text).size)
}

function shown(change: Change | undefined): string {
  return change ? dotted(namespaceLevels(change.key.namespace), change.key.name) : 'one'
}

function mistake(message: string): CatalogError {
  return new CatalogError('internal', `The catalog built an invalid commit: ${message}`)
}
