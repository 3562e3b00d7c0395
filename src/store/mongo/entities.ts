import { RECORD_KINDS, type RecordKind, type RecordKinds } from '#store/kinds'
import type { EntityStore } from '#store/store'
import { joined, put, removal, type Put } from './documents.ts'
import { failure } from './failures.ts'
import type { Decide, TenantLog } from './log.ts'
import { placesOf, type Places } from './places.ts'
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
  const places = placesOf(log.tenant)
  const byId = (id: string) => joined(places.records(kind), id)
  const isTaken = async (snapshot: Snapshot, record: T): Promise<boolean> => {
    const name = RECORD_KINDS[kind].name(record)
    const id = name === null ? null : await snapshot.value<string>(joined(places.recordNames(kind), name))
    return id !== null && id !== record.id
  }
  const write = async (record: T, isThere: boolean): Promise<boolean> =>
    guarded(RECORD_KINDS[kind].folder(record), record.id, async (snapshot) => {
      const [before, taken] = await Promise.all([snapshot.value<T>(byId(record.id)), isTaken(snapshot, record)])
      if ((before !== null) !== isThere || taken) return { answer: false }
      return { answer: true, write: { puts: recordPuts(places, kind, record, before) } }
    }).catch(failure)
  return {
    get: async (id) => log.look((snapshot) => snapshot.value<T>(byId(id))).catch(failure),
    byName: async (name) =>
      log
        .look(async (snapshot) => {
          const id = await snapshot.value<string>(joined(places.recordNames(kind), name))
          return id === null ? null : snapshot.value<T>(byId(id))
        })
        .catch(failure),
    list: async ({ after, limit }) =>
      log
        .look(async (snapshot) => {
          const from = after === undefined ? {} : { after }
          const puts = await snapshot.first(limit + 1, { group: places.records(kind), states: ['on'], ...from })
          const records = puts.slice(0, limit).map(({ value }) => JSON.parse(value ?? '') as T)
          const last = records.at(-1)
          return puts.length > limit && last ? { records, next: last.id } : { records }
        })
        .catch(failure),
    create: async (record) => write(record, false),
    update: async (record) => write(record, true),
    delete: async (id) =>
      guarded(null, id, async (snapshot) => {
        const before = await snapshot.value<T>(byId(id))
        if (!before) return { answer: false }
        return { answer: true, write: { puts: removalsOf(recordPuts(places, kind, before, null)) } }
      }).catch(failure),
  }
}

/** A record, with everything it is found by. What found it before, and no longer does, goes. */
export function recordPuts<K extends RecordKind>(
  places: Places,
  kind: K,
  record: RecordKinds[K],
  before: RecordKinds[K] | null,
): Put[] {
  const [name, owner] = [RECORD_KINDS[kind].name(record), RECORD_KINDS[kind].owner(record)]
  const state = 'on'
  const puts = [
    put(places.records(kind), record.id, { state, value: record }),
    ...(name === null ? [] : [put(places.recordNames(kind), name, { state, value: record.id })]),
    ...(owner === null ? [] : [put(places.owned(kind, owner), record.id, { state, value: record })]),
  ]
  const kept = new Set(puts.map(({ id }) => id))
  const former = before ? removalsOf(recordPuts(places, kind, before, null)) : []
  return [...former.filter(({ id }) => !kept.has(id)), ...puts]
}

function removalsOf(puts: readonly Put[]): Put[] {
  return puts.map((one) => removal(one))
}
