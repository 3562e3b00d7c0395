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

/** Per route, and per case of it where that makes a difference. The branch has more than 1,000 tables. */
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
