import type { Vending } from '#catalog/deps'
import { noSuchTable } from '#catalog/keys'
import { badRequest, CatalogError } from '#domain/errors'
import { isObject, type Json } from '#iceberg/json'
import { SIGNED_REQUEST_BYTES_MAX } from '#src/limits'
import { OPEN_SEQ } from '#versions/model'
import { json } from '../respond.ts'
import type { Asked, CatalogContext, Target } from '../route.ts'
import { catalogRoute } from '../serve.ts'
import { signRequest, type Opened, type SignRequest } from '../signing/sign.ts'
import type { SentHeaders } from '../signing/headers.ts'
import { field, text } from './fields.ts'
import { accessOf } from './load-result.ts'
import { foundTable, onTable, TABLE, tableParameter } from './read-tables.ts'
import { stagedLocations } from './staged.ts'

/**
 * Signs one request of a client that gets no credential (REST specification, signRequest). Clients before 1.11 are told
 * this very path as their signer's endpoint, so that every request names its table.
 */
export const signRoute = catalogRoute({
  method: 'POST',
  path: `${TABLE}/sign`,
  authorize: ({ query }) =>
    query.has('staged') ? [{ actions: ['create'], on: 'namespace' }] : [{ actions: ['read'], on: 'table' }],
  bodyBytesMax: SIGNED_REQUEST_BYTES_MAX,
  body: signRequestIn,
  targets: onTableAndName,
  writes: false,
  handler: async (context) => {
    const { vending, deps, body, log } = context
    if (!vending) throw new CatalogError('unavailable', 'This deployment has no access key to sign with')
    const { uri, headers, action } = await signRequest(vending, await openedTo(context, vending), body, deps.now())
    log({ signed: action })
    const lists = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]))
    // Java's clients look for exactly these words, and send a request that may be cached again for 30 seconds.
    return json({ uri, headers: lists }, { 'Cache-Control': isRead(body.method) ? 'private' : 'no-cache' })
  },
})

/** @throws CatalogError `no-such-table` unless there is a table that the caller may read, or one staged for him */
async function openedTo(context: CatalogContext<unknown>, vending: Vending): Promise<Opened> {
  const { storage } = context.place.warehouse
  const table = tableParameter(context)
  const ticket = context.query.get('staged')
  if (context.entry('table') && context.may(['read'], 'table'))
    return { storage, locations: foundTable(context).locations, access: accessOf(context, 'table') }
  const isFree = ticket !== null && context.entry('name') === null && context.place.seq === OPEN_SEQ
  const locations = isFree ? await stagedLocations(context, vending, table, ticket) : null
  if (!locations || (await context.deps.tenant.purges.stillNamed(locations))) throw noSuchTable(table)
  return { storage, locations, access: 'read-write' }
}

/** The table of the path, and whatever else may stand under its name. */
function onTableAndName(asked: Asked<unknown>): Readonly<Record<string, Target>> {
  return { ...onTable(asked), name: { ...tableParameter(asked), type: 'any' } }
}

function isRead(method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}

function signRequestIn(body: Json): SignRequest {
  const provider = field(body, 'provider') ?? 's3'
  if (provider !== 's3') throw badRequest("Invalid provider: expected 's3'")
  const content = field(body, 'body') ?? null
  if (content !== null && (typeof content !== 'string' || !content.isWellFormed()))
    throw badRequest('Invalid body: expected the text of a request')
  return {
    method: text(body, 'method').toUpperCase(),
    uri: text(body, 'uri'),
    headers: headersIn(field(body, 'headers') ?? {}),
    body: content === '' ? null : content,
  }
}

/** @throws CatalogError `bad-request` for what cannot be sent as HTTP headers */
function headersIn(map: Json): SentHeaders {
  if (!isObject(map)) throw badRequest('Invalid headers: expected an object of lists of strings')
  const headers = new Map<string, readonly string[]>()
  for (const [name, values] of Object.entries(map)) {
    const key = name.toLowerCase()
    if (!Array.isArray(values) || !values.every((value) => typeof value === 'string'))
      throw badRequest('Invalid headers: expected an object of lists of strings')
    if (
      !/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(name) ||
      headers.has(key) ||
      values.some((value) => !/^[\t -~]*$/.test(value))
    )
      throw badRequest('Invalid headers: expected names and values of HTTP headers, each name once')
    headers.set(key, values)
  }
  return headers
}
