import type { GrantAction } from '#domain/records'
import { badRequest } from '#domain/errors'
import type { Namespace } from '#domain/ident'
import type { Caller, CatalogDeps, Place, Vending } from '#catalog/deps'
import type { AssetType } from '#catalog/keys'
import type { LaneRequest } from '#catalog/lane-queue'
import type { TableState } from '#catalog/create-table'
import type { Json } from '#iceberg/json'
import type { ReadQuery, ReadResult } from '#store/store'
import type { Entry, MetadataAnswer } from '#versions/model'
import { decodeNamespace, decodeSegment, pathParameters } from './path.ts'

export type Method = 'GET' | 'HEAD' | 'POST' | 'DELETE'

/**
 * An object a request names: the catalog itself (no levels), a namespace, or a table or view in one. `type` is what the
 * route wants to find under the name, a table if it doesn't say; anything else there counts as missing.
 */
export interface Target {
  readonly namespace: Namespace
  readonly name?: string
  readonly type?: AssetType | 'any'
}

/**
 * What a caller needs: all of `actions` on the object called `on`. `filtered` listings are not refused as a whole;
 * their handler shows what the caller may see.
 */
export interface Need {
  readonly actions: readonly GrantAction[]
  readonly on: string
  readonly filtered?: boolean
}

/** A request before anything was read from the store. */
export interface Asked<Body> {
  readonly route: { readonly method: Method; readonly path: string }
  readonly parameters: ReadonlyMap<string, string>
  readonly query: URLSearchParams
  readonly headers: Headers
  readonly body: Body
  readonly bodyText: string
}

/** What a catalog route works with once the request was resolved and allowed. */
export interface CatalogContext<Body> extends Asked<Body> {
  readonly deps: CatalogDeps
  readonly vending: Vending | null
  readonly caller: Caller
  readonly place: Place
  readonly read: ReadResult
  readonly commit: (request: LaneRequest) => Promise<TableState>
  readonly purgeSoon: () => Promise<void>
  readonly log: (fields: Readonly<Record<string, unknown>>) => void
  target(name: string): Target
  /** The row of a target, or null if there is none. */
  entry(name: string): Entry | null
  /** Whether the caller may do all of `actions` to a target. */
  may(actions: readonly GrantAction[], on: string): boolean
  /** Whether the caller may do all of `actions` to everything in the tenant. */
  mayInTenant(actions: readonly GrantAction[]): boolean
  /** Whether the caller may see this row of a filtered listing of `on`. */
  sees(entry: Entry, on: string): boolean
}

interface RouteBase {
  readonly method: Method
  /** As the specification writes it: `/v1/{prefix}/namespaces/{namespace}`. */
  readonly path: string
}

/**
 * A route of a catalog. `authorize` says who may call it, `targets` which objects it names, `page` which listing it
 * reads; all that is fetched in one round trip together with the caller and his grants.
 */
export interface CatalogRoute<Body = unknown> extends RouteBase {
  readonly authorize: readonly Need[] | ((asked: Asked<Body>) => readonly Need[])
  readonly body?: (json: Json) => Body
  /** Where less than the limit of all bodies will do. */
  readonly bodyBytesMax?: number
  /** The catalog (and `@branch`), where it is not the path's `{prefix}`. */
  readonly catalog?: (asked: Asked<undefined>) => string
  readonly targets: (asked: Asked<Body>) => Readonly<Record<string, Target>>
  readonly page?: (asked: Asked<Body>) => ReadQuery['page']
  /** Refused on a tag, which is read-only. */
  readonly writes: boolean
  readonly handler: (context: CatalogContext<Body>) => Promise<Response>
  /** How an answer that consists of metadata is told again; for routes whose services answer with any. */
  readonly repeat?: Repeat
}

/** Tells an answer again. */
export type Repeat = (context: CatalogContext<unknown>, answer: MetadataAnswer, now: RepeatedNow) => Promise<Response>

/** What has become of the caller and the answer since it was first told. */
export interface RepeatedNow {
  /** Whether the caller may now do what the route does. */
  readonly isAllowed: boolean
  /** Whether a retry of then may be under way still: the credential is told as it was. */
  readonly isYoung: boolean
}

/** Reads the path parameters and query of a request. */
export function askedOf(route: RouteBase, path: string, query: URLSearchParams, headers: Headers): Asked<undefined> {
  return { route, parameters: pathParameters(route.path, path), query, headers, body: undefined, bodyText: '' }
}

/** One decoded path parameter. @throws CatalogError `bad-request` */
export function parameter(asked: Asked<unknown>, name: string): string {
  const raw = asked.parameters.get(name)
  if (raw === undefined) throw badRequest(`Invalid path: expected ${name}`)
  return decodeSegment(raw, plusIsSpace(asked.headers))
}

/** The `{namespace}` of the path. @throws CatalogError `bad-request` */
export function namespaceParameter(asked: Asked<unknown>): Namespace {
  return decodeNamespace(asked.parameters.get('namespace') ?? '', plusIsSpace(asked.headers))
}

/** Java's clients form-encode path segments and say who they are. */
function plusIsSpace(headers: Headers): boolean {
  return headers.get('x-client-version')?.startsWith('Apache Iceberg') ?? false
}
