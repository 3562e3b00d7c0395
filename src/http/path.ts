import { badRequest } from '#domain/errors'
import { checkNamespace, LEVEL_SEPARATOR, type Namespace } from '#domain/ident'

/**
 * The path as it was sent. `new URL()` resolves `%2e%2e` as a dot segment and so would route a request to another
 * object than the one it names; the request's own text is kept instead.
 */
export function rawPath(url: string): string {
  const start = url.indexOf('/', url.indexOf('://') + 3)
  if (start < 0) return '/'
  const end = url.slice(start).search(/[?#]/)
  return end < 0 ? url.slice(start) : url.slice(start, start + end)
}

/** The query as sent, decoded as a form (`+` and `%20` are spaces). */
export function rawQuery(url: string): URLSearchParams {
  const start = url.indexOf('?')
  return new URLSearchParams(start < 0 ? '' : url.slice(start + 1).replace(/#.*$/s, ''))
}

/** A Hono path for an Iceberg one: `/v1/{prefix}/…` becomes `/v1/:prefix{[^/]*}/…`; segments may be empty. */
export function honoPath(template: string): string {
  return template.replaceAll(/\{([a-z-]+)\}/g, ':$1{[^/]*}')
}

/** The segments of `path` that stand where `template` has `{name}`, not decoded. */
export function pathParameters(template: string, path: string): ReadonlyMap<string, string> {
  const segments = path.split('/')
  return new Map(
    template
      .split('/')
      .map((part, index) => [part, segments[index] ?? ''] as const)
      .filter(([part]) => part.startsWith('{'))
      .map(([part, segment]) => [part.slice(1, -1), segment]),
  )
}

/**
 * Decodes one segment once. Java's clients form-encode paths, so their `+` is a space; everybody else's is a plus.
 * @throws CatalogError `bad-request` for what is not percent-encoded UTF-8
 */
export function decodeSegment(segment: string, plusIsSpace: boolean): string {
  try {
    return decodeURIComponent(plusIsSpace ? segment.replaceAll('+', ' ') : segment)
  } catch {
    throw badRequest('Invalid path: expected percent-encoded UTF-8')
  }
}

/**
 * A namespace in a path: levels joined by `%1F`, split before they are decoded so that nothing inside a level is taken
 * for a separator. @throws CatalogError `bad-request`
 */
export function decodeNamespace(segment: string, plusIsSpace: boolean): Namespace {
  return checkNamespace(segment.split(/%1F|\u001f/i).map((level) => decodeSegment(level, plusIsSpace)))
}

/**
 * A namespace in the query (`parent`): U+001F between levels, `''` is the root.
 * PyIceberg encodes each level and then the whole value again, so its levels arrive still encoded.
 */
export function decodeParent(value: string, encodedTwice: boolean): Namespace {
  if (value === '') return []
  const levels = value.split(encodedTwice ? /%1F|\u001f/i : LEVEL_SEPARATOR)
  return checkNamespace(encodedTwice ? levels.map((level) => decodeSegment(level, false)) : levels)
}
