import { dotted, type TableIdentifier } from '#domain/ident'
import type { ValidatedLocation } from '#domain/location'
import { createsTable, type TableCommit } from '#iceberg/commit'
import { readTableMetadata, writeTableMetadata, type TableMetadata } from '#iceberg/metadata'
import { summaryOf } from '#iceberg/summary'
import { COMMIT_RETRIES_MAX, TRANSACTION_CALLS_MAX } from '#src/limits'
import type { Change, Check, Entry, EntrySummary, Member } from '#versions/model'
import { applyCommit, applyCreation } from './apply-commit.ts'
import { alreadyCreated, overlap } from './create-table.ts'
import { actorOf, memberOf, storageOf, type Caller, type CatalogDeps, type Place } from './deps.ts'
import { finishUnchanged, NO_CONTENT } from './idempotency.ts'
import { assetKey, noSuchNamespace, noSuchTable, stillThere, viewStands } from './keys.ts'
import { chosenFolders, nextMetadataFile, type FolderChoice } from './locations.ts'
import { textSha256 } from './metadata-files.ts'
import { valueOf } from './namespaces.ts'
import { inParallel } from './parallel.ts'
import { publisherOf, retryOf, untilDecided, type MetadataFile } from './publish.ts'
import type { RowMetadata } from './row-metadata.ts'
import { baseReader, charsHeld } from './transaction-bases.ts'
import { trimLater, type LandedCommit } from './trim.ts'

/**
 * A transaction's commit to one table. `entry` is the row that authorization saw, null for a table to create; `parent` that
 * of its namespace.
 */
export interface TransactionChange {
  readonly identifier: TableIdentifier
  readonly commit: TableCommit
  readonly entry: Entry | null
  readonly parent: Entry | null
}

interface Transaction {
  readonly place: Place
  readonly changes: readonly TransactionChange[]
  readonly folderChoice: FolderChoice
}

/** One table of a transaction, evaluated on `base`: its row, or null for a table to create. */
interface Evaluated extends Pick<TransactionChange, 'identifier'> {
  readonly base: Entry | null
  readonly next: NextMetadata | null
}

/** What is kept of a table's new metadata until it is written: not the parsed whole, which is many times the text. */
interface NextMetadata {
  readonly objectId: string
  readonly text: string
  readonly file: ValidatedLocation
  readonly summary: EntrySummary
  readonly locations: readonly string[]
  readonly unusedBefore: readonly string[]
  /** The table's metadata log before and after; null for a table to create. */
  readonly logs: Pick<LandedCommit, 'base' | 'metadata'> | null
}

/** One table's part of the commit of the store. */
interface Step {
  readonly change: Change
  readonly file: MetadataFile | null
  readonly member: Member | null
}

/**
 * Commits to several tables in one step of the catalog: all requirements of all tables hold and every table moves, or
 * nothing does (REST specification, commitTransaction). It goes through no lane: whoever loses a race evaluates again,
 * and a table on which only requirements are made is held in place by the commit, too.
 * @throws CatalogError `commit-failed`, `no-such-table`, `no-such-namespace`, `already-exists`, `bad-request`, `too-large`
 */
export async function commitTransaction(deps: CatalogDeps, caller: Caller, input: Transaction): Promise<void> {
  const { place, changes } = input
  let evaluated: readonly Evaluated[] = []
  const publisher = publisherOf(deps)
  try {
    await untilDecided(
      async (isRetry) => {
        const rows = isRetry ? await readRows(deps, input) : changes.map(({ entry }) => entry)
        evaluated = await evaluate(deps, input, rows, evaluated)
        if (evaluated.every(({ next }) => next === null)) return finishUnchanged(deps, caller, NO_CONTENT)
        const steps = evaluated.map((table) => stepOf(deps, caller, input, table))
        const members = steps.flatMap(({ member }) => member ?? [])
        const created = changes.filter((_, index) => evaluated[index]?.base === null)
        const published = await publisher.publish(
          {
            branchId: place.branch.id,
            at: deps.now().toISOString(),
            members: members.map((member, index) => (index === 0 ? member : { ...member, idempotency: null })),
            changes: steps.map(({ change }) => change),
            checks: created.map(({ identifier, parent }) => parentOf(identifier, parent)),
            purges: [],
          },
          ...steps.flatMap(({ file }) => file ?? []),
        )
        switch (published.outcome) {
          case 'committed':
            trimTables(deps, place, evaluated, published.seq)
            return undefined
          case 'check-failed':
            throw noSuchNamespace(created[published.check]?.identifier.namespace ?? [])
          case 'overlap':
            throw overlap(evaluated[published.change]?.next?.locations ?? [])
          default:
            return retryOf(published)
        }
      },
      deps.pause,
      triesFor(changes.length),
    )
  } finally {
    await publisher.end()
  }
}

/** Many tables are tried less often: each try may read and write them all. */
function triesFor(tables: number): number {
  return Math.max(1, Math.min(COMMIT_RETRIES_MAX, Math.floor(TRANSACTION_CALLS_MAX / (2 * Math.max(1, tables)))))
}

