import { dotted } from '#domain/ident'
import { writeTableMetadata, type TableMetadata } from '#iceberg/metadata'
import { summaryOf } from '#iceberg/summary'
import { OPEN_SEQ, type Entry, type EntryValue } from '#versions/model'
import { applyCommit, type AppliedCommit } from './apply-commit.ts'
import { overlap } from './create-table.ts'
import { memberOf, type CatalogDeps } from './deps.ts'
import { finishUnchanged, metadataAnswer } from './idempotency.ts'
import { assetKey } from './keys.ts'
import type { Base } from './lane-base.ts'
import type { Member } from './lane-queue.ts'
import { chosenFolders, nextMetadataFile } from './locations.ts'
import { textSha256 } from './metadata-files.ts'
import { publish, retryOf } from './publish.ts'
import { stateOf } from './row-metadata.ts'
import { trimLater } from './trim.ts'

/** What a lane has found out about a commit that changes nothing: how it ends, once that may be said. */
interface Ended {
  readonly member: Member
  /** Null: there was nothing to change. */
  readonly refusal: { readonly reason: unknown } | null
}

/** Commits to one table applied one after the other, to be published together. */
export interface Group {
  /** Those that change something, in their order. */
  readonly applied: readonly Member[]
  /** What they make of the table; null if there are none. */
  readonly result: AppliedCommit | null
  /** Those that change nothing, on the strength of the base alone. */
  readonly decided: readonly Ended[]
  /** Those that change nothing after what was applied before them: nobody may be told before that has landed. */
  readonly held: readonly Ended[]
}

/**
 * Applies commits one after the other, each with its own requirements, to what its predecessors have made of the table. It
 * ends early before a commit that would give the table other folders, and after one that is the first: that one is alone.
 */
export function applyInTurn(deps: Pick<CatalogDeps, 'now' | 'newId'>, base: Base, members: readonly Member[]): Group {
  const applied: Member[] = []
  const decided: Ended[] = []
  const held: Ended[] = []
  let result: AppliedCommit | null = null
  for (const member of members) {
    const ended = result === null ? decided : held
    const state: TableMetadata = result?.metadata ?? base.metadata
    try {
      const on = { entry: base.entry, metadata: state, isUnwritten: result !== null }
      const next = applyCommit(deps, member.waiting.request, on, member.commit)
      if (!next) {
        ended.push({ member, refusal: null })
        continue
      }
      const isMoved = !isSameList(next.locations, base.entry.locations)
      if (isMoved && result !== null) break
      applied.push(member)
      result = next
      if (isMoved) break
    } catch (reason) {
      ended.push({ member, refusal: { reason } })
    }
  }
  return { applied, result, decided, held }
}

/** Tells the caller how his commit ended; `base` is the table as it is now. */
export async function end(deps: CatalogDeps, { member: { waiting }, refusal }: Ended, base: Base): Promise<void> {
  if (refusal) return waiting.refuse(refusal.reason)
  try {
    await finishUnchanged(deps, waiting.request.actor, metadataAnswer(base.entry))
    waiting.answer(stateOf(base))
  } catch (reason) {
    waiting.refuse(reason)
  }
}

/** A member's request was answered before, by a commit of another attempt at it. */
export interface ReplayedMember {
  readonly idempotencyKey: string
}

/**
 * Writes one metadata file for a group and commits it, each of its members under an id of its own. `lost`: somebody else
 * moved the row; `again`: the store was busy.
 * @throws CatalogError as `publish`; `bad-request`, `forbidden`, `commit-failed`: nothing was changed
 */
export async function publishGroup(
  deps: CatalogDeps,
  base: Base,
  applied: readonly Member[],
  { metadata, locations }: AppliedCommit,
): Promise<Base | ReplayedMember | 'lost' | 'again'> {
  const { entry } = base
  const [first] = applied
  if (!first) return base
  const { storage, identifier, branchId, folderChoice } = first.waiting.request
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
  // Only a commit that is alone has other folders than the base, so it is the first's choice that counts.
  const unusedBefore = chosenFolders(next.locations, entry.locations, folderChoice, storage)
  const name = dotted(identifier.namespace, identifier.name)
  const members = applied.map(({ waiting }) =>
    memberOf(deps, waiting.request.actor, {
      kind: 'update',
      action: 'commit_table',
      target: name,
      targetId: entry.objectId,
      message: `commit to table ${name}`,
      answer: metadataAnswer(next),
    }),
  )
  const published = await publish(
    deps,
    {
      branchId,
      at: deps.now().toISOString(),
      members,
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
        rev: members[0]?.id ?? '',
        fromSeq: published.seq,
        toSeq: OPEN_SEQ,
      }
      const at = { branchId, seq: published.seq }
      trimLater(deps, { objectId: row.objectId, locations, storage, at, base: base.metadata, metadata })
      return { entry: row, metadata, text }
    }
    case 'overlap':
      throw overlap(next.locations)
    case 'replayed':
      return published
    default:
      return retryOf(published)
  }
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index])
}
