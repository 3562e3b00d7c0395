import { noSuchView } from '#catalog/keys'
import { loadView, type ViewState } from '#catalog/views'
import { checkName, type TableIdentifier } from '#domain/ident'
import type { Entry } from '#versions/model'
import { jsonText, noContent } from '../respond.ts'
import { namespaceParameter, parameter, type Asked, type CatalogContext, type Target } from '../route.ts'
import { catalogRoute } from '../serve.ts'
import { assetsRoute } from './list-assets.ts'

export const VIEWS = '/v1/{prefix}/namespaces/{namespace}/views'
export const VIEW = `${VIEWS}/{view}`

export const listViews = assetsRoute(VIEWS, 'view')

export const loadViewRoute = catalogRoute({
  method: 'GET',
  path: VIEW,
  authorize: [{ actions: ['read'], on: 'view' }],
  targets: onView,
  writes: false,
  handler: async (context) => viewResult(await loadView(context.deps, context.place, foundView(context))),
})

export const viewExists = catalogRoute({
  method: 'HEAD',
  path: VIEW,
  authorize: [{ actions: ['list'], on: 'view' }],
  targets: onView,
  writes: false,
  handler: async () => noContent(),
})

/** LoadViewResult: the stored metadata is spliced in as text. A view has no data files, so there is nothing to vend. */
export function viewResult({ metadataLocation, metadata }: ViewState): Response {
  return jsonText(`{"metadata-location":${JSON.stringify(metadataLocation)},"metadata":${metadata},"config":{}}`)
}

/** The one view a route names. */
export function onView(asked: Asked<unknown>): { catalog: Target; namespace: Target; view: Target } {
  const { namespace, name } = viewParameter(asked)
  return { catalog: { namespace: [] }, namespace: { namespace }, view: { namespace, name, type: 'view' } }
}

/** The view of the path. @throws CatalogError `bad-request` */
export function viewParameter(asked: Asked<unknown>): TableIdentifier {
  return { namespace: namespaceParameter(asked), name: checkName(parameter(asked, 'view'), 'view name') }
}

/** The row of the route's view; authorization has seen it. @throws CatalogError `no-such-view` */
export function foundView(context: CatalogContext<unknown>): Entry {
  const entry = context.entry('view')
  if (!entry) throw noSuchView(viewParameter(context))
  return entry
}
