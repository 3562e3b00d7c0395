import { dropTable, renameTable } from '#catalog/change-table'
import { commitNewTable, createTable, registerTable } from '#catalog/create-table'
import { actorOf } from '#catalog/deps'
import { tableExists } from '#catalog/keys'
import type { FolderChoice } from '#catalog/locations'
import { badRequest, CatalogError } from '#domain/errors'
import { checkName, dotted } from '#domain/ident'
import { parseTableCommit, type TableCommit } from '#iceberg/commit'
import { parseCreateRequest } from '#iceberg/create'
import { jsonText, noContent } from '../respond.ts'
import { namespaceParameter, type CatalogContext } from '../route.ts'
import { catalogRoute } from '../serve.ts'
import { flag, identifier, text } from './fields.ts'
import { loadResult } from './load-result.ts'
import { foundTable, onTable, TABLE, tableParameter, TABLES } from './read-tables.ts'

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
    })
    return loadResult(context, created, 'read-write')
  },
})

export const registerTableRoute = catalogRoute({
  method: 'POST',
  path: '/v1/{prefix}/namespaces/{namespace}/register',
  // What lies in the warehouse is told by registering it, so that takes more than a namespace of one's own.
  authorize: [
    { actions: ['create'], on: 'namespace' },
    { actions: ['write'], on: 'catalog' },
  ],
  body: (body) => ({
    name: checkName(text(body, 'name'), 'table name'),
    metadataLocation: text(body, 'metadata-location'),
    overwrite: flag(body, 'overwrite'),
  }),
  targets: (asked) => newTable(namespaceParameter(asked), asked.body.name),
  writes: true,
  handler: async (context) => {
    const { overwrite, metadataLocation } = context.body
    if (overwrite) throw badRequest('Invalid overwrite: replacing a registered table is not offered; drop it first')
    const registered = await registerTable(context.deps, context.caller, { ...creation(context), metadataLocation })
    return loadResult(context, registered, 'read-write')
  },
})

export const commitTableRoute = catalogRoute({
  method: 'POST',
  path: TABLE,
  authorize: ({ body }) =>
    creates(body) ? [{ actions: ['create'], on: 'namespace' }] : [{ actions: ['read', 'update'], on: 'table' }],
  body: parseTableCommit,
  targets: onTable,
  writes: true,
  handler: async (context) => {
    const done = creates(context.body) ? await commitCreation(context) : await commitChange(context)
    return jsonText(`{"metadata-location":${JSON.stringify(done.metadataLocation)},"metadata":${done.metadata}}`)
  },
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
    await dropTable(context.deps, context.caller, {
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
    await renameTable(context.deps, context.caller, { place: context.place, source, destination, entry })
    return noContent()
  },
})

function newTable(namespace: readonly string[], name: string) {
  return { catalog: { namespace: [] }, namespace: { namespace }, table: { namespace, name } }
}

/** What every way of creating a table needs; a name that is taken is refused before anything is written. */
function creation(context: CatalogContext<{ readonly name: string }>) {
  const identifierOf = { namespace: namespaceParameter(context), name: context.body.name }
  if (context.entry('table')) throw tableExists(identifierOf)
  return { place: context.place, identifier: identifierOf, folderChoice: folderChoiceOf(context) }
}

/** Where a table lies decides what its credential opens, so choosing that takes rights beyond the table's own. */
function folderChoiceOf(context: CatalogContext<unknown>): FolderChoice {
  if (context.mayInTenant(['all'])) return 'any'
  return context.may(['write'], 'catalog') ? 'unused' : 'default'
}

function creates(commit: TableCommit): boolean {
  return commit.requirements.some(({ type }) => type === 'assert-create')
}

function commitCreation(context: CatalogContext<TableCommit>) {
  if (context.entry('table')) throw new CatalogError('commit-failed', 'Requirement failed: table already exists')
  return commitNewTable(context.deps, context.caller, {
    place: context.place,
    identifier: tableParameter(context),
    folderChoice: folderChoiceOf(context),
    commit: context.body,
  })
}

function commitChange(context: CatalogContext<TableCommit>) {
  return context.commit({
    branchId: context.place.branch.id,
    storage: context.place.warehouse.storage,
    identifier: tableParameter(context),
    entry: foundTable(context),
    body: context.bodyText,
    actor: actorOf(context.caller),
    folderChoice: folderChoiceOf(context),
  })
}
