import { RECORD_KINDS, type RecordKind, type RecordKinds } from '#store/kinds'
import { storageTaken } from '#store/storage'
import type { EntityStore } from '#store/store'
import { foldersOverlap } from '#versions/folders'
import { compareNames } from '#versions/page'
import type { TenantState } from './state.ts'

/** `others` are all other tenants: they have what is not to be shared with them. */
export function entityStore<K extends RecordKind>(
  state: TenantState,
  kind: K,
  others: () => Iterable<TenantState>,
): EntityStore<RecordKinds[K]> {
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
      refuseTakenStorage(kind, RECORD_KINDS[kind].folder(record), others())
      if (records.has(record.id) || isTaken(record)) return false
      records.set(record.id, record)
      return true
    },
    update: async (record) => {
      refuseTakenStorage(kind, RECORD_KINDS[kind].folder(record), others())
      if (!records.has(record.id) || isTaken(record)) return false
      records.set(record.id, record)
      return true
    },
    delete: async (id) => records.delete(id),
  }
}

/** @throws CatalogError `already-exists` if a record of another tenant has the folder, or a part of it */
export function refuseTakenStorage(kind: RecordKind, folder: string | null, others: Iterable<TenantState>): void {
  if (folder === null) return
  for (const { records } of others)
    if (foldersOf(records[kind], kind).some((taken) => foldersOverlap(taken, folder))) throw storageTaken(folder)
}

function foldersOf<K extends RecordKind>(records: ReadonlyMap<string, RecordKinds[K]>, kind: K): string[] {
  return [...records.values()].flatMap((record) => RECORD_KINDS[kind].folder(record) ?? [])
}
