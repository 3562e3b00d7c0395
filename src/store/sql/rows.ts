import type { AuditEntry, PurgeJob } from '#store/store'
import type { Branch, CatalogTag, Entry, LogEntry } from '#versions/model'
import { jsonOf, type RowOf } from './columns.ts'
import type { Dialect } from './dialect.ts'

/** Rows into what the ports speak of. The casts state what only `commit` writes: its own JSON and its own words. */

/** An {@link Entry} as SQL makes one of a row: JSON text, which is all there is to reading it. */
export function entryJson(dialect: Dialect, alias: string): string {
  return jsonOf(dialect, 'entry', alias, [
    'class',
    'namespace',
    'name',
    'objectId',
    'kind',
    'metadataLocation',
    'locations',
    'properties',
    'summary',
    'branchId',
    'rev',
    'fromSeq',
    'toSeq',
  ])
}

export function entryOf(json: string): Entry {
  return JSON.parse(json) as Entry
}

/** A {@link Branch} as SQL makes one of a row. */
export function branchJson(dialect: Dialect, alias: string): string {
  return jsonOf(dialect, 'ref', alias, ['id', 'catalogId', 'name', 'state', 'headSeq', 'ancestors'])
}

export function branchOf(row: RowOf<'ref'>): Branch {
  return {
    id: row.id,
    catalogId: row.catalogId,
    name: row.name,
    state: row.state as Branch['state'],
    headSeq: row.headSeq,
    ancestors: JSON.parse(row.ancestors) as Branch['ancestors'],
  }
}

export function tagOf(row: RowOf<'ref'>): CatalogTag {
  return { id: row.id, catalogId: row.catalogId, name: row.name, at: { branchId: row.branchId, seq: row.seq } }
}

export function logEntryOf(row: RowOf<'log'>): LogEntry {
  return {
    branchId: row.branchId,
    seq: row.seq,
    at: row.at,
    ids: JSON.parse(row.ids) as LogEntry['ids'],
    records: JSON.parse(row.records) as LogEntry['records'],
    changes: JSON.parse(row.changes) as LogEntry['changes'],
  }
}

export function auditEntryOf(row: RowOf<'audit'>): AuditEntry {
  return {
    id: String(row.id),
    at: row.at,
    commitId: row.commitId,
    idempotencyKey: row.idempotencyKey,
    principalId: row.principalId,
    principalName: row.principalName,
    client: row.client,
    requestId: row.requestId,
    address: row.address,
    action: row.action,
    target: row.target,
    targetId: row.targetId,
    message: row.message,
    result: row.result as AuditEntry['result'],
  }
}

export function purgeJobOf(row: RowOf<'purge'>): PurgeJob {
  return {
    id: row.id,
    objectId: row.objectId,
    warehouseId: row.warehouseId,
    metadataLocation: row.metadataLocation,
    locations: JSON.parse(row.locations) as PurgeJob['locations'],
    cursor: row.cursor,
    createdAt: row.createdAt,
  }
}
