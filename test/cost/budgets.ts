import type { Count } from './counted.ts'

/** What a request may cost. Rows are upper bounds, because D1 counts index rows, too; everything else is exact. */
export type Budget = readonly [
  store: number,
  statements: number,
  rowsRead: number,
  rowsWritten: number,
  gets: number,
  puts: number,
  deletes: number,
  durableObjects: number,
]

/**
 * On D1, and round trips (`store`), objects and Durable Objects also on Postgres: per route, and per case of it where that
 * makes a difference. The branch has more than 1,000 tables.
 */
export const BUDGETS = {
  'GET /v1/config': [1, 1, 10, 0, 0, 0, 0, 0],
  'POST /v1/{prefix}/namespaces': [2, 10, 40, 12, 0, 0, 0, 0],
  'POST /v1/{prefix}/namespaces (nested)': [2, 11, 70, 12, 0, 0, 0, 0],
  'GET /v1/{prefix}/namespaces': [1, 3, 30, 0, 0, 0, 0, 0],
  'GET /v1/{prefix}/namespaces/{namespace}': [1, 1, 20, 0, 0, 0, 0, 0],
  'HEAD /v1/{prefix}/namespaces/{namespace}': [1, 1, 20, 0, 0, 0, 0, 0],
  'POST /v1/{prefix}/namespaces/{namespace}/properties': [2, 10, 60, 14, 0, 0, 0, 0],
  'DELETE /v1/{prefix}/namespaces/{namespace}': [2, 11, 80, 9, 0, 0, 0, 0],
  'POST /v1/{prefix}/namespaces/{namespace}/tables': [2, 13, 80, 14, 0, 1, 0, 0],
  'POST /v1/{prefix}/namespaces/{namespace}/tables (staged)': [1, 1, 20, 0, 0, 0, 0, 0],
  'GET /v1/{prefix}/namespaces/{namespace}/tables (2)': [1, 3, 40, 0, 0, 0, 0, 0],
  'GET /v1/{prefix}/namespaces/{namespace}/tables (1000)': [1, 3, 1040, 0, 0, 0, 0, 0],
  'GET /v1/{prefix}/namespaces/{namespace}/tables (100 of 1000)': [1, 3, 140, 0, 0, 0, 0, 0],
  'GET /v1/{prefix}/namespaces/{namespace}/tables/{table} (first time)': [1, 1, 30, 0, 1, 0, 0, 0],
  'GET /v1/{prefix}/namespaces/{namespace}/tables/{table}': [1, 1, 30, 0, 0, 0, 0, 0],
  'GET /v1/{prefix}/namespaces/{namespace}/tables/{table} (refs)': [1, 1, 30, 0, 0, 0, 0, 0],
  'HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}': [1, 1, 30, 0, 0, 0, 0, 0],
  'GET /v1/{prefix}/namespaces/{namespace}/tables/{table}/credentials': [1, 1, 30, 0, 0, 0, 0, 0],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/sign': [1, 1, 30, 0, 0, 0, 0, 0],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/sign (staged)': [2, 2, 40, 0, 0, 0, 0, 0],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/metrics': [2, 4, 40, 3, 0, 0, 0, 0],
  'GET /api/v1/catalogs/{prefix}/namespaces/{namespace}/tables/{table}/metrics': [2, 2, 32, 0, 0, 0, 0, 0],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table} (create)': [2, 13, 80, 14, 0, 1, 0, 0],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table} (cold lane)': [2, 12, 90, 15, 1, 1, 0, 1],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}': [2, 12, 90, 15, 0, 1, 0, 1],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table} (deletes old metadata)': [3, 13, 110, 18, 0, 1, 1, 1],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table} (nothing changed)': [1, 1, 30, 0, 0, 0, 0, 1],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table} (refused)': [1, 1, 30, 0, 0, 0, 0, 1],
  'POST /v1/{prefix}/tables/rename': [2, 13, 120, 15, 0, 0, 0, 0],
  'DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table}': [2, 10, 60, 9, 0, 0, 0, 0],
  'DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table} (purge)': [2, 12, 70, 13, 0, 0, 0, 1],
  'POST /v1/{prefix}/namespaces/{namespace}/views': [2, 13, 90, 14, 0, 1, 0, 0],
  'GET /v1/{prefix}/namespaces/{namespace}/views': [1, 3, 40, 0, 0, 0, 0, 0],
  'GET /v1/{prefix}/namespaces/{namespace}/views/{view}': [1, 1, 30, 0, 0, 0, 0, 0],
  'HEAD /v1/{prefix}/namespaces/{namespace}/views/{view}': [1, 1, 30, 0, 0, 0, 0, 0],
  'POST /v1/{prefix}/namespaces/{namespace}/views/{view}': [2, 12, 90, 15, 0, 1, 0, 0],
  'POST /v1/{prefix}/views/rename': [2, 13, 120, 15, 0, 0, 0, 0],
  'DELETE /v1/{prefix}/namespaces/{namespace}/views/{view}': [2, 10, 60, 9, 0, 0, 0, 0],
  'POST /v1/{prefix}/namespaces/{namespace}/register-view': [2, 13, 110, 14, 1, 0, 0, 0],
  'GET /v1/{prefix}/namespaces/{namespace}/tables/{table} (not modified)': [1, 1, 30, 0, 0, 0, 0, 0],
  'POST /v1/{prefix}/transactions/commit': [2, 12, 600, 130, 10, 10, 0, 0],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/unregister': [2, 10, 70, 9, 0, 0, 0, 0],
  'POST /v1/{prefix}/namespaces/{namespace}/tables (with a key)': [2, 15, 85, 16, 0, 1, 0, 0],
  'POST /v1/{prefix}/namespaces/{namespace}/tables (sent again)': [1, 1, 30, 0, 0, 0, 0, 0],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table} (with a key)': [2, 14, 95, 17, 0, 1, 0, 1],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table} (sent again)': [1, 1, 30, 0, 0, 0, 0, 0],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table} (nothing changed, with a key)': [2, 4, 40, 2, 0, 0, 0, 1],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table} (refused, with a key)': [2, 4, 40, 2, 0, 0, 0, 1],
  'POST /v1/{prefix}/namespaces/{namespace}/register (overwrite)': [2, 13, 100, 15, 1, 0, 0, 0],
  'POST /v1/{prefix}/namespaces/{namespace}/register': [2, 13, 110, 14, 1, 0, 0, 0],
} as const satisfies Record<string, Budget>

