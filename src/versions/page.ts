import type { Entry } from './model.ts'
import type { Row } from './lineage.ts'

/** What one branch of a lineage has of a namespace: rows valid at its bound, by name. */
export interface BranchRows {
  readonly rows: readonly Row[]
  /** Whether there may be more rows after the last one. */
  readonly more: boolean
  /** The last name looked at, if it is behind that of the last row. */
  readonly lookedUpTo?: string | undefined
}

export interface Page {
  readonly entries: readonly Entry[]
  /** Present if more may follow: the last name this page has looked at. */
  readonly next?: string
}

/** Names one page of a listing looks at beyond those it returns: dropped ones hide what ancestors show, and take their place. */
export const HIDDEN_NAMES_MAX = 1000

/** The order of names everywhere: by code point, which is the order of their UTF-8 bytes in SQL. */
export function compareNames(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i += 1) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)]
    if (x !== y) return aboveSurrogates(x) - aboveSurrogates(y)
  }
  return a.length - b.length
}

/**
 * Merges the pages of a lineage, nearest branch first: the nearest row of a name decides, a tombstone hides it.
 * Names after the end of a branch's incomplete page are left for the next page, which therefore may be short.
 * @param accepts which of the visible entries are wanted
 */
export function mergePages(pages: readonly BranchRows[], accepts: (entry: Entry) => boolean, limit: number): Page {
  const deciding = new Map<string, Row>()
  for (const { rows } of pages)
    for (const row of rows) if (!deciding.has(row.entry.name)) deciding.set(row.entry.name, row)
  const horizon = pages
    .filter(({ more }) => more)
    .map(({ rows, lookedUpTo }) => lookedUpTo ?? rows.at(-1)?.entry.name ?? '')
    .reduce<string | null>((lowest, name) => (lowest === null || compareNames(name, lowest) < 0 ? name : lowest), null)
  const entries = [...deciding.values()]
    .filter((row) => !row.tombstone && accepts(row.entry))
    .map((row) => row.entry)
    .filter(({ name }) => horizon === null || compareNames(name, horizon) <= 0)
    .toSorted((a, b) => compareNames(a.name, b.name))
  return cutPage(entries, limit, horizon)
}

/**
 * The first `limit` of the entries found.
 * @param lookedUpTo the name after which nobody has looked, or null if there is nothing more
 */
export function cutPage(found: readonly Entry[], limit: number, lookedUpTo: string | null): Page {
  const entries = found.slice(0, limit)
  const last = entries.at(-1)
  if (found.length > limit && last) return { entries, next: last.name }
  return lookedUpTo === null ? { entries } : { entries, next: lookedUpTo }
}

/** Surrogates stand for code points above every other code unit. */
function aboveSurrogates(unit: number): number {
  if (unit < 0xd800) return unit
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800
}
