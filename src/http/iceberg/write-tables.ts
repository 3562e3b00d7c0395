import { dropAsset, renameAsset } from '#catalog/change-table'
import { commitNewTable, createTable, registerTable, type VendedTable } from '#catalog/create-table'
import { actorOf } from '#catalog/deps'
import { nameTaken, viewStands } from '#catalog/keys'
import type { FolderChoice } from '#catalog/locations'
import { replaceTable, unregisterTable } from '#catalog/registration'
import type { Vend } from '#catalog/vend'
import { badRequest, CatalogError } from '#domain/errors'
import { checkName, dotted, type TableIdentifier } from '#domain/ident'
import { createsTable, parseTableCommit, type TableCommit } from '#iceberg/commit'
import { parseCreateRequest } from '#iceberg/create'
import { NAMES_BODY_BYTES_MAX } from '#src/limits'
import type { Entry } from '#versions/model'
import { noContent } from '../respond.ts'
import { namespaceParameter, type CatalogContext } from '../route.ts'
import { catalogRoute } from '../serve.ts'
import { COMMIT_ANSWER, tableEtag } from './etag.ts'
import { flag, identifier, text } from './fields.ts'
import { accessOf, credentialFor, loadResult, pointed } from './load-result.ts'
import { foundNamespace } from './namespaces.ts'
import { foundTable, onTable, TABLE, tableParameter, TABLES } from './read-tables.ts'
import { repeatCommit, repeatLoad, repeatUnregistered } from './replay.ts'

export const createTableRoute = catalogRoute({
  method: 'POST',
  path: TABLES,
  authorize: [{ actions: ['create'], on: 'namespace' }],
  body: (body) => {
    const request = parseCreateRequest(body)
    return { ...request, name: checkName(request.name, 'table name') }
  },
  targets: (asked) => newTable(namespaceParameter(asked), asked.body.name),
  writes: true,
  handler: async (context) => {
    const created = await createTable(context.deps, context.caller, {
      ...creation(context),
      request: context.body,
      vend: vendingIn(context),
    })
    const etag = await tableEtag(context, created, 'read-write', { credential: created.credential !== null })
    return loadResult(context, named(context), created, created.credential, etag)
  },
  repeat: repeatLoad,
})

export const registerTableRoute = catalogRoute({
  method: 'POST',
  path: '/v1/{prefix}/namespaces/{namespace}/register',
  // What lies in the warehouse is told by registering it, so that takes more than a namespace of one's own.
  authorize: [
    { actions: ['create'], on: 'namespace' },
    { actions: ['write'], on: 'catalog' },
  ],
  bodyBytesMax: NAMES_BODY_BYTES_MAX,
  body: (body) => ({
    name: checkName(text(body, 'name'), 'table name'),
    metadataLocation: text(body, 'metadata-location'),
    overwrite: flag(body, 'overwrite'),
  }),
  targets: (asked) => newTable(namespaceParameter(asked), asked.body.name),
  writes: true,
  handler: async (context) => {
    const { overwrite, metadataLocation } = context.body
    const existing = overwrite ? context.entry('table') : null
    const registered =
      existing?.kind === 'table'
        ? await overwriteTable(context, existing, metadataLocation)
        : await registerTable(context.deps, context.caller, {
            ...creation(context),
            metadataLocation,
            vend: vendingIn(context),
          })
    const etag = await tableEtag(context, registered, 'read-write', { credential: registered.credential !== null })
    return loadResult(context, named(context), registered, registered.credential, etag)
  },
  repeat: repeatLoad,
})

export const unregisterTableRoute = catalogRoute({
  method: 'POST',
  path: `${TABLE}/unregister`,
  authorize: [{ actions: ['read', 'delete'], on: 'table' }],
  targets: onTable,
  writes: true,
  handler: async (context) => {
    const { deps, caller, place } = context
    const entry = foundTable(context)
    return pointed(await unregisterTable(deps, caller, { place, identifier: tableParameter(context), entry }), null)
  },
  repeat: repeatUnregistered,
})

export const commitTableRoute = catalogRoute({
  method: 'POST',
  path: TABLE,
  authorize: ({ body }) =>
    createsTable(body) ? [{ actions: ['create'], on: 'namespace' }] : [{ actions: ['read', 'update'], on: 'table' }],
  body: parseTableCommit,
  targets: (asked) =>
    createsTable(asked.body) ? newTable(namespaceParameter(asked), tableParameter(asked).name) : onTable(asked),
  writes: true,
  handler: async (context) => {
    const done = createsTable(context.body) ? await commitCreation(context) : await commitChange(context)
    return pointed(done, await tableEtag(context, done, accessOf(context, 'table'), COMMIT_ANSWER))
  },
  repeat: repeatCommit,
})