export type RouteName = keyof typeof BUDGETS

/**
 * On Postgres, exactly. Round trips, objects and Durable Objects are those of {@link BUDGETS}. A statement more than on
 * D1, which runs one batch at a time, is a lock: of the folders that a commit takes (`insertFolders` behind it sees what
 * others took), of the reports of a tenant, of files that a purge gives up and a registration or an overwrite shows. Rows
 * are those that the statements answer or write, without the rows of indexes.
 */
export const POSTGRES: Record<RouteName, readonly [statements: number, rowsAnswered: number, rowsWritten: number]> = {
  'GET /v1/config': [1, 2, 0],
  'POST /v1/{prefix}/namespaces': [10, 3, 6],
  'POST /v1/{prefix}/namespaces (nested)': [11, 4, 6],
  'GET /v1/{prefix}/namespaces': [3, 7, 0],
  'GET /v1/{prefix}/namespaces/{namespace}': [1, 3, 0],
  'HEAD /v1/{prefix}/namespaces/{namespace}': [1, 3, 0],
  'POST /v1/{prefix}/namespaces/{namespace}/properties': [10, 4, 7],
  'DELETE /v1/{prefix}/namespaces/{namespace}': [11, 5, 6],
  'POST /v1/{prefix}/namespaces/{namespace}/tables': [14, 5, 7],
  'POST /v1/{prefix}/namespaces/{namespace}/tables (staged)': [1, 3, 0],
  'GET /v1/{prefix}/namespaces/{namespace}/tables (2)': [3, 6, 0],
  'GET /v1/{prefix}/namespaces/{namespace}/tables (1000)': [3, 1004, 0],
  'GET /v1/{prefix}/namespaces/{namespace}/tables (100 of 1000)': [3, 105, 0],
  'GET /v1/{prefix}/namespaces/{namespace}/tables/{table} (first time)': [1, 4, 0],
  'GET /v1/{prefix}/namespaces/{namespace}/tables/{table}': [1, 4, 0],
  'GET /v1/{prefix}/namespaces/{namespace}/tables/{table} (refs)': [1, 4, 0],
  'HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}': [1, 4, 0],
  'GET /v1/{prefix}/namespaces/{namespace}/tables/{table}/credentials': [1, 4, 0],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/sign': [1, 4, 0],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/sign (staged)': [2, 4, 0],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/metrics': [5, 5, 1],
  'GET /api/v1/catalogs/{prefix}/namespaces/{namespace}/tables/{table}/metrics': [2, 5, 0],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table} (create)': [14, 5, 7],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table} (cold lane)': [13, 5, 7],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}': [13, 5, 7],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table} (deletes old metadata)': [15, 7, 8],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table} (nothing changed)': [1, 4, 0],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table} (refused)': [1, 4, 0],
  'POST /v1/{prefix}/tables/rename': [14, 7, 7],
  'DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table}': [10, 5, 6],
  'DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table} (purge)': [13, 6, 8],
  'POST /v1/{prefix}/namespaces/{namespace}/views': [14, 5, 7],
  'GET /v1/{prefix}/namespaces/{namespace}/views': [3, 5, 0],
  'GET /v1/{prefix}/namespaces/{namespace}/views/{view}': [1, 4, 0],
  'HEAD /v1/{prefix}/namespaces/{namespace}/views/{view}': [1, 4, 0],
  'POST /v1/{prefix}/namespaces/{namespace}/views/{view}': [13, 5, 7],
  'POST /v1/{prefix}/views/rename': [14, 6, 7],
  'DELETE /v1/{prefix}/namespaces/{namespace}/views/{view}': [10, 5, 6],
  'POST /v1/{prefix}/namespaces/{namespace}/register-view': [14, 5, 7],
  'GET /v1/{prefix}/namespaces/{namespace}/tables/{table} (not modified)': [1, 4, 0],
  'POST /v1/{prefix}/transactions/commit': [13, 23, 52],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/unregister': [10, 5, 6],
  'POST /v1/{prefix}/namespaces/{namespace}/tables (with a key)': [16, 5, 8],
  'POST /v1/{prefix}/namespaces/{namespace}/tables (sent again)': [1, 5, 0],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table} (with a key)': [15, 5, 8],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table} (sent again)': [1, 5, 0],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table} (nothing changed, with a key)': [4, 6, 1],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table} (refused, with a key)': [4, 6, 1],
  'POST /v1/{prefix}/namespaces/{namespace}/register (overwrite)': [15, 6, 7],
  'POST /v1/{prefix}/namespaces/{namespace}/register': [15, 6, 7],
}

