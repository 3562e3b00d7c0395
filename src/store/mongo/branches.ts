import type { BranchStore, NewRef, Place } from '#store/store'
import { forkOf, lineageOf, tagOf } from '#versions/lineage'
import type { Branch, CatalogTag } from '#versions/model'
import { joined, put, removal, type Put } from './documents.ts'
import { shownWith } from './folders.ts'
import type { TenantLog } from './log.ts'
import type { Places } from './places.ts'
import type { Snapshot } from './snapshot.ts'
import { showsTrimmed } from './trim.ts'

/** What a catalog's name of a branch or tag stands for. */
interface Ref {
  readonly branch?: string
  readonly tag?: string
}

export function branchStore(log: TenantLog): BranchStore {
  return {
    get: async (catalogId, name) => log.look((snapshot) => refNamed(snapshot, catalogId, name)),
    fork: async (input) =>
      log.act(async (snapshot) => {
        const source = await sourceOf(snapshot, input)
        if (!source) return { answer: null }
        const made = forkOf(source.branch, source.seq, input)
        return { answer: made, puts: branchPuts(snapshot.places, made, input.at) }
      }),
    tag: async (input) =>
      log.act(async (snapshot) => {
        const { tags, refs, refTimes } = snapshot.places
        const source = await sourceOf(snapshot, input)
        if (!source) return { answer: null }
        const made = tagOf(source.branch, source.seq, input)
        const ref: Ref = { tag: made.id }
        const name = put(refs(made.catalogId), made.name, ref)
        return { answer: made, puts: [put(tags, made.id, made), name, put(refTimes, made.id, input.at)] }
      }),
    close: async (branchId) =>
      log.act(async (snapshot) => {
        const { branches, refs } = snapshot.places
        const branch = await branchById(snapshot, branchId)
        if (branch?.state !== 'open') return { answer: false }
        const state = 'closed'
        const closed = put(branches, branchId, { ...branch, state }, state)
        return { answer: true, puts: [closed, removal(refs(branch.catalogId), branch.name)] }
      }),
  }
}

/** A new branch, its name, and when it was made. */
export function branchPuts({ branches, refs, refTimes }: Places, branch: Branch, at: string): Put[] {
  const { id, catalogId, name, state } = branch
  const ref: Ref = { branch: id }
  return [put(branches, id, branch, state), put(refs(catalogId), name, ref), put(refTimes, id, at)]
}

/** The open branch or the tag of that name. */
export async function refNamed(
  snapshot: Snapshot,
  catalogId: string,
  name: string,
): Promise<Branch | CatalogTag | null> {
  const { refs, tags } = snapshot.places
  const ref = await snapshot.value<Ref>(refs(catalogId), name)
  if (ref?.tag !== undefined) return snapshot.value<CatalogTag>(tags, ref.tag)
  return ref?.branch === undefined ? null : branchById(snapshot, ref.branch)
}

export async function branchById(snapshot: Snapshot, id: string): Promise<Branch | null> {
  return snapshot.value<Branch>(snapshot.places.branches, id)
}

/** Where a branch or tag is to stand; null if it may not, or its name or id is taken. */
async function sourceOf(snapshot: Snapshot, { id, name, from }: NewRef): Promise<Pick<Place, 'branch' | 'seq'> | null> {
  const { branches, tags } = snapshot.places
  const [branch, taken] = await Promise.all([
    branchById(snapshot, from.branchId),
    snapshot.puts([joined(branches, id), joined(tags, id)]),
  ])
  const seq = from.seq ?? branch?.headSeq ?? 0
  const isFree = branch?.state === 'open' && seq <= branch.headSeq && taken.every((one) => one === null)
  if (!isFree || (await refNamed(snapshot, branch.catalogId, name)) !== null) return null
  return (await bringsBackGone(snapshot, branch, seq)) ? null : { branch, seq }
}

/** Whether a past position shows a table whose files were purged, or are about to be, or whose metadata was trimmed. */
async function bringsBackGone(snapshot: Snapshot, branch: Branch, seq: number): Promise<boolean> {
  if (seq === branch.headSeq) return false
  if (await showsTrimmed(snapshot, branch, seq)) return true
  const purged = new Set((await snapshot.all({ group: snapshot.places.purged })).map(({ key }) => key))
  const shown = await shownWith(snapshot, [...purged], lineageOf(branch, seq))
  return shown.some(({ objectId }) => purged.has(objectId))
}
