import type { TableIdentifier } from '#domain/ident'
import type { ClientLocations, R2Storage } from '#domain/records'
import { parseTableCommit, type TableCommit } from '#iceberg/commit'
import { parseRequest } from '#iceberg/json'
import { chooseFolders } from '#iceberg/locations'
import { JSON_DEPTH_MAX, LANE_GROUP_CHARS_MAX, LANE_GROUP_MEMBERS_MAX, REQUEST_JSON_VALUES_MAX } from '#src/limits'
import { keyText } from '#versions/check-commit'
import type { Entry } from '#versions/model'
import type { TableState } from './create-table.ts'
import type { Actor } from './deps.ts'
import { assetKey } from './keys.ts'
import type { FolderChoice } from './locations.ts'

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

/** A commit in a lane that has not been answered yet. Either function decides it, once. */
export interface Waiting {
  readonly request: LaneRequest
  answer(state: TableState): void
  refuse(reason: unknown): void
}

/** A commit whose turn it is, with its body parsed. */
export interface Member {
  readonly waiting: Waiting
  readonly commit: TableCommit
}

/**
 * The commits at the front of a queue that may be published together, in their order. One whose body is no commit is
 * refused on the way.
 *
 * They share a table under one name, at one branch, in one storage with one policy: then only their order decides what
 * becomes of them. A commit that says where files go stays alone: it depends on its caller's rights and on the folders of
 * other tables, and may be refused for what nobody else asked for.
 */
export function membersOf(queue: Iterable<Waiting>): Member[] {
  const members: Member[] = []
  let chars = 0
  for (const waiting of queue) {
    const { request } = waiting
    chars += request.body.length
    const [first] = members
    const isFull = members.length >= LANE_GROUP_MEMBERS_MAX || chars > LANE_GROUP_CHARS_MAX
    if (first && (isFull || !isShared(request, first.waiting.request))) break
    if (members.some((member) => isSameRequest(member.waiting.request, request))) break
    const commit = parsed(waiting)
    if (!commit) continue
    const isAlone = chooseFolders(commit.updates)
    if (first && isAlone) break
    members.push({ waiting, commit })
    if (isAlone) break
  }
  return members
}

function parsed(waiting: Waiting): TableCommit | null {
  try {
    return parseTableCommit(parseRequest(waiting.request.body, JSON_DEPTH_MAX, REQUEST_JSON_VALUES_MAX))
  } catch (error) {
    waiting.refuse(error)
    return null
  }
}

/** Two attempts at one request: the second is answered by what has become of the first. */
function isSameRequest(a: LaneRequest, b: LaneRequest): boolean {
  return a.actor.idempotency !== null && a.actor.idempotency.key === b.actor.idempotency?.key
}

function isShared(a: LaneRequest, b: LaneRequest): boolean {
  return (
    a.branchId === b.branchId &&
    a.entry.objectId === b.entry.objectId &&
    a.clientLocations === b.clientLocations &&
    keyText(assetKey(a.identifier)) === keyText(assetKey(b.identifier)) &&
    JSON.stringify(a.storage) === JSON.stringify(b.storage)
  )
}
