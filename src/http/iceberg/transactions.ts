import { assetKey } from '#catalog/keys'
import { commitTransaction } from '#catalog/transaction'
import { badRequest, CatalogError } from '#domain/errors'
import { dotted, type TableIdentifier } from '#domain/ident'
import { createsTable, parseTableCommit, type TableCommit } from '#iceberg/commit'
import type { Json } from '#iceberg/json'
import { TRANSACTION_TABLES_MAX } from '#src/limits'
import { keyText } from '#versions/check-commit'
import { noContent } from '../respond.ts'
import type { Need, Target } from '../route.ts'
import { catalogRoute } from '../serve.ts'
import { field, identifier } from './fields.ts'
import { folderChoiceOf } from './write-tables.ts'

interface TableChange {
  readonly identifier: TableIdentifier
  readonly commit: TableCommit
}

/** Several tables in one step (REST specification, commitTransaction). Without any table there is nothing to do. */
export const commitTransactionRoute = catalogRoute({
  method: 'POST',
  path: '/v1/{prefix}/transactions/commit',
  authorize: ({ body }) => body.map(({ commit }, index) => needOf(commit, index)),
  body: tableChanges,
  targets: ({ body }) => Object.fromEntries([['catalog', { namespace: [] }], ...body.flatMap(targetsOf)]),
  writes: true,
  handler: async (context) => {
    const changes = context.body.map((change, index) => ({
      ...change,
      entry: context.entry(tableAt(index)),
      parent: context.entry(namespaceAt(index)),
    }))
    const { deps, caller, place } = context
    await commitTransaction(deps, caller, { place, changes, folderChoice: folderChoiceOf(context) })
    return noContent()
  },
})

function tableChanges(body: Json): readonly TableChange[] {
  const changes = field(body, 'table-changes')
  if (!Array.isArray(changes)) throw badRequest('Invalid table-changes: expected a list of commits')
  if (changes.length > TRANSACTION_TABLES_MAX)
    throw new CatalogError(
      'too-large',
      `Transaction too large: expected at most ${TRANSACTION_TABLES_MAX} tables, found ${changes.length}`,
    )
  const seen = new Set<string>()
  return changes.map((change: Json) => {
    const table = identifier(change, 'identifier')
    const key = keyText(assetKey(table))
    if (seen.has(key))
      throw badRequest(
        `Invalid table-changes: expected each table once, found ${dotted(table.namespace, table.name)} again`,
      )
    seen.add(key)
    return { identifier: table, commit: parseTableCommit(change) }
  })
}

/** Every change is authorized by itself, as the same commit to one table would be. */
function needOf(commit: TableCommit, index: number): Need {
  return createsTable(commit)
    ? { actions: ['create'], on: namespaceAt(index) }
    : { actions: ['read', 'update'], on: tableAt(index) }
}

function targetsOf({ identifier: table, commit }: TableChange, index: number): [string, Target][] {
  return [
    [namespaceAt(index), { namespace: table.namespace }],
    [tableAt(index), { ...table, type: createsTable(commit) ? 'any' : 'table' }],
  ]
}

function tableAt(index: number): string {
  return `table ${index}`
}

function namespaceAt(index: number): string {
  return `namespace ${index}`
}
