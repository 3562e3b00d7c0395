import { currentSnapshotId, type TableMetadata } from './metadata.ts'

/** What listings show of a table. The snapshot id is decimal text: it has 63 bits. */
export interface TableSummary {
  readonly tableUuid?: string
  readonly formatVersion: number
  readonly currentSnapshotId?: string
  readonly currentSchemaId: number
}

export function summaryOf(metadata: TableMetadata): TableSummary {
  const uuid = metadata['table-uuid']
  const snapshotId = currentSnapshotId(metadata)
  return {
    ...(uuid === undefined ? {} : { tableUuid: uuid }),
    formatVersion: metadata['format-version'],
    ...(snapshotId === undefined ? {} : { currentSnapshotId: snapshotId }),
    currentSchemaId: metadata['current-schema-id'],
  }
}
