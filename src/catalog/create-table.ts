import { badRequest, CatalogError } from '#domain/errors'
import { dotted, type TableIdentifier } from '#domain/ident'
import { isWithin, validateFile, withoutTrailingSlashes } from '#domain/location'
import type { R2Storage } from '#domain/records'
import type { TableCommit } from '#iceberg/commit'
import { newTableMetadata, type CreateRequest } from '#iceberg/create'
import { parseForeign } from '#iceberg/json'
import { readTableMetadata, writeTableMetadata, type TableMetadata } from '#iceberg/metadata'
import { summaryOf } from '#iceberg/summary'
import type { Entry, EntryValue } from '#versions/model'
import { applyCreation } from './apply-commit.ts'
import { readAsset } from './current-row.ts'
import { commitOf, storageOf, type Caller, type CatalogDeps, type Place } from './deps.ts'
import { metadataAnswer } from './idempotency.ts'
import { assetKey, nameTaken, noSuchNamespace, stillThere } from './keys.ts'
import {
  checkLocations,
  checkRegistered,
  chosenFolders,
  chosenLocation,
  defaultLocation,
  foldersOf,
  nextMetadataFile,
  type FolderChoice,
  type TableFolders,
} from './locations.ts'
import { NO_CACHE, readMetadataFile, textSha256 } from './metadata-files.ts'
import { publish, retryOf, untilDecided, type MetadataFile } from './publish.ts'
import type { Vend, VendedCredential } from './vend.ts'

/**
 * A table as routes answer it: `metadata` is the text of the file, `locations` what a credential may open. A staged table
 * has neither object id nor metadata location.
 */
export interface TableState {
  readonly objectId: string | null
  readonly metadataLocation: string | null
  /** Of its row: files that are registered may have the name of others. Null where the row has none. */
  readonly metadataSha256: string | null
  readonly metadata: string
  readonly locations: EntryValue['locations']
}

/** A table with the credential that was made for it before it was committed. */
export interface VendedTable extends TableState {
  readonly credential: VendedCredential | null
}

interface Creation {
  readonly place: Place
  /** The row of the namespace that authorization saw. */
  readonly parent: Entry
  readonly identifier: TableIdentifier
  readonly folderChoice: FolderChoice
  /** Left out where no credential goes out with the table. */
  readonly vend?: Vend
}

/**
 * Creates a table, or, with `stage-create`, only says what it would be: nothing is stored, and the client commits later.
 * @throws CatalogError `already-exists`, `no-such-namespace`, `bad-request`, and whatever `vend` throws
 */
export async function createTable(
  deps: CatalogDeps,
  caller: Caller,
  input: Creation & { request: CreateRequest },
): Promise<VendedTable> {
  const { request, place } = input
  const storage = storageOf(place)
  const chosen = chosenLocation(request.location, place.warehouse)
  const location = chosen ?? defaultLocation(storage, deps.newId())
  const metadata = newTableMetadata({
    ...request,
    location: withoutTrailingSlashes(location),
    uuid: deps.newId(),
    nowMs: deps.now().getTime(),
  })
  checkLocations(metadata, null, storage)
  if (!request.stageCreate) return insert(deps, caller, { ...input, metadata, kind: 'create' })
  const folders = foldersOf(metadata, storage)
  if (chosen !== undefined || folders.length > 1) await checkStaged(deps, input, folders)
  const locations = folders.map(({ uri }) => uri)
  const credential = (await input.vend?.(locations)) ?? null
  const text = writeTableMetadata(metadata)
  return { objectId: null, metadataLocation: null, metadataSha256: null, metadata: text, locations, credential }
}

/**
 * A staged table's credential is handed out before the commit that would find another table's files in its folders, and
 * nothing keeps those folders free until then. So only who may do everything in the tenant anyway may choose them.
 */
async function checkStaged(deps: CatalogDeps, input: Creation, folders: TableFolders): Promise<void> {
  if (input.folderChoice !== 'any')
    throw new CatalogError(
      'forbidden',
      'Not allowed: choosing the location of a staged table needs all on the tenant; leave it out or create the table unstaged',
    )
  const locations = folders.map(({ uri }) => uri)
  if (await deps.tenant.purges.stillNamed(locations)) throw overlap(locations)
}

/** The commit of a staged create: `assert-create` and everything the table consists of. @throws as {@link createTable} */
export async function commitNewTable(
  deps: CatalogDeps,
  caller: Caller,
  input: Creation & { commit: TableCommit },
): Promise<TableState> {
  const { metadata } = applyCreation(deps, input.place.warehouse, input.commit)
  return insert(deps, caller, { ...input, metadata, kind: 'create', isCommit: true })
}

/** What a staged create meets that comes second: its one requirement failed. */
export function alreadyCreated(): CatalogError {
  return new CatalogError('commit-failed', 'Requirement failed: table already exists')
}

