import { idOf } from './json.ts'
import type { TableMetadata } from './metadata.ts'

/**
 * The metadata as `snapshots=refs` shows it: only snapshots that a branch or tag points to, with their statistics.
 * Everything else is as it was, logs included; this is a view, not a change.
 */
export function onlyReferencedSnapshots(metadata: TableMetadata): TableMetadata {
  const referenced = new Set(Object.values(metadata.refs).map((ref) => idOf(ref['snapshot-id'])))
  const isShown = (item: { readonly 'snapshot-id': unknown }): boolean => referenced.has(idOf(item['snapshot-id']))
  const dropped = new Set(metadata.snapshots.filter((item) => !isShown(item)).map((item) => idOf(item['snapshot-id'])))
  return {
    ...metadata,
    snapshots: metadata.snapshots.filter(isShown),
    statistics: metadata.statistics.filter((item) => !dropped.has(idOf(item['snapshot-id']))),
    'partition-statistics': metadata['partition-statistics'].filter((item) => !dropped.has(idOf(item['snapshot-id']))),
  }
}
