import { createNamespace, dropNamespace, updateProperties } from '#catalog/namespaces'
import { batchRows, collect, type Listed } from '#catalog/list'
import { noSuchNamespace } from '#catalog/keys'
import { CatalogError } from '#domain/errors'
import { checkNamespace, namespaceLevels, namespacePath, type Namespace } from '#domain/ident'
import { pageRequest, pageToken } from '../page.ts'
import { decodeParent } from '../path.ts'
import { json, noContent } from '../respond.ts'
import { namespaceParameter, type Asked, type CatalogContext } from '../route.ts'
import { catalogRoute } from '../serve.ts'
import type { Entry } from '#versions/model'
import { PROPERTIES_BODY_BYTES_MAX } from '#src/limits'
import { field, properties, strings } from './fields.ts'

const NAMESPACE = '/v1/{prefix}/namespaces/{namespace}'
const onNamespace = (asked: Asked<unknown>) => ({ namespace: { namespace: namespaceParameter(asked) } })

export const listNamespaces = catalogRoute({
  method: 'GET',
  path: '/v1/{prefix}/namespaces',
  authorize: [{ actions: ['list'], on: 'parent', filtered: true }],
  targets: (asked) => ({ parent: { namespace: parentOf(asked) } }),
  page: (asked) => {
    const { after, limit } = pageRequest(asked.query, listName(asked))
    return {
      class: 'namespace',
      kind: 'namespace',
      namespace: namespacePath(parentOf(asked)),
      limit: batchRows(limit),
      ...(after === undefined ? {} : { after }),
    }
  },
  writes: false,
  handler: async (context) => {
    const { entries, next } = await listed(context, 'parent', 'namespace')
    return json({
      namespaces: entries.map(({ namespace, name }) => [...namespaceLevels(namespace), name]),
      'next-page-token': next === undefined ? null : pageToken(next, listName(context), context.place.catalog.id),
    })
  },
})

export const createNamespaceRoute = catalogRoute({
  method: 'POST',
  path: '/v1/{prefix}/namespaces',
  authorize: [{ actions: ['create'], on: 'parent' }],
  bodyBytesMax: PROPERTIES_BODY_BYTES_MAX,
  body: (body) => ({ namespace: checkNamespace(field(body, 'namespace')), properties: properties(body, 'properties') }),
  targets: ({ body }) => ({ parent: { namespace: body.namespace.slice(0, -1) } }),
  writes: true,
  handler: async ({ deps, caller, place, body }) => {
    await createNamespace(deps, caller, { place, ...body })
    return json({ namespace: body.namespace, properties: body.properties })
  },
})

export const loadNamespace = catalogRoute({
  method: 'GET',
  path: NAMESPACE,
  authorize: [{ actions: ['read'], on: 'namespace' }],
  targets: onNamespace,
  writes: false,
  handler: async (context) => {
    const { properties: stored } = found(context)
    return json({ namespace: context.target('namespace').namespace, properties: stored })
  },
})

export const namespaceExists = catalogRoute({
  method: 'HEAD',
  path: NAMESPACE,
  authorize: [{ actions: ['list'], on: 'namespace' }],
  targets: onNamespace,
  writes: false,
  handler: async () => noContent(),
})

export const dropNamespaceRoute = catalogRoute({
  method: 'DELETE',
  path: NAMESPACE,
  authorize: [{ actions: ['delete'], on: 'namespace' }],
  targets: onNamespace,
  writes: true,
  handler: async (context) => {
    const { namespace } = context.target('namespace')
    await dropNamespace(context.deps, context.caller, { place: context.place, namespace, entry: found(context) })
    return noContent()
  },
})

export const updateNamespaceProperties = catalogRoute({
  method: 'POST',
  path: `${NAMESPACE}/properties`,
  authorize: [{ actions: ['update'], on: 'namespace' }],
  bodyBytesMax: PROPERTIES_BODY_BYTES_MAX,
  body: (body) => {
    const updates = properties(body, 'updates')
    const removals = strings(body, 'removals')
    const both = removals.filter((key) => Object.hasOwn(updates, key))
    if (both.length > 0)
      throw new CatalogError(
        'unprocessable',
        `Invalid namespace update, cannot simultaneously set and remove keys: ${both.join(', ')}`,
      )
    return { updates, removals }
  },
  targets: onNamespace,
  writes: true,
  handler: async (context) => {
    const { namespace } = context.target('namespace')
    const { updated, removed, missing } = await updateProperties(context.deps, context.caller, {
      place: context.place,
      namespace,
      entry: found(context),
      ...context.body,
    })
    return json({ updated, removed, missing })
  },
})

/** The entries of a listing that the caller may see; a namespace in which he may see nothing looks missing. */
export async function listed(context: CatalogContext<unknown>, on: string, kind: Entry['kind']): Promise<Listed> {
  const { namespace } = context.target(on)
  const all = context.may(['list'], on)
  const page = {
    class: kind === 'namespace' ? ('namespace' as const) : ('asset' as const),
    kind,
    namespace: namespacePath(namespace),
  }
  const { limit } = pageRequest(context.query, listName(context), context.place.catalog.id)
  const visible = all ? null : (entry: Entry): boolean => context.sees(entry, on)
  const first = context.read.page ?? { entries: [] }
  const result = await collect(context.deps, { place: context.place, page, limit, visible }, first)
  const mayKnow = all || namespace.length === 0 || result.entries.length > 0
  if (!mayKnow) throw noSuchNamespace(namespace)
  return result
}

/** What a page token is bound to: the catalog as addressed, and the listing itself. */
export function listName(asked: Asked<unknown>): string[] {
  return [asked.route.path, ...asked.parameters.values(), asked.query.get('parent') ?? '']
}

function parentOf(asked: Asked<unknown>): Namespace {
  const isPyIceberg = asked.headers.get('x-client-version')?.startsWith('PyIceberg') ?? false
  return decodeParent(asked.query.get('parent') ?? '', isPyIceberg)
}

function found(context: CatalogContext<unknown>): Entry {
  const entry = context.entry('namespace')
  if (!entry) throw noSuchNamespace(context.target('namespace').namespace)
  return entry
}
