import { commitTable, parseTableCommit, type CommitResult } from '#iceberg/commit'
import { parseRequest, writeJson, type Json, type JsonObject } from '#iceberg/json'
import { readTableMetadata, type TableMetadata } from '#iceberg/metadata'
import { fixture, type Fixture } from './fixtures.ts'

export const UUID = '99999999-2222-4333-8444-555555555555'

/** A little after the fixtures were written. */
export const NOW_MS = 1_900_000_000_000

export const BASE_LOCATION = 's3://lake/wh/t/metadata/00004-x.metadata.json'

export function read(name: Fixture): TableMetadata {
  return readTableMetadata(fixture(name))
}

/** Commits updates, and requirements if there are any, as a client would send them. */
export function commit(
  metadata: TableMetadata | null,
  updates: readonly Json[],
  requirements: readonly Json[] = [],
): CommitResult {
  return commitTable({
    base: metadata && { metadata, location: BASE_LOCATION },
    commit: parseTableCommit(parseRequest(writeJson({ requirements, updates }), 200)),
    nowMs: NOW_MS,
    newUuid: () => UUID,
  })
}

/** The metadata after updates that must have an effect. */
export function applied(metadata: TableMetadata, ...updates: readonly Json[]): TableMetadata {
  const result = commit(metadata, updates)
  if (result.result !== 'changed') throw new Error(JSON.stringify(result))
  return result.metadata
}

/** A snapshot as an engine adds it. */
export function snapshot(id: number, more: JsonObject = {}): JsonObject {
  return {
    'snapshot-id': id,
    'sequence-number': 10 + id,
    'timestamp-ms': NOW_MS - 1000 + id,
    'manifest-list': `s3://lake/wh/t/metadata/snap-${id}.avro`,
    summary: { operation: 'append' },
    ...more,
  }
}

export function add(id: number, more: JsonObject = {}): JsonObject {
  return { action: 'add-snapshot', snapshot: snapshot(id, more) }
}

export function setRef(name: string, id: Json, more: JsonObject = {}): JsonObject {
  return { action: 'set-snapshot-ref', 'ref-name': name, type: 'branch', 'snapshot-id': id, ...more }
}
