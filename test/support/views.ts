import { SIMPLE_SCHEMA } from './catalog.ts'

/** The body of a create, with one query per dialect. */
export function viewRequest(name: string, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    name,
    schema: { ...SIMPLE_SCHEMA, 'schema-id': 0 },
    'view-version': versionOf('select 1', ['spark']),
    properties: {},
    ...more,
  }
}

/** A version as clients send it. */
export function versionOf(sql: string, dialects: readonly string[]): Record<string, unknown> {
  return {
    'version-id': 1,
    'schema-id': 0,
    'timestamp-ms': 1_700_000_000_000,
    summary: { 'engine-name': 'spark' },
    representations: dialects.map((dialect) => ({ type: 'sql', sql, dialect })),
    'default-namespace': ['ns'],
  }
}

/** The body of a replacement. */
export function replaceRequest(sql: string, dialects: readonly string[] = ['spark'], uuid?: string): object {
  return {
    requirements: uuid === undefined ? [] : [{ type: 'assert-view-uuid', uuid }],
    updates: [
      { action: 'add-view-version', 'view-version': versionOf(sql, dialects) },
      { action: 'set-current-view-version', 'view-version-id': -1 },
    ],
  }
}
