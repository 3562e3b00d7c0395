import type { TableMetadata } from './metadata.ts'

/** A field that holds a location. `folder`: files are written below it; `file`: one object. */
export interface UriField {
  readonly field: string
  readonly uri: string
  readonly shape: 'folder' | 'file'
}

/** What says where the files of a table, or of a view, are. */
export type Located = Pick<TableMetadata, 'location' | 'properties'>

/** Table properties that say where writers put files. */
const PATH_PROPERTIES: readonly string[] = [
  'write.metadata.path',
  'write.data.path',
  'write.object-storage.path',
  'write.folder-storage.path',
]

/**
 * Every location in the metadata. Properties count in any case: some engines fold it, and a check that only knows one
 * spelling is no check.
 */
export function uriFields(metadata: TableMetadata): readonly UriField[] {
  return [
    { field: 'location', uri: metadata.location, shape: 'folder' },
    ...pathProperties(metadata),
    ...metadata.snapshots.flatMap((snapshot): UriField[] => [
      ...(snapshot['manifest-list'] === undefined ? [] : [file('manifest-list', snapshot['manifest-list'])]),
      ...(snapshot.manifests ?? []).map((uri) => file('manifests', uri)),
    ]),
    ...metadata.statistics.map((statistics) => file('statistics-path', statistics['statistics-path'])),
    ...metadata['partition-statistics'].map((statistics) => file('statistics-path', statistics['statistics-path'])),
    ...metadata['metadata-log'].map((entry) => file('metadata-file', entry['metadata-file'])),
  ]
}

/** The folders a table's files live in: its location first, then those that properties move elsewhere. */
export function tableFolders(metadata: Located): readonly string[] {
  return [...new Set([metadata.location, ...pathProperties(metadata).map(({ uri }) => uri)])]
}

/** Whether updates say where files go, even if that is where they go already. */
export function chooseFolders(
  updates: readonly {
    readonly action: string
    readonly updates?: Readonly<Record<string, string>>
    readonly removals?: readonly string[]
  }[],
): boolean {
  return updates.some(
    ({ action, updates: set = {}, removals = [] }) =>
      action === 'set-location' ||
      [...Object.keys(set), ...removals].some((name) => PATH_PROPERTIES.includes(name.toLowerCase())),
  )
}

function pathProperties(metadata: Located): UriField[] {
  return Object.entries(metadata.properties)
    .filter(([name]) => PATH_PROPERTIES.includes(name.toLowerCase()))
    .map(([field, uri]) => ({ field, uri, shape: 'folder' }))
}

function file(field: string, uri: string): UriField {
  return { field, uri, shape: 'file' }
}
