import type { AuditEntry, PurgeJob } from '#store/store'
import type { Branch, CatalogTag, Entry, LogEntry } from '#versions/model'
import type { RowOf } from './columns.ts'

/** Rows into what the ports speak of. The casts state what only `commit` writes: its own JSON and its own words. */

export function entryOf(row: RowOf<'entry'>): Entry {
  return {
    class: row.class as Entry['class'],
    namespace: row.namespace,
    name: row.name,
    objectId: row.objectId,
    kind: row.kind as Entry['kind'],
    metadataLocation: row.metadataLocation,
    locations: JSON.parse(row.locations) as Entry['locations'],
    properties: JSON.parse(row.properties) as Entry['properties'],
    summary: JSON.parse(row.summary) as Entry['summary'],
    branchId: row.branchId,
    rev: row.rev,
    fromSeq: row.fromSeq,
    toSeq: row.toSeq,
  }
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