/**
 * On MongoDB, exactly, by an isolate that has served the tenant before and where nobody else has written since. `rounds`
 * are requests one after the other: what the distance to the server is multiplied by. Others go along with them.
 *
 * A read is one round: the end of the log, the documents by id and the user's grants, together. A page is two, since of
 * documents that a filter leaves out only the log tells what they were, so its end is read after the page. A commit is
 * three, and can't be fewer: a read for the answer, one that the commit is decided by, and the insertion into the log
 * right after the last entry that was seen. What is more:
 * - four where a table or view has folders from before: the open branches are asked for, and the log's end after them;
 * - five where a namespace must be empty, of which two pages tell;
 * - seven where a folder is given to a table that another one had: who had it, and who shows that, is one after the other;
 * - four for a key's answer of a refusal: it is an act of its own, which looks for old answers to sweep away, too;
 * - four for a report: its number, its insertion, and which ones are too many.
 */
export const MONGO: Record<
  RouteName,
  readonly [rounds: number, requests: number, documentsRead: number, documentsWritten: number]
> = {
  'GET /v1/config': [1, 3, 6, 0],
  'POST /v1/{prefix}/namespaces': [3, 7, 8, 1],
  'POST /v1/{prefix}/namespaces (nested)': [3, 7, 8, 1],
  'GET /v1/{prefix}/namespaces': [2, 5, 9, 0],
  'GET /v1/{prefix}/namespaces/{namespace}': [1, 3, 6, 0],
  'HEAD /v1/{prefix}/namespaces/{namespace}': [1, 3, 6, 0],
  'POST /v1/{prefix}/namespaces/{namespace}/properties': [3, 7, 8, 1],
  'DELETE /v1/{prefix}/namespaces/{namespace}': [5, 11, 8, 1],
  'POST /v1/{prefix}/namespaces/{namespace}/tables': [3, 11, 10, 1],
  'POST /v1/{prefix}/namespaces/{namespace}/tables (staged)': [1, 3, 7, 0],
  'GET /v1/{prefix}/namespaces/{namespace}/tables (2)': [2, 5, 7, 0],
  'GET /v1/{prefix}/namespaces/{namespace}/tables (1000)': [2, 5, 1007, 0],
  'GET /v1/{prefix}/namespaces/{namespace}/tables (100 of 1000)': [2, 5, 109, 0],
  'GET /v1/{prefix}/namespaces/{namespace}/tables/{table} (first time)': [1, 3, 8, 0],
  'GET /v1/{prefix}/namespaces/{namespace}/tables/{table}': [1, 3, 8, 0],
  'GET /v1/{prefix}/namespaces/{namespace}/tables/{table} (refs)': [1, 3, 8, 0],
  'HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}': [1, 3, 8, 0],
  'GET /v1/{prefix}/namespaces/{namespace}/tables/{table}/credentials': [1, 3, 8, 0],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/sign': [1, 3, 8, 0],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/sign (staged)': [2, 6, 7, 0],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/metrics': [4, 6, 9, 1],
  'GET /api/v1/catalogs/{prefix}/namespaces/{namespace}/tables/{table}/metrics': [2, 4, 9, 0],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table} (create)': [3, 11, 10, 1],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table} (cold lane)': [4, 15, 17, 1],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}': [4, 15, 17, 1],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table} (deletes old metadata)': [9, 25, 22, 2],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table} (nothing changed)': [1, 3, 8, 0],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table} (refused)': [1, 3, 8, 0],
  'POST /v1/{prefix}/tables/rename': [4, 15, 18, 1],
  'DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table}': [3, 7, 11, 1],
  'DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table} (purge)': [3, 7, 11, 1],
  'POST /v1/{prefix}/namespaces/{namespace}/views': [3, 11, 10, 1],
  'GET /v1/{prefix}/namespaces/{namespace}/views': [2, 5, 8, 0],
  'GET /v1/{prefix}/namespaces/{namespace}/views/{view}': [1, 3, 8, 0],
  'HEAD /v1/{prefix}/namespaces/{namespace}/views/{view}': [1, 3, 8, 0],
  'POST /v1/{prefix}/namespaces/{namespace}/views/{view}': [4, 15, 17, 1],
  'POST /v1/{prefix}/views/rename': [4, 15, 17, 1],
  'DELETE /v1/{prefix}/namespaces/{namespace}/views/{view}': [3, 7, 9, 1],
  'POST /v1/{prefix}/namespaces/{namespace}/register-view': [3, 11, 10, 1],
  'GET /v1/{prefix}/namespaces/{namespace}/tables/{table} (not modified)': [1, 3, 8, 0],
  'POST /v1/{prefix}/transactions/commit': [4, 33, 80, 1],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/unregister': [3, 7, 11, 1],
  'POST /v1/{prefix}/namespaces/{namespace}/tables (with a key)': [4, 13, 10, 1],
  'POST /v1/{prefix}/namespaces/{namespace}/tables (sent again)': [1, 3, 7, 0],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table} (with a key)': [4, 17, 17, 1],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table} (sent again)': [1, 3, 8, 0],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table} (nothing changed, with a key)': [4, 8, 8, 1],
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table} (refused, with a key)': [4, 8, 8, 1],
  'POST /v1/{prefix}/namespaces/{namespace}/register (overwrite)': [4, 15, 17, 1],
  'POST /v1/{prefix}/namespaces/{namespace}/register': [7, 16, 14, 1],
}

