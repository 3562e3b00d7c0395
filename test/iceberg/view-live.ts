import { readFileSync } from 'node:fs'
import path from 'node:path'
import { parseRequest, writeJson, type Json, type JsonObject } from '#iceberg/json'
import { commitView, parseViewCommit, type ViewCommitResult } from '#iceberg/view-commit'
import { newViewMetadata, parseCreateViewRequest } from '#iceberg/view-create'
import { readViewMetadata, type ViewMetadata } from '#iceberg/view-metadata'

export const VIEW_UUID = '6f9d4a52-5ac2-44d5-9bd5-0d1a5e7f0c11'

/** A little after the fixture was written. */
export const NOW_MS = 1_900_000_000_000

/** Metadata of a view that PyIceberg wrote: `fixtures/generate.py`. */
export function viewFixture(): string {
  return readFileSync(path.join(import.meta.dirname, 'fixtures', 'view.metadata.json'), 'utf8')
}

export function viewSchema(...names: readonly string[]): JsonObject {
  return {
    type: 'struct',
    'schema-id': 7,
    fields: names.map((name, index) => ({ id: index + 3, name, required: false, type: 'long' })),
  }
}

/** A version as a client sends it, with one query per dialect. */
export function viewVersion(sql: string, dialects: readonly string[], more: JsonObject = {}): JsonObject {
  return {
    'version-id': 1,
    'schema-id': -1,
    'timestamp-ms': NOW_MS - 500,
    summary: { 'engine-name': 'spark' },
    representations: dialects.map((dialect) => ({ type: 'sql', sql, dialect })),
    'default-namespace': ['ns'],
    ...more,
  }
}

/** A new view with one column and one query. */
export function newView(properties: JsonObject = {}): ViewMetadata {
  const body = { name: 'v', schema: viewSchema('id'), 'view-version': viewVersion('select 1', ['spark']), properties }
  const request = parseCreateViewRequest(parseRequest(writeJson(body), 200))
  return newViewMetadata({ ...request, location: 's3://lake/wh/v', uuid: VIEW_UUID, nowMs: NOW_MS - 1000 })
}

/** Commits updates as a client would send them. */
export function commit(
  base: ViewMetadata,
  updates: readonly Json[],
  requirements: readonly Json[] = [],
): ViewCommitResult {
  return commitView(base, parseViewCommit(parseRequest(writeJson({ requirements, updates }), 200)), NOW_MS)
}

/** The view after updates that must have an effect; read back, as the next request would. */
export function applied(base: ViewMetadata, ...updates: readonly Json[]): ViewMetadata {
  const result = commit(base, updates)
  if (result.result !== 'changed') throw new Error(JSON.stringify(result))
  return readViewMetadata(JSON.stringify(result.metadata))
}

/** What Java's clients send to replace a view. */
export function replacement(sql: string, dialects: readonly string[], more: JsonObject = {}): readonly Json[] {
  return [
    { action: 'add-schema', schema: viewSchema('id') },
    { action: 'add-view-version', 'view-version': viewVersion(sql, dialects, more) },
    { action: 'set-current-view-version', 'view-version-id': -1 },
  ]
}
