import { RECORD_KINDS, type RecordKind, type RecordKinds } from '#store/kinds'
import type { EntityStore } from '#store/store'
import { compareNames } from '#versions/page'
import type { TenantState } from './state.ts'

export function entityStore<K extends RecordKind>(state: TenantState, kind: K): EntityStore<RecordKinds[K]> {
  const records: Map<string, RecordKinds[K]> = state.records[kind]
  const { name: nameOf } = RECORD_KINDS[kind]
  const isTaken = (record: RecordKinds[K]): boolean => {
    const name = nameOf(record)
    return name !== null && [...records.values()].some((other) => other.id !== record.id && nameOf(other) === name)
  }
  return {
    get: async (id) => records.get(id) ?? null,
    byName: async (name) => [...records.values()].find((record) => nameOf(record) === name) ?? null,
    list: async ({ after, limit }) => {
      const rest = [...records.values()]
        .filter(({ id }) => after === undefined || compareNames(id, after) > 0)
        .toSorted((a, b) => compareNames(a.id, b.id))
      const page = rest.slice(0, limit)
      const last = page.at(-1)
      return rest.length > limit && last ? { records: page, next: last.id } : { records: page }
    },
    create: async (record) => {
      if (records.has(record.id) || isTaken(record)) return false
      records.set(record.id, record)
      return true
    },
    update: async (record) => {
      if (!records.has(record.id) || isTaken(record)) return false
      records.set(record.id, record)
      return true
    },
    delete: async (id) => records.delete(id),
  }
}
