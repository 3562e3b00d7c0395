/** A namespace of {@link rowsOf} and its tables `t1`, `t2` …, all of them current on `main`. */
export const CROWDED = 'crowded'
export const CROWD = 100_000

/** Rows as a table of numbers `n` from 1 to `count`: what FROM takes. */
export type Numbers = (count: number) => string

/** A row for each number, whose columns are the expressions, in their order. */
function insert(table: string, numbers: Numbers, count: number, columns: string): string {
  return `INSERT INTO ${table} SELECT ${columns} FROM ${numbers(count)}`
}

/**
 * Statements that give a tenant a large catalog: {@link CROWD} tables in one namespace, some with a history, more in other
 * namespaces and on other branches, and as many entries in the log, the audit and wherever else something is for each commit.
 */
export function rowsOf(tenantId: string, numbers: Numbers): string[] {
  const main = `(SELECT b.id FROM ref b WHERE b.tenant_id = '${tenantId}' AND b.name = 'main')`
  const into = (table: string, count: number, columns: string): string =>
    insert(table, numbers, count, `'${tenantId}', ${columns}`)
  const table = `'table', 0, 's3://lake/many/' || n || '/m.json', '["s3://lake/many/' || n || '/"]', '{}', '{}', 0`
  return [
    into('entry', CROWD, `${main}, 'asset', '${CROWDED}', 't' || n, 0, 9007199254740991, 'r' || n, 'o' || n, ${table}`),
    into('entry', 20_000, `${main}, 'asset', '${CROWDED}', 't' || n % 5000, -n, 1 - n, 'r', 'o' || n % 5000, ${table}`),
    into('entry', 20_000, `${main}, 'asset', 'n' || n % 500, 't' || n, 0, 9007199254740991, 'r', 'p' || n, ${table}`),
    into('entry', 20_000, `'b' || n % 50, 'asset', 'n', 't' || n, 0, 9007199254740991, 'r', 'q' || n, ${table}`),
    into('folder', CROWD, `'s3://lake/many/' || n || '/', 'o' || n`),
    into('commit_id', CROWD, `'i' || n, 'committed', n`),
    into('log', CROWD, `${main}, -n, '', '[]', '[]', '[]'`),
    into('audit', CROWD, `1000000 + n, '', '', NULL, '', '', NULL, '', NULL, '', '', NULL, '', ''`),
    into('idempotency', 20_000, `'k' || n, 'f', '{}', CAST(n AS TEXT)`),
    into('record', 20_000, `'grant', 'g' || n, NULL, 'u' || n % 1000, '{}'`),
    into('metrics_report', 5000, `n, 'o' || n % 100, n, '', '', '', NULL, '{}'`),
    into('ref', 500, `'b' || n, 'c', 'b' || n, 'branch', 'open', 'b' || n, 9007199254740991, 0, '[]', ''`),
    into('purge', 500, `'p' || n, 'x' || n, 'w', '', '[]', 'pending', NULL, CAST(n AS TEXT)`),
    into('purge_folder', 500, `'s3://lake/gone/' || n || '/', 'p' || n, 'x' || n`),
  ]
}

/** Statements that put the rows of twenty other tenants beside. */
export function rowsOfOthers(numbers: Numbers): string[] {
  const into = (table: string, count: number, columns: string): string =>
    insert(table, numbers, count, `'other ' || n % 20, ${columns}`)
  const table = `'table', 0, 's3://lake/' || n || '/m.json', '["s3://lake/' || n || '/"]', '{}', '{}', 0`
  return [
    into('entry', CROWD, `'b' || n % 500, 'asset', 'a', 't' || n, 0, 9007199254740991, 'r', 'o' || n, ${table}`),
    into('folder', CROWD, `'s3://lake/' || n || '/', 'o' || n`),
    into('record', 20_000, `'grant', 'g' || n, NULL, 'u' || n % 1000, '{}'`),
    into('record', 5000, `'warehouse', 'w' || n, 'w' || n, NULL, '{"storage":{"bucket":"b' || n || '","prefix":""}}'`),
    into('ref', 10_000, `'b' || n, 'c', 'b' || n, 'branch', 'open', 'b' || n, 9007199254740991, 0, '[]', ''`),
    into('purge', 10_000, `'p' || n, 'x' || n, 'w', '', '[]', 'pending', NULL, CAST(n AS TEXT)`),
    into('purge_folder', 10_000, `'s3://lake/gone/' || n || '/', 'p' || n, 'x' || n`),
    into('metrics_report', 20_000, `n, 'o' || n % 100, n, '', '', '', NULL, '{}'`),
    into('idempotency', 20_000, `'k' || n, 'f', '{}', CAST(n AS TEXT)`),
  ]
}
