import type { ServedRoute } from '../serve.ts'
import { configRoute } from './config.ts'
import * as namespaces from './namespaces.ts'
import * as read from './read-tables.ts'
import * as readViews from './read-views.ts'
import { signRoute } from './sign.ts'
import { commitTransactionRoute } from './transactions.ts'
import * as write from './write-tables.ts'
import * as writeViews from './write-views.ts'

/** Every catalog route under `/v1/{prefix}`: what is listed here is served, and advertised, and nothing else is. */
const served: readonly ServedRoute[] = [
  namespaces.listNamespaces,
  namespaces.createNamespaceRoute,
  namespaces.loadNamespace,
  namespaces.namespaceExists,
  namespaces.dropNamespaceRoute,
  namespaces.updateNamespaceProperties,
  read.listTables,
  write.createTableRoute,
  read.loadTable,
  read.tableExists,
  write.commitTableRoute,
  write.dropTableRoute,
  write.renameTableRoute,
  write.registerTableRoute,
  write.unregisterTableRoute,
  commitTransactionRoute,
  readViews.listViews,
  writeViews.createViewRoute,
  readViews.loadViewRoute,
  readViews.viewExists,
  writeViews.replaceViewRoute,
  writeViews.dropViewRoute,
  writeViews.renameViewRoute,
  writeViews.registerViewRoute,
  read.reportMetrics,
  read.loadCredentials,
  signRoute,
]

export const icebergRoutes: readonly ServedRoute[] = [configRoute(served), ...served]