/**
 * Takes a table in under a name: its metadata file stays where it is and as it is.
 * @throws CatalogError `file-not-found`, `already-exists`, `no-such-namespace`, `bad-request`
 */
export async function registerTable(
  deps: CatalogDeps,
  caller: Caller,
  input: Creation & { metadataLocation: string },
): Promise<VendedTable> {
  const { metadata, text, uri } = await readRegistration(deps, storageOf(input.place), input.metadataLocation)
  return insert(deps, caller, {
    ...input,
    metadata,
    kind: 'register',
    existing: { location: uri, text },
  })
}

/**
 * Reads and checks a metadata file that a table is to point at. `uri` is its one name in the catalog: whoever asks
 * whether anything still names a file compares names.
 * @throws CatalogError `file-not-found`, `bad-request`
 */
export async function readRegistration(
  deps: CatalogDeps,
  storage: R2Storage,
  location: string,
): Promise<{ metadata: TableMetadata; text: string; uri: string }> {
  const file = validateFile(location, storage, 'metadata-location')
  const text = await readMetadataFile({ objects: deps.objects, metadataCache: NO_CACHE }, file)
  const metadata = readRegistered(text, location)
  checkRegistered(metadata, storage)
  if (!foldersOf(metadata, storage).some((folder) => isWithin(file, folder)))
    throw badRequest(`Can't register ${location}: expected it below the location that it names as the table's own`)
  return { metadata, text, uri: file.uri }
}

function readRegistered(text: string, location: string): TableMetadata {
  try {
    parseForeign(text)
    return readTableMetadata(text)
  } catch (cause) {
    const reason = cause instanceof CatalogError ? cause.message : 'it is not table metadata'
    throw new CatalogError('bad-request', `Can't register ${location}: ${reason}`, cause)
  }
}

async function insert(
  deps: CatalogDeps,
  caller: Caller,
  input: Creation & {
    metadata: TableMetadata
    kind: 'create' | 'register'
    existing?: { location: string; text: string }
    /** A staged create's commit: to be second there is a failed requirement. */
    isCommit?: boolean
  },
): Promise<VendedTable> {
  const { place, identifier, metadata, kind, existing } = input
  const storage = storageOf(place)
  const locations = foldersOf(metadata, storage).map(({ uri }) => uri)
  const unusedBefore = chosenFolders(locations, [], input.folderChoice, storage)
  const text = existing?.text ?? writeTableMetadata(metadata)
  const summary = { ...summaryOf(metadata), metadataSha256: await textSha256(text) }
  const objectId = deps.newId()
  const name = dotted(identifier.namespace, identifier.name)
  const credential = (await input.vend?.(locations)) ?? null
  return untilDecided(async () => {
    const file: MetadataFile | undefined = existing
      ? undefined
      : { location: nextMetadataFile(metadata, null, storage, deps.newId()), text }
    const metadataLocation = existing?.location ?? file?.location.uri ?? ''
    const named = { metadataLocation, metadataSha256: summary.metadataSha256 }
    const next: EntryValue = {
      objectId,
      kind: 'table',
      metadataLocation,
      locations,
      properties: {},
      summary,
    }
    const published = await publish(
      deps,
      commitOf(
        deps,
        caller,
        place,
        {
          kind,
          action: `${kind}_table`,
          target: name,
          targetId: objectId,
          message: `${kind} table ${name}`,
          answer: metadataAnswer(next),
        },
        {
          changes: [{ key: assetKey(identifier), expect: null, next, unusedBefore }],
          checks: [stillThere(input.parent), ...(existing ? [{ untrimmed: existing.location }] : [])],
        },
      ),
      ...(file ? [file] : []),
    )
    switch (published.outcome) {
      case 'committed':
        return { objectId, ...named, metadata: text, locations, credential }
      case 'conflict': {
        const taken = await readAsset(deps, place, identifier)
        if (!taken) return retryOf(published)
        throw input.isCommit && taken.kind === 'table' ? alreadyCreated() : nameTaken('table', identifier, taken.kind)
      }
      case 'check-failed':
        throw published.check === 0 ? noSuchNamespace(identifier.namespace) : givenUp(metadataLocation)
      case 'overlap':
        throw kind === 'register' ? overlap([existing?.location ?? '']) : overlap(locations)
      default:
        return retryOf(published)
    }
  }, deps.pause)
}

/** A file that was there a moment ago, perhaps still is, and that nothing may point at any more. */
export function givenUp(location: string): CatalogError {
  return new CatalogError(
    'file-not-found',
    `Failed to open input stream for file: ${location}: the table it belonged to no longer keeps it (write.metadata.delete-after-commit.enabled); choose a newer one`,
  )
}

/** Names what was asked for, never whose folder stands in the way. */
export function overlap(locations: readonly string[]): CatalogError {
  return badRequest(
    `Invalid table location: ${locations.join(', ')} overlaps with the files of another table, or of one that was dropped; choose another location or none`,
  )
}
