import { RECORD_KINDS, type RecordKind, type RecordKinds } from '#store/kinds'
import { recordsPage } from '#store/pages'
import type { EntityStore } from '#store/store'
import { put, removal, valuesOf, type Put } from './documents.ts'
import type { Decide, TenantLog } from './log.ts'
import type { Places } from './places.ts'
import type { Snapshot } from './snapshot.ts'

/** Runs a step after which the record `id` has the folder (null: it is gone), where that may not be. */
export type Guarded = <T>(folder: string | null, id: string, step: Decide<T>) => Promise<T>

/** Records of one kind, ordered by id. `guarded` runs the steps that change them. */
export function entityStore<K extends RecordKind>(
  log: TenantLog,
  kind: K,
  guarded: Guarded = async (_folder, _id, step) => log.act(step),
): EntityStore<RecordKinds[K]> {
  type T = RecordKinds[K]
  const byId = async (snapshot: Snapshot, id: string) => snapshot.value<T>(snapshot.places.records(kind), id)
  const idOf = async (snapshot: Snapshot, name: string) =>
    snapshot.value<string>(snapshot.places.recordNames(kind), name)
  const isTaken = async (snapshot: Snapshot, record: T): Promise<boolean> => {
    const name = RECORD_KINDS[kind].name(record)
    const id = name === null ? null : await idOf(snapshot, name)
    return id !== null && id !== record.id
  }
  const write = async (record: T, isThere: boolean): Promise<boolean> =>
    guarded(RECORD_KINDS[kind].folder(record), record.id, async (snapshot) => {
      const [before, taken] = await Promise.all([byId(snapshot, record.id), isTaken(snapshot, record)])
      if ((before !== null) !== isThere || taken) return { answer: false }
      return { answer: true, puts: recordPuts(snapshot.places, kind, record, before) }
    })
  return {
    get: async (id) => log.look((snapshot) => byId(snapshot, id)),
    byName: async (name) =>
      log.look(async (snapshot) => {
        const id = await idOf(snapshot, name)
        return id === null ? null : byId(snapshot, id)
      }),
    list: async ({ after, limit }) =>
      log.look(async (snapshot) => {
        const group = snapshot.places.records(kind)
        return recordsPage(valuesOf<T>(await snapshot.first(limit + 1, { group, states: ['on'], after })), limit)
      }),
    create: async (record) => write(record, false),
    update: async (record) => write(record, true),
    delete: async (id) =>
      guarded(null, id, async (snapshot) => {
        const before = await byId(snapshot, id)
        if (!before) return { answer: false }
        return { answer: true, puts: removalsOf(recordPuts(snapshot.places, kind, before)) }
      }),
  }
}

/** A record, with everything it is found by. What found it before, and no longer does, goes. */
export function recordPuts<K extends RecordKind>(
  places: Places,
  kind: K,
  record: RecordKinds[K],
  before: RecordKinds[K] | null = null,
): Put[] {
  const [name, owner] = [RECORD_KINDS[kind].name(record), RECORD_KINDS[kind].owner(record)]
  const puts = [
    put(places.records(kind), record.id, record),
    ...(name === null ? [] : [put(places.recordNames(kind), name, record.id)]),
    ...(owner === null ? [] : [put(places.owned(kind, owner), record.id, record)]),
  ]
  const kept = new Set(puts.map(({ id }) => id))
  const former = before ? removalsOf(recordPuts(places, kind, before)) : []
  return [...former.filter(({ id }) => !kept.has(id)), ...puts]
}

function removalsOf(puts: readonly Put[]): Put[] {
  return puts.map(({ group, key }) => removal(group, key))
}
