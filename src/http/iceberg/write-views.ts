import { dropAsset, renameAsset } from '#catalog/change-table'
import { nameTaken, noSuchView } from '#catalog/keys'
import { createView, registerView, replaceView } from '#catalog/views'
import { checkName, type Namespace } from '#domain/ident'
import { parseViewCommit } from '#iceberg/view-commit'
import { parseCreateViewRequest } from '#iceberg/view-create'
import { NAMES_BODY_BYTES_MAX } from '#src/limits'
import { noContent } from '../respond.ts'
import { namespaceParameter, type CatalogContext, type Target } from '../route.ts'
import { catalogRoute } from '../serve.ts'
import { identifier, text } from './fields.ts'
import { foundView, onView, VIEW, viewParameter, viewResult, VIEWS } from './read-views.ts'
import { repeatView } from './replay.ts'
import { folderChoiceOf } from './write-tables.ts'

export const createViewRoute = catalogRoute({
  method: 'POST',
  path: VIEWS,
  authorize: [{ actions: ['create'], on: 'namespace' }],
  body: (body) => {
    const request = parseCreateViewRequest(body)
    return { ...request, name: checkName(request.name, 'view name') }
  },
  targets: (asked) => newView(namespaceParameter(asked), asked.body.name),
  writes: true,
  handler: async (context) =>
    viewResult(await createView(context.deps, context.caller, { ...creation(context), request: context.body })),
  repeat: repeatView,
})

export const registerViewRoute = catalogRoute({
  method: 'POST',
  path: '/v1/{prefix}/namespaces/{namespace}/register-view',
  // What lies in the warehouse is told by registering it, so that takes more than a namespace of one's own.
  authorize: [
    { actions: ['create'], on: 'namespace' },
    { actions: ['write'], on: 'catalog' },
  ],
  bodyBytesMax: NAMES_BODY_BYTES_MAX,
  body: (body) => ({
    name: checkName(text(body, 'name'), 'view name'),
    metadataLocation: text(body, 'metadata-location'),
  }),
  targets: (asked) => newView(namespaceParameter(asked), asked.body.name),
  writes: true,
  handler: async (context) => {
    const { metadataLocation } = context.body
    return viewResult(await registerView(context.deps, context.caller, { ...creation(context), metadataLocation }))
  },
  repeat: repeatView,
})

export const replaceViewRoute = catalogRoute({
  method: 'POST',
  path: VIEW,
  authorize: [{ actions: ['read', 'update'], on: 'view' }],
  body: parseViewCommit,
  targets: onView,
  writes: true,
  handler: async (context) =>
    viewResult(
      await replaceView(context.deps, context.caller, {
        place: context.place,
        identifier: viewParameter(context),
        folderChoice: folderChoiceOf(context),
        entry: foundView(context),
        commit: context.body,
      }),
    ),
  repeat: repeatView,
})

/** Its metadata files stay: branches, tags and whoever registers it again may need them. */
export const dropViewRoute = catalogRoute({
  method: 'DELETE',
  path: VIEW,
  authorize: [{ actions: ['delete'], on: 'view' }],
  targets: onView,
  writes: true,
  handler: async (context) => {
    const { deps, caller, place } = context
    await dropAsset(deps, caller, {
      place,
      identifier: viewParameter(context),
      entry: foundView(context),
      purge: false,
    })
    return noContent()
  },
})

export const renameViewRoute = catalogRoute({
  method: 'POST',
  path: '/v1/{prefix}/views/rename',
  authorize: [
    { actions: ['create'], on: 'destinationNamespace' },
    { actions: ['read', 'update', 'delete'], on: 'source' },
  ],
  bodyBytesMax: NAMES_BODY_BYTES_MAX,
  body: (body) => ({
    source: identifier(body, 'source', 'view'),
    destination: identifier(body, 'destination', 'view'),
  }),
  targets: ({ body: { source, destination } }) => ({
    source: { ...source, type: 'view' },
    destinationNamespace: { namespace: destination.namespace },
  }),
  writes: true,
  handler: async (context) => {
    const { source, destination } = context.body
    const entry = context.entry('source')
    if (!entry) throw noSuchView(source)
    await renameAsset(context.deps, context.caller, { place: context.place, source, destination, entry })
    return noContent()
  },
})

/** The targets of whatever makes a view: under its name there may be a table. */
function newView(namespace: Namespace, name: string): { catalog: Target; namespace: Target; view: Target } {
  return { catalog: { namespace: [] }, namespace: { namespace }, view: { namespace, name, type: 'any' } }
}

/** What every way of creating a view needs; a name that is taken is refused before anything is written. */
function creation(context: CatalogContext<{ readonly name: string }>) {
  const asked = { namespace: namespaceParameter(context), name: context.body.name }
  const taken = context.entry('view')
  if (taken) throw nameTaken('view', asked, taken.kind)
  return { place: context.place, identifier: asked, folderChoice: folderChoiceOf(context) }
}
