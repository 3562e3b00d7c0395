import { RECORD_KINDS, type RecordKind, type RecordKinds } from '#store/kinds'
import { recordsPage } from '#store/pages'
import { storageFolder, storageTaken } from '#store/storage'
import type { EntityStore } from '#store/store'
import { foldersOverlap } from '#versions/folders'
import { compareNames } from '#versions/page'
import type { TenantState } from './state.ts'

/** `others` are all other tenants: they have what is not to be shared with them. */
export function entityStore<K extends RecordKind>(
  state: TenantState,
  kind: K,
  others: () => readonly TenantState[],
): EntityStore<RecordKinds[K]> {
  const records: Map<string, RecordKinds[K]> = state.records[kind]
  const { name: nameOf } = RECORD_KINDS[kind]
  const isTaken = (record: RecordKinds[K]): boolean => {
    const name = nameOf(record)
    return name !== null && [...records.values()].some((other) => other.id !== record.id && nameOf(other) === name)
  }
  const write = (record: RecordKinds[K], isThere: boolean): boolean => {
    const folder = RECORD_KINDS[kind].folder(record)
    if (folder !== null) refuseTakenStorage(folder, others())
    if (records.has(record.id) !== isThere || isTaken(record)) return false
    records.set(record.id, record)
    return true
  }
  return {
    get: async (id) => records.get(id) ?? null,
    byName: async (name) => [...records.values()].find((record) => nameOf(record) === name) ?? null,
    list: async ({ after, limit }) => {
      const sorted = [...records.values()].toSorted((a, b) => compareNames(a.id, b.id))
      const rest = sorted.filter(({ id }) => after === undefined || compareNames(id, after) > 0)
      return recordsPage(rest, limit)
    },
    create: async (record) => write(record, false),
    update: async (record) => write(record, true),
    delete: async (id) => records.delete(id),
  }
}

/** @throws CatalogError `already-exists` if a warehouse of another tenant has the folder, or a part of it */
export function refuseTakenStorage(folder: string, others: readonly TenantState[]): void {
  const taken = others.flatMap(({ records }) => [...records.warehouse.values()])
  if (taken.some(({ storage }) => foldersOverlap(storageFolder(storage), folder))) throw storageTaken(folder)
}
