import { CatalogError } from '#domain/errors'
import { dotted, type TableIdentifier } from '#domain/ident'
import { summaryOf } from '#iceberg/summary'
import { OPEN_SEQ, type Entry, type EntryValue } from '#versions/model'
import { givenUp, overlap, readRegistration, type TableState, type VendedTable } from './create-table.ts'
import { onCurrentRow } from './current-row.ts'
import { commitOf, storageOf, type Caller, type CatalogDeps, type Place } from './deps.ts'
import { finishUnchanged, metadataAnswer } from './idempotency.ts'
import { assetKey, noSuchTable } from './keys.ts'
import { chosenFolders, foldersAfter, foldersOf, type FolderChoice } from './locations.ts'
import { textSha256 } from './metadata-files.ts'
import { publish, retryOf } from './publish.ts'
import { readLatest, stateOf } from './row-metadata.ts'
import type { Vend } from './vend.ts'

/**
 * Points an existing table at another metadata file (REST specification, registerTable with `overwrite`), in one commit.
 * It stays the same object, so grants on it stay. The folders it had before stay its own if the file says that it is the
 * same table: its snapshots may have files there.
 * @throws CatalogError `file-not-found`, `bad-request`; `commit-failed` if the table was dropped or moved meanwhile
 */
export async function replaceTable(
  deps: CatalogDeps,
  caller: Caller,
  input: {
    place: Place
    identifier: TableIdentifier
    entry: Entry
    metadataLocation: string
    folderChoice: FolderChoice
    vend: Vend
  },
): Promise<VendedTable> {
  const { place, identifier, entry } = input
  const storage = storageOf(place)
  const { metadata, text, uri: metadataLocation } = await readRegistration(deps, storage, input.metadataLocation)
  const summary = { ...summaryOf(metadata), metadataSha256: await textSha256(text) }
  const name = dotted(identifier.namespace, identifier.name)
  const gone = (): CatalogError =>
    new CatalogError('commit-failed', `Table ${name} was dropped or renamed meanwhile; nothing was changed`)
  return onCurrentRow(deps, { place, key: assetKey(identifier), seen: entry, gone }, async (current) => {
    const isSame = metadata['table-uuid'] !== undefined && metadata['table-uuid'] === current.summary.tableUuid
    const locations = isSame
      ? foldersAfter(metadata, current.locations, storage)
      : foldersOf(metadata, storage).map(({ uri }) => uri)
    const { objectId, locations: before } = current
    const { metadataSha256 } = summary
    // The same name does not make it the same file: clients may write over what they register.
    const isThere = current.metadataLocation === metadataLocation && current.summary.metadataSha256 === metadataSha256
    const opened = isThere ? before : locations
    const vended = {
      objectId,
      metadataLocation,
      metadataSha256,
      metadata: text,
      locations: opened,
      credential: await input.vend(opened),
    }
    if (isThere) {
      await finishUnchanged(deps, caller, metadataAnswer(current))
      return vended
    }
    const next: EntryValue = {
      objectId,
      kind: 'table',
      metadataLocation,
      locations,
      properties: {},
      summary,
    }
    const unusedBefore = chosenFolders(locations, before, input.folderChoice, storage)
    const published = await publish(
      deps,
      commitOf(
        deps,
        caller,
        place,
        {
          kind: 'register',
          action: 'register_table',
          target: name,
          targetId: objectId,
          message: `register table ${name} over what it was`,
          answer: metadataAnswer(next),
        },
        {
          changes: [{ key: assetKey(identifier), expect: current.rev, next, unusedBefore }],
          checks: [{ untrimmed: metadataLocation }],
        },
      ),
    )
    if (published.outcome === 'committed') return vended
    if (published.outcome === 'check-failed') throw givenUp(metadataLocation)
    if (published.outcome === 'overlap') throw overlap([metadataLocation])
    return retryOf(published)
  })
}

/**
 * Takes a table out of the catalog and leaves its files (REST specification, unregisterTable). What is answered is what
 * the table was at that moment: no commit comes after it.
 * @throws CatalogError `no-such-table` if it is gone, `file-not-found` if its metadata is
 */
export async function unregisterTable(
  deps: CatalogDeps,
  caller: Caller,
  input: { place: Place; identifier: TableIdentifier; entry: Entry },
): Promise<TableState> {
  const { place, identifier } = input
  const name = dotted(identifier.namespace, identifier.name)
  const row = { place, key: assetKey(identifier), seen: input.entry, gone: () => noSuchTable(identifier) }
  return onCurrentRow(deps, row, async (current) => {
    const at = { branchId: place.branch.id, seq: OPEN_SEQ }
    const latest = await readLatest(deps, { at, storage: storageOf(place), identifier }, current)
    const { objectId, rev } = latest.entry
    const published = await publish(
      deps,
      commitOf(
        deps,
        caller,
        place,
        {
          kind: 'drop',
          action: 'unregister_table',
          target: name,
          targetId: objectId,
          message: `unregister table ${name}`,
          answer: metadataAnswer(latest.entry),
        },
        { changes: [{ key: assetKey(identifier), expect: rev, next: null }] },
      ),
    )
    if (published.outcome === 'committed') return stateOf(latest)
    return retryOf(published)
  })
}
