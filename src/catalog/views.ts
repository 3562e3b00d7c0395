import { badRequest, CatalogError } from '#domain/errors'
import { dotted, type TableIdentifier } from '#domain/ident'
import { isWithin, validateFile, type ValidatedLocation } from '#domain/location'
import type { R2Storage } from '#domain/records'
import { metadataFileName, metadataFolder } from '#iceberg/files'
import { parseForeign } from '#iceberg/json'
import type { Located } from '#iceberg/locations'
import { commitView, type ViewCommit } from '#iceberg/view-commit'
import { newViewMetadata, type CreateViewRequest } from '#iceberg/view-create'
import { currentVersion, readViewMetadata, writeViewMetadata, type ViewMetadata } from '#iceberg/view-metadata'
import type { Entry, EntryValue } from '#versions/model'
import { onCurrentRow, readAsset } from './current-row.ts'
import { commitOf, storageOf, type Caller, type CatalogDeps, type Place } from './deps.ts'
import { finishUnchanged, metadataAnswer } from './idempotency.ts'
import { assetKey, nameTaken, noSuchNamespace, noSuchView, stillThere } from './keys.ts'
import {
  chosenFolders,
  chosenLocation,
  defaultLocation,
  foldersOf,
  withChosenLocations,
  type FolderChoice,
} from './locations.ts'
import { NO_CACHE, readMetadataFile, textSha256 } from './metadata-files.ts'
import { publish, retryOf, untilDecided, type MetadataFile } from './publish.ts'

/** A view as routes answer it: `metadata` is the text of the file. */
export interface ViewState {
  readonly metadataLocation: string
  readonly metadata: string
}

interface ViewInput {
  readonly place: Place
  readonly identifier: TableIdentifier
  readonly folderChoice: FolderChoice
}

interface ViewCreation extends ViewInput {
  /** The row of the namespace that authorization saw. */
  readonly parent: Entry
}

/** Creates a view. @throws CatalogError `already-exists`, `no-such-namespace`, `bad-request` */
export async function createView(
  deps: CatalogDeps,
  caller: Caller,
  input: ViewCreation & { request: CreateViewRequest },
): Promise<ViewState> {
  const { request, place } = input
  const location = chosenLocation(request.location, place.warehouse) ?? defaultLocation(storageOf(place), deps.newId())
  const metadata = newViewMetadata({ ...request, location, uuid: deps.newId(), nowMs: deps.now().getTime() })
  return insert(deps, caller, { ...input, metadata, kind: 'create' })
}

/**
 * Takes a view in under a name: its metadata file stays where it is and as it is.
 * @throws CatalogError `file-not-found`, `already-exists`, `no-such-namespace`, `bad-request`
 */
export async function registerView(
  deps: CatalogDeps,
  caller: Caller,
  input: ViewCreation & { metadataLocation: string },
): Promise<ViewState> {
  const storage = storageOf(input.place)
  const file = validateFile(input.metadataLocation, storage, 'metadata-location')
  const text = await readMetadataFile({ objects: deps.objects, metadataCache: NO_CACHE }, file)
  const metadata = readRegistered(text, input.metadataLocation)
  if (!viewFolders(metadata, storage).some((folder) => isWithin(file, folder)))
    throw badRequest(`Can't register ${file.uri}: expected it below the location that it names as the view's own`)
  return insert(deps, caller, { ...input, metadata, kind: 'register', existing: { location: file.uri, text } })
}

/** What a view's row points at. @throws CatalogError `file-not-found`, `bad-request` */
export async function loadView(deps: CatalogDeps, place: Place, entry: Entry): Promise<ViewState> {
  const file = validateFile(entry.metadataLocation, storageOf(place), 'metadata location')
  return {
    metadataLocation: entry.metadataLocation ?? '',
    metadata: await readMetadataFile(deps, file, entry.summary.metadataSha256),
  }
}

/**
 * Commits to a view. Whoever loses a race applies his updates to what the winner left: all a view's requirement asks is
 * that it still is the same view.
 * @throws CatalogError `no-such-view` if it is gone, `commit-failed` for a requirement that does not hold, `bad-request`
 */
export async function replaceView(
  deps: CatalogDeps,
  caller: Caller,
  input: ViewInput & { entry: Entry; commit: ViewCommit },
): Promise<ViewState> {
  const { place, identifier } = input
  const name = dotted(identifier.namespace, identifier.name)
  const row = { place, key: assetKey(identifier), seen: input.entry, gone: () => noSuchView(identifier) }
  return onCurrentRow(deps, row, async (current) => {
    const base = await loadView(deps, place, current)
    const metadata = applied(deps, place, readViewMetadata(base.metadata), input.commit)
    if (!metadata) {
      await finishUnchanged(deps, caller, metadataAnswer(current))
      return base
    }
    const file = fileOf(deps, metadata, base.metadataLocation, storageOf(place))
    const next = await rowOf(
      current.objectId,
      metadata,
      { location: file.location.uri, text: file.text },
      storageOf(place),
    )
    const { rev, locations: before, objectId } = current
    const unusedBefore = chosenFolders(next.locations, before, input.folderChoice, storageOf(place))
    const published = await publish(
      deps,
      commitOf(
        deps,
        caller,
        place,
        {
          kind: 'replace',
          action: 'replace_view',
          target: name,
          targetId: objectId,
          message: `replace view ${name}`,
          answer: metadataAnswer(next),
        },
        { changes: [{ key: assetKey(identifier), expect: rev, next, unusedBefore }] },
      ),
      file,
    )
    if (published.outcome === 'committed') return { metadataLocation: file.location.uri, metadata: file.text }
    if (published.outcome === 'overlap') throw overlap(next.locations)
    return retryOf(published)
  })
}

