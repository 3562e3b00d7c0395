import type { BranchStore } from '#store/store'
import { forkAncestors, lineageOf } from '#versions/lineage'
import type { Branch, CatalogTag } from '#versions/model'
import { joined, put, removal, type Put } from './documents.ts'
import { failure } from './failures.ts'
import { shownObjects } from './folders.ts'
import type { TenantLog } from './log.ts'
import { placesOf, type Places } from './places.ts'
import type { Reader } from './rows.ts'
import type { Snapshot } from './snapshot.ts'
import { showsTrimmed } from './trim.ts'

/** What a catalog's name of a branch or tag stands for. */
export interface Ref {
  readonly branch?: string
  readonly tag?: string
}

type ForkInput = Parameters<BranchStore['fork']>[0]

export function branchStore(log: TenantLog): BranchStore {
  const places = placesOf(log.tenant)
  return {
    get: async (catalogId, name) =>
      log.look((snapshot) => refNamed({ snapshot, places }, catalogId, name)).catch(failure),
    fork: async (input) =>
      log
        .act(async (snapshot) => {
          const source = await sourceOf({ snapshot, places }, input)
          if (!source) return { answer: null }
          const { id, name } = input
          const { catalogId } = source.branch
          const ancestors = forkAncestors(source.branch, source.seq)
          const branch: Branch = { id, catalogId, name, state: 'open', headSeq: 0, ancestors }
          return { answer: branch, write: { puts: branchPuts(places, branch, input.at) } }
        })
        .catch(failure),
    tag: async (input) =>
      log
        .act(async (snapshot) => {
          const source = await sourceOf({ snapshot, places }, input)
          if (!source) return { answer: null }
          const { id, name, at } = input
          const { branch, seq } = source
          const tag: CatalogTag = { id, catalogId: branch.catalogId, name, at: { branchId: branch.id, seq } }
          const ref: Ref = { tag: id }
          const puts = [
            put(places.tags, id, { state: 'on', value: tag }),
            put(places.refs(tag.catalogId), name, { state: 'on', value: ref }),
            put(places.refTimes, id, { state: 'on', value: at }),
          ]
          return { answer: tag, write: { puts } }
        })
        .catch(failure),
    close: async (branchId) =>
      log
        .act(async (snapshot) => {
          const branch = await branchById(snapshot, places, branchId)
          if (branch?.state !== 'open') return { answer: false }
          const group = places.refs(branch.catalogId)
          const puts = [
            put(places.branches, branchId, { state: 'closed', value: { ...branch, state: 'closed' } }),
            removal({ id: joined(group, branch.name), group, key: branch.name }),
          ]
          return { answer: true, write: { puts } }
        })
        .catch(failure),
  }
}

/** A new branch, its name, and when it was made. */
export function branchPuts(places: Places, branch: Branch, at: string): Put[] {
  const ref: Ref = { branch: branch.id }
  return [
    put(places.branches, branch.id, { state: branch.state, value: branch }),
    put(places.refs(branch.catalogId), branch.name, { state: 'on', value: ref }),
    put(places.refTimes, branch.id, { state: 'on', value: at }),
  ]
}

/** The open branch or the tag of that name. */
export async function refNamed(
  { snapshot, places }: Reader,
  catalogId: string,
  name: string,
): Promise<Branch | CatalogTag | null> {
  const ref = await snapshot.value<Ref>(joined(places.refs(catalogId), name))
  if (ref?.tag !== undefined) return snapshot.value<CatalogTag>(joined(places.tags, ref.tag))
  return ref?.branch === undefined ? null : branchById(snapshot, places, ref.branch)
}

export async function branchById(snapshot: Snapshot, places: Places, id: string): Promise<Branch | null> {
  return snapshot.value<Branch>(joined(places.branches, id))
}

/** Where a new branch or tag is to stand; null if it may not, or its name or id is taken. */
async function sourceOf(
  reader: Reader,
  { id, name, from }: ForkInput,
): Promise<{ branch: Branch; seq: number } | null> {
  const { snapshot, places } = reader
  const [branch, taken] = await Promise.all([
    branchById(snapshot, places, from.branchId),
    snapshot.puts([joined(places.branches, id), joined(places.tags, id)]),
  ])
  const seq = from.seq ?? branch?.headSeq ?? 0
  if (branch?.state !== 'open' || seq > branch.headSeq || taken.some((one) => one !== null)) return null
  if ((await refNamed(reader, branch.catalogId, name)) !== null) return null
  return (await bringsBackGone(reader, branch, seq)) ? null : { branch, seq }
}

/** Whether a past position shows a table whose files were purged, or are about to be, or whose metadata was trimmed. */
async function bringsBackGone(reader: Reader, branch: Branch, seq: number): Promise<boolean> {
  if (seq === branch.headSeq) return false
  if (await showsTrimmed(reader, branch, seq)) return true
  const { snapshot, places } = reader
  const purged = (await snapshot.all({ group: places.purged })).map(({ key }) => key)
  const shown = await shownObjects(reader, purged, lineageOf(branch, seq))
  return purged.some((objectId) => shown.has(objectId))
}
