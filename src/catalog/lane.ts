import { CatalogError } from '#domain/errors'
import { dotted, type TableIdentifier } from '#domain/ident'
import { validateFile } from '#domain/location'
import type { ClientLocations, R2Storage } from '#domain/records'
import { parseTableCommit, type TableCommit } from '#iceberg/commit'
import { parseRequest } from '#iceberg/json'
import { readTableMetadata, writeTableMetadata, type TableMetadata } from '#iceberg/metadata'
import { summaryOf } from '#iceberg/summary'
import { JSON_DEPTH_MAX, LANE_QUEUE_CHARS_MAX, LANE_QUEUE_MAX } from '#src/limits'
import { OPEN_SEQ, type Entry, type EntryValue } from '#versions/model'
import { applyCommit } from './apply-commit.ts'
import { readTable } from './change-table.ts'
import { overlap, type TableState } from './create-table.ts'
import { memberOf, type Actor, type CatalogDeps } from './deps.ts'
import { assetKey, noSuchTable } from './keys.ts'
import { chosenFolders, nextMetadataFile, type FolderChoice } from './locations.ts'
import { readMetadataFile, textSha256 } from './metadata-files.ts'
import { again } from './namespaces.ts'
import { publish, untilDecided } from './publish.ts'
import { trimLater } from './trim.ts'

/** One commit for a lane: plain data, because it crosses into a Durable Object. `body` is the request's own text. */
export interface LaneRequest {
  readonly branchId: string
  readonly storage: R2Storage
  readonly clientLocations?: ClientLocations
  readonly identifier: TableIdentifier
  /** The table's row as the caller's own request read it. */
  readonly entry: Entry
  readonly body: string
  readonly actor: Actor
  readonly folderChoice: FolderChoice
}

export interface TableLane {
  /** @throws CatalogError `commit-failed`, `bad-request`, `no-such-table`, `too-many-requests`, `commit-state-unknown` */
  commit(deps: CatalogDeps, request: LaneRequest): Promise<TableState>
}

/** A row and the metadata it points at. */
interface Base {
  readonly entry: Entry
  readonly metadata: TableMetadata
  readonly text: string
}

/**
 * The queue in front of one table's commits, and a cache of what the last one left. It is not the authority: the store
 * decides, and a stale cache only loses one race.
 *
 * An answer that commits nothing is right, too: it is computed on the newer of the caller's own row and the cached one,
 * and either was the current row at some moment after the request came in.
 */
export function tableLane(): TableLane {
  let tail: Promise<unknown> = Promise.resolve()
  let waiting = 0
  let waitingChars = 0
  let cached: Base | null = null

  async function run(deps: CatalogDeps, request: LaneRequest, commit: TableCommit): Promise<TableState> {
    let entry: Entry | null = newer(cached?.entry, request.entry, request.branchId)
    return untilDecided(async () => {
      if (!entry || entry.objectId !== request.entry.objectId) throw noSuchTable(request.identifier)
      const base = cached?.entry.rev === entry.rev ? cached : await load(deps, request.storage, entry)
      cached = base
      const step = await commitOnce(deps, request, commit, base)
      if (step === 'again') return 'again'
      if (step !== 'lost') {
        cached = step
        return stateOf(step)
      }
      cached = null
      entry = await readTable(deps, { branch: { id: request.branchId } }, request.identifier)
      return 'lost'
    })
  }

  return {
    async commit(deps, request) {
      const chars = request.body.length
      const isFull = waiting > 0 && (waiting >= LANE_QUEUE_MAX || waitingChars + chars > LANE_QUEUE_CHARS_MAX)
      if (isFull)
        throw new CatalogError('too-many-requests', 'Too many commits are waiting for this table; nothing was changed')
      waitingChars += chars
      waiting += 1
      const mine = tail.then(() => run(deps, request, parseTableCommit(parseRequest(request.body, JSON_DEPTH_MAX))))
      tail = mine.catch(() => undefined)
      try {
        return await mine
      } finally {
        waiting -= 1
        waitingChars -= chars
      }
    },
  }
}

/** Checks, applies, writes and commits once. `lost`: somebody else moved the row; `again`: the store was busy. */
async function commitOnce(
  deps: CatalogDeps,
  request: LaneRequest,
  commit: TableCommit,
  base: Base,
): Promise<Base | 'lost' | 'again'> {
  const { storage, identifier, branchId } = request
  const { entry } = base
  const applied = applyCommit(deps, request, base, commit)
  if (!applied) return base

  const { metadata, locations } = applied
  const text = writeTableMetadata(metadata)
  const location = nextMetadataFile(metadata, entry.metadataLocation, storage, deps.newId())
  const next: EntryValue = {
    objectId: entry.objectId,
    kind: 'table',
    metadataLocation: location.uri,
    locations,
    properties: {},
    summary: { ...summaryOf(metadata), metadataSha256: await textSha256(text) },
  }
  const unusedBefore = chosenFolders(next.locations, entry.locations, request.folderChoice, storage)
  const name = dotted(identifier.namespace, identifier.name)
  const member = memberOf(deps, request.actor, {
    kind: 'update',
    action: 'commit_table',
    target: name,
    targetId: entry.objectId,
    message: `commit to table ${name}`,
  })
  const published = await publish(
    deps,
    {
      branchId,
      at: deps.now().toISOString(),
      members: [member],
      changes: [{ key: assetKey(identifier), expect: entry.rev, next, unusedBefore }],
      checks: [],
      purges: [],
    },
    { location, text },
  )
  switch (published.outcome) {
    case 'committed': {
      const row: Entry = {
        ...assetKey(identifier),
        ...next,
        branchId,
        rev: member.id,
        fromSeq: published.seq,
        toSeq: OPEN_SEQ,
      }
      const at = { branchId, seq: published.seq }
      trimLater(deps, { objectId: row.objectId, locations, storage, at, base: base.metadata, metadata })
      return { entry: row, metadata, text }
    }
    case 'conflict':
      return 'lost'
    case 'overlap':
      throw overlap(next.locations)
    default:
      return again(published)
  }
}

async function load(deps: CatalogDeps, storage: R2Storage, entry: Entry): Promise<Base> {
  const location = validateFile(entry.metadataLocation, storage, 'metadata location')
  const text = await readMetadataFile(deps, location, entry.summary.metadataSha256)
  return { entry, text, metadata: readTableMetadata(text) }
}

/** Of two rows of one table the one written later. A row of the branch itself is later than one it inherits. */
function newer(cached: Entry | undefined, read: Entry, branchId: string): Entry {
  if (!cached || cached.objectId !== read.objectId) return read
  const [cachedIsOwn, readIsOwn] = [cached.branchId === branchId, read.branchId === branchId]
  if (cachedIsOwn !== readIsOwn) return cachedIsOwn ? cached : read
  return cached.fromSeq < read.fromSeq ? read : cached
}

function stateOf({ entry, text }: Base): TableState {
  const { objectId, metadataLocation, locations } = entry
  return { objectId, metadataLocation, metadata: text, locations }
}
