import { badRequest } from '#domain/errors'
import { chosenItem } from './choice.ts'
import type { Draft } from './draft.ts'
import { idOf, jsonOf, type JsonObject } from './json.ts'
import { withLegacyFields, type TableMetadata } from './metadata.ts'
import { checkSpecNames, checkSpecSources } from './partition-spec.ts'
import type { MetadataLogEntry, SnapshotLogEntry } from './snapshots.ts'
import { checkSortSources } from './sort-order.ts'

/** Readers refuse logs that run backwards by more than this; clocks of clients differ. */
const CLOCK_TOLERANCE_MS = 60_000

const PREVIOUS_VERSIONS_DEFAULT = 100

/**
 * The metadata a draft has become. `baseLocation` is the file of the base, which goes into the metadata log; null for a
 * base that has none.
 * @throws CatalogError `bad-request` if the result as a whole is not valid
 */
export function finish(draft: Draft, baseLocation: string | null): TableMetadata {
  const { location, uuid, formatVersion } = draft
  if (location === undefined) throw badRequest('Cannot create a table without a location')
  if (uuid === undefined) throw badRequest('Cannot write a table without a uuid')
  if (isPairedAnew(draft)) checkSpecNames(chosenItem(draft.specs), chosenItem(draft.schemas))
  checkSpecSources(chosenItem(draft.specs), chosenItem(draft.schemas))
  checkSortSources(chosenItem(draft.orders), chosenItem(draft.schemas))
  return withLegacyFields({
    ...fieldsOfBase(draft),
    'format-version': formatVersion,
    'table-uuid': uuid,
    location,
    ...(formatVersion >= 2 ? { 'last-sequence-number': jsonOf(draft.lastSequenceNumber) } : {}),
    'last-updated-ms': draft.updatedMs,
    'last-column-id': draft.lastColumnId,
    'current-schema-id': draft.schemas.chosen,
    schemas: [...draft.schemas.items.values()],
    'default-spec-id': draft.specs.chosen,
    'partition-specs': [...draft.specs.items.values()],
    'last-partition-id': draft.lastPartitionId,
    'default-sort-order-id': draft.orders.chosen,
    'sort-orders': [...draft.orders.items.values()],
    properties: Object.fromEntries(draft.properties),
    ...currentSnapshot(draft),
    ...(formatVersion >= 3 ? { 'next-row-id': jsonOf(draft.nextRowId) } : {}),
    refs: Object.fromEntries(draft.refs),
    snapshots: [...draft.snapshots.values()],
    statistics: [...draft.statistics.values()].flat(),
    'partition-statistics': [...draft.partitionStatistics.values()].flat(),
    'snapshot-log': snapshotLog(draft),
    'metadata-log': metadataLog(draft, baseLocation),
    ...(draft.encryptionKeys.size > 0 ? { 'encryption-keys': [...draft.encryptionKeys.values()] } : {}),
  } as TableMetadata)
}

/**
 * Whether the chosen spec and schema were not yet together in the base: each may have been added beside another one. What
 * already stands in a table keeps nobody from changing the rest of it.
 */
function isPairedAnew({ base, specs, schemas }: Draft): boolean {
  return base?.['default-spec-id'] !== specs.chosen || base['current-schema-id'] !== schemas.chosen
}

/** What the base has, so that its order of keys and its unknown fields stay; without what the new version lacks. */
function fieldsOfBase(draft: Draft): JsonObject {
  const gone = new Set<string>()
  if (draft.encryptionKeys.size === 0) gone.add('encryption-keys')
  if (draft.base?.['format-version'] === 1 && draft.formatVersion > 1) {
    gone.add('schema')
    gone.add('partition-spec')
  }
  return Object.fromEntries(Object.entries(draft.base ?? {}).filter(([name]) => !gone.has(name)))
}

/** "None" stays as absent as it was; otherwise it is written as each version's readers expect it. */
function currentSnapshot(draft: Draft): Pick<TableMetadata, 'current-snapshot-id'> {
  if (draft.currentSnapshot !== undefined) return { 'current-snapshot-id': jsonOf(BigInt(draft.currentSnapshot)) }
  if (draft.base && draft.base['current-snapshot-id'] === undefined) return {}
  return { 'current-snapshot-id': draft.formatVersion >= 3 ? null : -1 }
}

/**
 * The history of `main`. Snapshots that were current only within this commit never were for anyone else. Where a
 * snapshot is gone, so is the history before it: a gap would make time travel answer wrongly.
 */
function snapshotLog(draft: Draft): readonly SnapshotLogEntry[] {
  const before = draft.base?.['snapshot-log'] ?? []
  const isIntermediate = (id: string): boolean => draft.addedSnapshots.has(id) && id !== draft.currentSnapshot
  let log: SnapshotLogEntry[] = []
  for (const entry of [...before, ...draft.newLogEntries]) {
    const id = idOf(entry['snapshot-id']) ?? ''
    if (!draft.snapshots.has(id)) {
      if (draft.removedSnapshots) log = []
      else log.push(entry)
    } else if (!isIntermediate(id)) log.push(entry)
  }
  if (draft.newLogEntries.length > 0) checkTimes(log, new Set(draft.newLogEntries), draft.updatedMs)
  return log
}

function checkTimes(log: readonly SnapshotLogEntry[], added: ReadonlySet<SnapshotLogEntry>, updatedMs: number): void {
  for (const [position, entry] of log.entries()) {
    if (!added.has(entry)) continue
    const time = entry['timestamp-ms']
    const previous = log[position - 1]?.['timestamp-ms'] ?? 0
    if (time < previous - CLOCK_TOLERANCE_MS)
      throw badRequest(
        `Invalid snapshot timestamp ${time}: expected at most a minute before the previous one of main, ${previous}; check the client's clock`,
      )
    if (time > updatedMs + CLOCK_TOLERANCE_MS)
      throw badRequest(
        `Invalid snapshot timestamp ${time}: expected at most a minute after the server's time ${updatedMs}; check the client's clock`,
      )
  }
}

/** The metadata files before this one, oldest first, as many as the table wants to remember. */
function metadataLog(draft: Draft, baseLocation: string | null): readonly MetadataLogEntry[] {
  if (!draft.base) return []
  const entry = { 'timestamp-ms': draft.base['last-updated-ms'], 'metadata-file': baseLocation ?? '' }
  const log = baseLocation === null ? draft.base['metadata-log'] : [...draft.base['metadata-log'], entry]
  const wanted = /^-?\d{1,9}$/.exec(draft.properties.get('write.metadata.previous-versions-max') ?? '')?.[0]
  const max = Math.max(1, wanted === undefined ? PREVIOUS_VERSIONS_DEFAULT : Number(wanted))
  return log.slice(-max)
}