/**
 * By an isolate that has never served the tenant, once each: four rounds more. First the watermark, behind which the log's
 * end is; then a name leads to a catalog, the catalog to its branch, and only with the branch's id can entries be named.
 * What was found is remembered as a guess that is fetched along and checked, so the next request is one of {@link MONGO}.
 */
export const MONGO_COLD = {
  load: [5, 7, 9, 0],
  list: [6, 9, 17, 0],
  commit: [8, 19, 18, 1],
} as const satisfies Record<string, (typeof MONGO)[RouteName]>

/** Where a cost and its budget differ, as sentences; empty when it keeps to it. */
export function overruns(count: Count, budget: Budget): string[] {
  const [store, statements, rowsRead, rowsWritten, gets, puts, deletes, durableObjects] = budget
  const exact = { store, statements, gets, puts, deletes, durableObjects, storeFailures: 0, fetches: 0 }
  const most = { rowsRead, rowsWritten }
  return [
    ...differing(count, exact, (found, expected) => found === expected, 'exactly'),
    ...differing(count, most, (found, expected) => found <= expected, 'at most'),
  ]
}

function differing(
  count: Count,
  expected: Partial<Count>,
  holds: (found: number, expected: number) => boolean,
  words: string,
): string[] {
  return (Object.entries(expected) as [keyof Count, number][])
    .filter(([key, value]) => !holds(count[key], value))
    .map(([key, value]) => `${key}: expected ${words} ${value}, found ${count[key]}`)
}