/** The view after the commit, or null if there is nothing to write. */
function applied(deps: CatalogDeps, place: Place, base: ViewMetadata, commit: ViewCommit): ViewMetadata | null {
  const updates = withChosenLocations(commit.updates, place.warehouse, () => base.location)
  const result = commitView(base, { ...commit, updates }, deps.now().getTime())
  if (result.result === 'unchanged') return null
  if (result.result === 'invalid') throw badRequest(result.message)
  if (result.result === 'requirement-failed') throw new CatalogError('commit-failed', result.message)
  return result.metadata
}

function readRegistered(text: string, location: string): ViewMetadata {
  try {
    parseForeign(text)
    return readViewMetadata(text)
  } catch (cause) {
    const reason = cause instanceof CatalogError ? cause.message : 'it is not view metadata'
    throw new CatalogError('bad-request', `Can't register ${location}: ${reason}`, cause)
  }
}

async function insert(
  deps: CatalogDeps,
  caller: Caller,
  input: ViewCreation & {
    metadata: ViewMetadata
    kind: 'create' | 'register'
    existing?: { location: string; text: string }
  },
): Promise<ViewState> {
  const { place, identifier, metadata, kind, existing } = input
  const storage = storageOf(place)
  const objectId = deps.newId()
  const name = dotted(identifier.namespace, identifier.name)
  return untilDecided(async () => {
    const file = existing ? null : fileOf(deps, metadata, null, storage)
    const metadataLocation = existing?.location ?? file?.location.uri ?? ''
    const text = existing?.text ?? file?.text ?? ''
    const next = await rowOf(objectId, metadata, { location: metadataLocation, text }, storage)
    const unusedBefore = chosenFolders(next.locations, [], input.folderChoice, storage)
    const published = await publish(
      deps,
      commitOf(
        deps,
        caller,
        place,
        {
          kind,
          action: `${kind}_view`,
          target: name,
          targetId: objectId,
          message: `${kind} view ${name}`,
          answer: metadataAnswer(next),
        },
        {
          changes: [{ key: assetKey(identifier), expect: null, next, unusedBefore }],
          checks: [stillThere(input.parent)],
        },
      ),
      ...(file ? [file] : []),
    )
    switch (published.outcome) {
      case 'committed':
        return { metadataLocation, metadata: text }
      case 'conflict': {
        const taken = await readAsset(deps, place, identifier)
        if (!taken) return retryOf(published)
        throw nameTaken('view', identifier, taken.kind)
      }
      case 'check-failed':
        throw noSuchNamespace(identifier.namespace)
      case 'overlap':
        throw overlap(next.locations)
      default:
        return retryOf(published)
    }
  }, deps.pause)
}

/** A new, unique metadata file. Views' files are gzipped unless the view says otherwise, as Java's catalogs have it. */
function fileOf(
  deps: Pick<CatalogDeps, 'newId'>,
  metadata: ViewMetadata,
  previous: string | null,
  storage: R2Storage,
): MetadataFile {
  const located = locatedOf(metadata)
  const isGzip = located.properties['write.metadata.compression-codec']?.toLowerCase() !== 'none'
  const name = metadataFileName(previous, deps.newId(), isGzip)
  return {
    location: validateFile(`${metadataFolder(located)}/${name}`, storage, 'metadata location'),
    text: writeViewMetadata(metadata),
  }
}

/** The row of a view. A view's folders are closed to others: whoever can write there could change what it says. */
async function rowOf(
  objectId: string,
  metadata: ViewMetadata,
  file: { location: string; text: string },
  storage: R2Storage,
): Promise<EntryValue> {
  return {
    objectId,
    kind: 'view',
    metadataLocation: file.location,
    locations: viewFolders(metadata, storage).map(({ uri }) => uri),
    properties: {},
    summary: {
      formatVersion: metadata['format-version'],
      currentSchemaId: currentVersion(metadata)['schema-id'],
      metadataSha256: await textSha256(file.text),
    },
  }
}

function viewFolders(metadata: ViewMetadata, storage: R2Storage): readonly ValidatedLocation[] {
  return foldersOf(locatedOf(metadata), storage, 'view location')
}

function locatedOf({ location, properties }: ViewMetadata): Located {
  return { location, properties: properties ?? {} }
}

/** Names what was asked for, never whose folder stands in the way. */
function overlap(locations: readonly string[]): CatalogError {
  return badRequest(
    `Invalid view location: ${locations.join(', ')} overlaps with the files of a table or another view, or of one that was dropped; choose another location or none`,
  )
}
