import { badRequest, CatalogError } from '#domain/errors'

export interface ScanRules {
  /** Objects and lists that may be open at the same time. */
  readonly depthMax: number
  /** Brackets and commas that may stand in it: what is parsed is about as many values. */
  readonly valuesMax: number
  /** Refuse duplicate keys and the key `__proto__`. */
  readonly strictKeys: boolean
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const COMMA = 0x2c
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_LIST = 0x5b
const CLOSE_LIST = 0x5d

/**
 * Walks over JSON text once, without recursion, and refuses what no parser should be given. Whether the text is JSON
 * at all is left to the parser that follows.
 * @throws CatalogError `bad-request`, `too-large` for too many values
 */
export function scanJson(text: string, rules: ScanRules): void {
  /** One per open object or list; the keys seen in it, where they are wanted. */
  const open: (Set<string> | undefined)[] = []
  let values = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      const end = endOfString(text, at)
      if (rules.strictKeys && isKey(text, end)) checkKey(open.at(-1), text.slice(at, end + 1))
      at = end
    } else if (code === COMMA) {
      if (++values > rules.valuesMax) throw tooMany(rules)
    } else if (code === OPEN_OBJECT || code === OPEN_LIST) {
      if (++values > rules.valuesMax) throw tooMany(rules)
      if (open.length >= rules.depthMax)
        throw badRequest(`JSON nested too deeply: expected at most ${rules.depthMax} levels`)
      open.push(rules.strictKeys && code === OPEN_OBJECT ? new Set() : undefined)
    } else if (code === CLOSE_OBJECT || code === CLOSE_LIST) open.pop()
  }
}

/** Whether {@link scanJson} would refuse text that is JSON for the values in it; short text is not even looked at. */
export function holdsTooMany(text: string, valuesMax: number): boolean {
  if (text.length <= valuesMax) return false
  try {
    scanJson(text, { depthMax: text.length, valuesMax, strictKeys: false })
    return false
  } catch {
    return true
  }
}

function tooMany({ valuesMax }: ScanRules): CatalogError {
  return new CatalogError('too-large', `JSON too large: expected at most ${valuesMax} values`)
}

/** The position of the quote that ends the string starting at `start`, or the end of the text. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end === -1 ? text.length : end
}

function isEscaped(text: string, quote: number): boolean {
  let backslashes = 0
  while (text.charCodeAt(quote - 1 - backslashes) === BACKSLASH) backslashes++
  return backslashes % 2 === 1
}

function isKey(text: string, end: number): boolean {
  let at = end + 1
  while (isSpace(text.charCodeAt(at))) at++
  return text.charCodeAt(at) === COLON
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
}

function checkKey(seen: Set<string> | undefined, quoted: string): void {
  const key = quoted.includes('\\') ? unescaped(quoted) : quoted.slice(1, -1)
  if (key === undefined || !seen) return
  if (key === '__proto__') throw badRequest("Invalid JSON: the key '__proto__' is not allowed")
  if (seen.has(key)) throw badRequest(`Invalid JSON: the key ${JSON.stringify(key.slice(0, 100))} occurs twice`)
  seen.add(key)
}

/** Undefined for a string that isn't JSON: the parser will say so. */
function unescaped(quoted: string): string | undefined {
  try {
    return JSON.parse(quoted) as string
  } catch {
    return undefined
  }
}
