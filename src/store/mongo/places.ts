import type { RecordKind } from '#store/kinds'
import type { Key } from '#versions/model'
import { joined } from './documents.ts'

/**
 * Where everything of a tenant is: the groups of its documents. What is a key, and what a state, is said at each; a
 * document's id is its group and key (`documents.ts`).
 */
export function placesOf(tenant: string) {
  const at = (group: string) => (location: string) => joined(tenant, group, location)
  return {
    /** By id. State: `on`. */
    records: (kind: RecordKind) => joined(tenant, kind),
    /** By name, the id. State: `on`. */
    recordNames: (kind: RecordKind) => joined(tenant, kind, 'name'),
    /** By id, the records that belong to another. State: `on`. */
    owned: (kind: RecordKind, owner: string) => joined(tenant, kind, 'of', owner),
    /** By id. State: `open` or `closed`. */
    branches: joined(tenant, 'branch'),
    /** By id. State: `on`. */
    tags: joined(tenant, 'tag'),
    /** By id of a branch or tag, when it was made. State: `on`. */
    refTimes: joined(tenant, 'ref-at'),
    /** Branches and tags of a catalog by name: `{ branch: id }` or `{ tag: id }`. State: `on`. */
    refs: (catalogId: string) => joined(tenant, 'ref', catalogId),
    /** Entries of a namespace by name, with their former values. State: the kind. */
    entries: (branchId: string, { class: of, namespace }: Omit<Key, 'name'>) =>
      joined(tenant, 'entry', branchId, of, namespace),
    /** By entry id, every place where the object has ever been: `{ branchId, key }`. State: `on`. */
    objects: (objectId: string) => joined(tenant, 'object', objectId),
    /** By location and object, every folder an object has ever had: `{ location, objectId }`. State: `on`. */
    folders: { all: joined(tenant, 'folder'), at: at('folder-at') },
    /** By time and id. State: `pending` or `done`. */
    purges: joined(tenant, 'purge'),
    /** By id, the key among the purges. State: `on`. */
    purgeKeys: joined(tenant, 'purge-key'),
    /** By location and purge, the folders of purges: `{ location, objectId }`. State: `pending`, then gone. */
    purgeFolders: { all: joined(tenant, 'purge-folder'), at: at('purge-folder-at') },
    /** By object id, every object that was purged, or is about to be. State: `on`. */
    purged: joined(tenant, 'purged'),
    /** By idempotency key, what it stands for. State: `on`. */
    answers: joined(tenant, 'answer'),
    /** The same keys by time and key. State: `on`. */
    answersByTime: joined(tenant, 'answer-at'),
    /** Rows that ever named a metadata file, by commit and entry id: `{ branchId, key, seq, objectId }`. State: `on`. */
    naming: (metadataLocation: string) => joined(tenant, 'naming', metadataLocation),
    /** By location, metadata files that were given up. State: `on`. */
    trimmed: joined(tenant, 'trimmed'),
    /** Rows of a branch whose files were given up, by the position they end at and their place in `naming`: where they begin. State: `on`. */
    trimmedRows: (branchId: string) => joined(tenant, 'trimmed-row', branchId),
    /** The one document `audit`: how many audit records there are. State: `on`. */
    counts: joined(tenant, 'count'),
    /** By warehouse id, its claim to a folder (`storage.ts`). State: `on`. */
    claims: joined(tenant, 'claim'),
  }
}

export type Places = ReturnType<typeof placesOf>

/** Folders by location and what has them, all in one group; and those of one location, by what has them. */
export type FolderPlaces = Places['folders']

export function entryId(places: Places, branchId: string, key: Key): string {
  return joined(places.entries(branchId, key), key.name)
}

/** A token that no two log entries of a tenant have. */
export function commitToken(tenant: string, commitId: string): string {
  return joined(tenant, 'id', commitId)
}
