import { base64url } from 'jose'
import { badRequest } from '#domain/errors'
import { PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX } from '#src/limits'

/** What a listing was asked for. `limit` null: everything in one answer, because the client sent no `pageToken`. */
export interface PageRequest {
  readonly after?: string
  readonly limit: number | null
}

/**
 * Reads `pageToken` and `pageSize`. Without `pageToken` the specification wants everything in one page; an empty one
 * opens paging. A token holds the last name of the page before and belongs to one listing, named by `list`, of one catalog:
 * of several tenants' catalogs of one name, too. `catalogId` is not compared as long as it is not known.
 * @throws CatalogError `bad-request` for a token of another listing, or one we did not make, or a size below 1
 */
export function pageRequest(query: URLSearchParams, list: readonly string[], catalogId?: string): PageRequest {
  const size = pageSize(query.get('pageSize'))
  const token = query.get('pageToken')
  if (token === null) return { limit: null }
  return token === '' ? { limit: size } : { limit: size, after: readToken(token, list, catalogId) }
}

export function pageToken(after: string, list: readonly string[], catalogId: string): string {
  return base64url.encode(JSON.stringify([...list, catalogId, after]))
}

function readToken(token: string, list: readonly string[], catalogId: string | undefined): string {
  try {
    const parts: unknown = JSON.parse(
      new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(base64url.decode(token)),
    )
    const expected = catalogId === undefined ? list : [...list, catalogId]
    if (Array.isArray(parts) && parts.length === list.length + 2 && expected.every((part, i) => part === parts[i])) {
      const after: unknown = parts.at(-1)
      if (typeof after === 'string') return after
    }
  } catch {
    // Not a token at all: the same answer as for one of another listing.
  }
  throw badRequest('Invalid pageToken: it was not made by this listing; start again without one')
}

function pageSize(text: string | null): number {
  if (text === null || text === '') return PAGE_SIZE_DEFAULT
  if (!/^[0-9]{1,9}$/.test(text) || Number(text) < 1)
    throw badRequest(`Invalid pageSize: expected a whole number from 1, found ${JSON.stringify(text.slice(0, 20))}`)
  return Math.min(Number(text), PAGE_SIZE_MAX)
}
