import { batchRows } from '#catalog/list'
import type { AssetType } from '#catalog/keys'
import { namespaceLevels, namespacePath } from '#domain/ident'
import { pageRequest, pageToken } from '../page.ts'
import { json } from '../respond.ts'
import { namespaceParameter } from '../route.ts'
import { catalogRoute } from '../serve.ts'
import { listed, listName } from './namespaces.ts'

/** Lists the tables or the views of a namespace that the caller may know of (REST specification, listTables, listViews). */
export function assetsRoute(path: string, kind: AssetType) {
  return catalogRoute({
    method: 'GET',
    path,
    authorize: [{ actions: ['list'], on: 'namespace', filtered: true }],
    targets: (asked) => ({ namespace: { namespace: namespaceParameter(asked) } }),
    page: (asked) => {
      const { after, limit } = pageRequest(asked.query, listName(asked))
      return {
        class: 'asset',
        kind,
        namespace: namespacePath(namespaceParameter(asked)),
        limit: batchRows(limit),
        ...(after === undefined ? {} : { after }),
      }
    },
    writes: false,
    handler: async (context) => {
      const { entries, next } = await listed(context, 'namespace', kind)
      return json({
        identifiers: entries.map(({ namespace, name }) => ({ namespace: namespaceLevels(namespace), name })),
        'next-page-token': next === undefined ? null : pageToken(next, listName(context), context.place.catalog.id),
      })
    },
  })
}