function parentOf({ namespace }: TableIdentifier, parent: Entry | null): Check {
  if (!parent) throw noSuchNamespace(namespace)
  return stillThere(parent)
}

async function readRows(deps: CatalogDeps, { place, changes }: Transaction): Promise<readonly (Entry | null)[]> {
  const { entries } = await deps.tenant.read({
    at: { branchId: place.branch.id },
    keys: changes.map(({ identifier }) => assetKey(identifier)),
  })
  return entries
}

/**
 * Every table's commit on its row as it is now; what was evaluated on the same row before is kept.
 * @throws CatalogError for the transaction as a whole, before anything is written
 */
async function evaluate(
  deps: CatalogDeps,
  input: Transaction,
  rows: readonly (Entry | null)[],
  before: readonly Evaluated[],
): Promise<readonly Evaluated[]> {
  const tables = input.changes.map((change, index) => ({ change, known: before[index], row: rows[index] ?? null }))
  for (const { change, row } of tables) checkRow(change, row)
  const read = baseReader(deps, { branchId: input.place.branch.id, storage: storageOf(input.place) })
  const hold = charsHeld()
  return inParallel(tables, async ({ change, known, row }) => {
    const isKnown = known !== undefined && known.base?.rev === row?.rev
    const table = isKnown ? known : await evaluateOne(deps, input, change, row && (await read(change.identifier, row)))
    hold(table.next?.text ?? '')
    return table
  })
}

/** @throws CatalogError if the name no longer stands for what the caller was allowed to change or create */
function checkRow({ identifier, commit, entry }: TransactionChange, row: Entry | null): void {
  if (!createsTable(commit)) {
    if (!row || row.objectId !== entry?.objectId) throw noSuchTable(identifier)
  } else if (row?.kind === 'view') throw viewStands(identifier)
  else if (row) throw alreadyCreated()
}

async function evaluateOne(
  deps: CatalogDeps,
  input: Transaction,
  { identifier, commit }: TransactionChange,
  base: RowMetadata | null,
): Promise<Evaluated> {
  const next = nextOf(deps, input, commit, base)
  if (!next) return { identifier, base: base?.entry ?? null, next }
  const summary = { ...next.summary, metadataSha256: await textSha256(next.text) }
  return { identifier, base: base?.entry ?? null, next: { ...next, summary } }
}

/** It waits for nothing, so that of all the tables' parsed metadata, many times the text, one is there at a time. */
function nextOf(
  deps: CatalogDeps,
  { place: { warehouse }, folderChoice }: Transaction,
  commit: TableCommit,
  read: RowMetadata | null,
): NextMetadata | null {
  const { storage } = warehouse
  const base = read && { entry: read.entry, metadata: readTableMetadata(read.text) }
  const applied = base ? applyCommit(deps, warehouse, base, commit) : applyCreation(deps, warehouse, commit)
  if (!applied) return null
  const { metadata, locations } = applied
  return {
    objectId: base?.entry.objectId ?? deps.newId(),
    text: writeTableMetadata(metadata),
    file: nextMetadataFile(metadata, base?.entry.metadataLocation ?? null, storage, deps.newId()),
    summary: summaryOf(metadata),
    locations,
    unusedBefore: chosenFolders(locations, base?.entry.locations ?? [], folderChoice, storage),
    logs: base && { base: logOf(base.metadata), metadata: logOf(metadata) },
  }
}

function logOf(metadata: TableMetadata): LandedCommit['metadata'] {
  return { 'metadata-log': metadata['metadata-log'], properties: metadata.properties }
}

function trimTables(deps: CatalogDeps, place: Place, tables: readonly Evaluated[], seq: number): void {
  const at = { branchId: place.branch.id, seq }
  for (const { next } of tables)
    if (next?.logs) {
      const { objectId, locations, logs } = next
      trimLater(deps, { objectId, locations, storage: storageOf(place), at, ...logs })
    }
}

function stepOf(deps: CatalogDeps, caller: Caller, input: Transaction, { identifier, base, next }: Evaluated): Step {
  const key = assetKey(identifier)
  // Its requirements hold only while nobody else moves it, so the commit expects its row and writes it again.
  if (!next)
    return { change: { key, expect: base?.rev ?? null, next: base && valueOf(base) }, file: null, member: null }
  const { objectId, text, file, summary, locations, unusedBefore } = next
  const name = dotted(identifier.namespace, identifier.name)
  const tables = `in a transaction of ${input.changes.length}`
  return {
    file: { location: file, text },
    change: {
      key,
      expect: base?.rev ?? null,
      next: { objectId, kind: 'table', metadataLocation: file.uri, locations, properties: {}, summary },
      unusedBefore,
    },
    member: memberOf(deps, actorOf(caller), {
      kind: base ? 'update' : 'create',
      action: base ? 'commit_table' : 'create_table',
      target: name,
      targetId: objectId,
      message: base ? `commit to table ${name} ${tables}` : `create table ${name} ${tables}`,
      answer: NO_CONTENT,
    }),
  }
}
