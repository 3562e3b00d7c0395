import { noSuchTable } from '#catalog/keys'
import { keepReport } from '#catalog/metrics'
import { pointerOf, readLatest, stateOf } from '#catalog/row-metadata'
import { badRequest } from '#domain/errors'
import { checkName, type TableIdentifier } from '#domain/ident'
import { readTableMetadata, writeTableMetadata } from '#iceberg/metadata'
import { onlyReferencedSnapshots } from '#iceberg/refs-view'
import { METRICS_REPORT_BYTES_MAX } from '#src/limits'
import type { Entry } from '#versions/model'
import { json, noContent, notModified } from '../respond.ts'
import { namespaceParameter, parameter, type Asked, type CatalogContext, type Target } from '../route.ts'
import { catalogRoute } from '../serve.ts'
import { etagHeader, isMatch, tableEtag } from './etag.ts'
import { text } from './fields.ts'
import { assetsRoute } from './list-assets.ts'
import { accessOf, credentialFor, loadResult, takesCredential } from './load-result.ts'

export const TABLES = '/v1/{prefix}/namespaces/{namespace}/tables'
export const TABLE = `${TABLES}/{table}`

export const listTables = assetsRoute(TABLES, 'table')

export const loadTable = catalogRoute({
  method: 'GET',
  path: TABLE,
  authorize: [{ actions: ['read'], on: 'table' }],
  targets: onTable,
  writes: false,
  handler: async (context) => {
    const snapshots = context.query.get('snapshots')?.toLowerCase() ?? 'all'
    if (snapshots !== 'all' && snapshots !== 'refs')
      throw badRequest(`Invalid snapshots: expected 'all' or 'refs', found ${JSON.stringify(snapshots.slice(0, 20))}`)
    const access = accessOf(context, 'table')
    const seen = foundTable(context)
    const carries = { credential: takesCredential(context), snapshots } as const
    const etag = await tableEtag(context, pointerOf(seen), access, carries)
    if (isMatch(context.headers.get('if-none-match'), etag, carries)) return notModified(etagHeader(etag))
    const table = tableParameter(context)
    const { branch, seq, warehouse } = context.place
    const place = { at: { branchId: branch.id, seq }, storage: warehouse.storage, identifier: table }
    const stored = stateOf(await readLatest(context.deps, place, seen))
    const metadata =
      snapshots === 'all'
        ? stored.metadata
        : writeTableMetadata(onlyReferencedSnapshots(readTableMetadata(stored.metadata)))
    const credential = await credentialFor(context, table, stored.locations, access)
    const loaded = await tableEtag(context, stored, access, carries)
    return loadResult(context, table, { ...stored, metadata }, credential, loaded)
  },
})

export const tableExists = catalogRoute({
  method: 'HEAD',
  path: TABLE,
  authorize: [{ actions: ['list'], on: 'table' }],
  targets: onTable,
  writes: false,
  handler: async () => noContent(),
})

export const loadCredentials = catalogRoute({
  method: 'GET',
  path: `${TABLE}/credentials`,
  authorize: [{ actions: ['read'], on: 'table' }],
  targets: onTable,
  writes: false,
  handler: async (context) => {
    const { locations } = foundTable(context)
    const credential = await credentialFor(context, tableParameter(context), locations, accessOf(context, 'table'))
    return json({ 'storage-credentials': credential ? [{ ...credential }] : [] })
  },
})

/**
 * Scan and commit reports of engines (REST specification, reportMetrics), kept in their own words for an administrator.
 * Engines report beside their work and ignore the answer, so one that could not be kept is lost without an error.
 */
export const reportMetrics = catalogRoute({
  method: 'POST',
  path: `${TABLE}/metrics`,
  authorize: [{ actions: ['read'], on: 'table' }],
  bodyBytesMax: METRICS_REPORT_BYTES_MAX,
  body: (body) => ({ type: text(body, 'report-type') }),
  targets: onTable,
  writes: false,
  handler: async (context) => {
    const { deps, caller, body, bodyText, log } = context
    const { objectId } = foundTable(context)
    log({ report: body.type.slice(0, 100) })
    await keepReport(deps, caller, { objectId, report: bodyText }).catch((error: unknown) =>
      log({ reportLost: error instanceof Error ? error.message : 'the store did not take it' }),
    )
    return noContent()
  },
})

/** The one table a route names. */
export function onTable(asked: Asked<unknown>): { catalog: Target; namespace: Target; table: Target } {
  const { namespace, name } = tableParameter(asked)
  return { catalog: { namespace: [] }, namespace: { namespace }, table: { namespace, name } }
}

/**
 * The table of the path. In the empty namespace there is none: Java's client looks there for `t` when an engine asks for
 * `t.files`, and wants to hear no more than that.
 * @throws CatalogError `bad-request`, `no-such-table`
 */
export function tableParameter(asked: Asked<unknown>): TableIdentifier {
  const name = checkName(parameter(asked, 'table'), 'table name')
  if (asked.parameters.get('namespace') === '') throw noSuchTable({ namespace: [], name })
  return { namespace: namespaceParameter(asked), name }
}

/** The row of the route's table; authorization has seen it. @throws CatalogError `no-such-table` */
export function foundTable(context: CatalogContext<unknown>): Entry {
  const entry = context.entry('table')
  if (!entry) throw noSuchTable(tableParameter(context))
  return entry
}