export const dropTableRoute = catalogRoute({
  method: 'DELETE',
  path: TABLE,
  authorize: [{ actions: ['delete'], on: 'table' }],
  targets: onTable,
  writes: true,
  handler: async (context) => {
    const purge = context.query.get('purgeRequested')?.toLowerCase() ?? 'false'
    if (purge !== 'true' && purge !== 'false')
      throw badRequest(`Invalid purgeRequested: expected true or false, found ${JSON.stringify(purge.slice(0, 20))}`)
    // Woken before the commit, the runner finds the job even if this request ends right after it.
    if (purge === 'true') await context.purgeSoon()
    await dropAsset(context.deps, context.caller, {
      place: context.place,
      identifier: tableParameter(context),
      entry: foundTable(context),
      purge: purge === 'true',
    })
    return noContent()
  },
})

export const renameTableRoute = catalogRoute({
  method: 'POST',
  path: '/v1/{prefix}/tables/rename',
  authorize: [
    { actions: ['create'], on: 'destinationNamespace' },
    { actions: ['read', 'update', 'delete'], on: 'source' },
  ],
  bodyBytesMax: NAMES_BODY_BYTES_MAX,
  body: (body) => ({ source: identifier(body, 'source'), destination: identifier(body, 'destination') }),
  targets: ({ body: { source, destination } }) => ({
    source,
    destination,
    destinationNamespace: { namespace: destination.namespace },
  }),
  writes: true,
  handler: async (context) => {
    const { source, destination } = context.body
    const entry = context.entry('source')
    if (!entry)
      throw new CatalogError('no-such-table', `Table does not exist: ${dotted(source.namespace, source.name)}`)
    const parent = foundNamespace(context, 'destinationNamespace')
    await renameAsset(context.deps, context.caller, { place: context.place, source, destination, parent, entry })
    return noContent()
  },
})

/** The targets of whatever makes a table: under its name there may be a view. */
function newTable(namespace: readonly string[], name: string) {
  return { catalog: { namespace: [] }, namespace: { namespace }, table: { namespace, name, type: 'any' as const } }
}

/** What every way of creating a table needs; a name that is taken is refused before anything is written. */
function creation(context: CatalogContext<{ readonly name: string }>) {
  const identifierOf = { namespace: namespaceParameter(context), name: context.body.name }
  const taken = context.entry('table')
  if (taken) throw nameTaken('table', identifierOf, taken.kind)
  const parent = foundNamespace(context)
  return { place: context.place, parent, identifier: identifierOf, folderChoice: folderChoiceOf(context) }
}

/** Registers over an existing table, which is as much as changing and dropping it. */
function overwriteTable(
  context: CatalogContext<{ readonly name: string }>,
  entry: Entry,
  metadataLocation: string,
): Promise<VendedTable> {
  const { deps, caller, place, body } = context
  const identifierOf = { namespace: namespaceParameter(context), name: body.name }
  if (!context.may(['update', 'delete'], 'table'))
    throw new CatalogError(
      'forbidden',
      `Not allowed: update, delete on ${dotted(identifierOf.namespace, identifierOf.name)} needs a grant`,
    )
  return replaceTable(deps, caller, {
    place,
    identifier: identifierOf,
    entry,
    metadataLocation,
    folderChoice: folderChoiceOf(context),
    vend: vendingIn(context),
  })
}

/** The table of a request whose body gives its name. */
function named(context: CatalogContext<{ readonly name: string }>): TableIdentifier {
  return { namespace: namespaceParameter(context), name: context.body.name }
}

/** Makes the credential of a table that is about to be its maker's own. */
function vendingIn(context: CatalogContext<{ readonly name: string }>): Vend {
  return (locations) => credentialFor(context, named(context), locations, 'read-write')
}

/** Where a table lies decides what its credential opens, so choosing that takes rights beyond the table's own. */
export function folderChoiceOf(context: CatalogContext<unknown>): FolderChoice {
  if (context.mayInTenant(['all'])) return 'any'
  return context.may(['write'], 'catalog') ? 'unused' : 'default'
}

function commitCreation(context: CatalogContext<TableCommit>) {
  const taken = context.entry('table')
  if (taken?.kind === 'view') throw viewStands(tableParameter(context))
  if (taken) throw new CatalogError('commit-failed', 'Requirement failed: table already exists')
  return commitNewTable(context.deps, context.caller, {
    place: context.place,
    parent: foundNamespace(context),
    identifier: tableParameter(context),
    folderChoice: folderChoiceOf(context),
    commit: context.body,
  })
}

function commitChange(context: CatalogContext<TableCommit>) {
  const { storage, clientLocations } = context.place.warehouse
  return context.commit({
    branchId: context.place.branch.id,
    storage,
    ...(clientLocations ? { clientLocations } : {}),
    identifier: tableParameter(context),
    entry: foundTable(context),
    body: context.bodyText,
    actor: actorOf(context.caller),
    folderChoice: folderChoiceOf(context),
  })
}
