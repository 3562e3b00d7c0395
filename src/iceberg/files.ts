import type { TableMetadata } from './metadata.ts'

/**
 * The name of the next metadata file: `00001-<uuid>.metadata.json`. It counts on from the previous file's leading number;
 * a new table, and a file that has none (`v3.metadata.json`), start at 00000.
 */
export function metadataFileName(previousLocation: string | null, uuid: string, gzip: boolean): string {
  const previous = /(?:^|\/)(\d{1,9})-[^/]*$/.exec(previousLocation ?? '')?.[1]
  const version = previous === undefined ? 0 : Number(previous) + 1
  return `${String(version).padStart(5, '0')}-${uuid}${gzip ? '.gz' : ''}.metadata.json`
}

/** The folder of a table's metadata files, without a trailing slash: `write.metadata.path`, or else below its location. */
export function metadataFolder(metadata: Pick<TableMetadata, 'location' | 'properties'>): string {
  const path = metadata.properties['write.metadata.path']
  return path === undefined ? `${withoutSlash(metadata.location)}/metadata` : withoutSlash(path)
}

/** Whether a metadata file is gzipped, by its name: `.gz.metadata.json`, or `.metadata.json.gz` of older writers. */
export function isGzipName(location: string): boolean {
  return location.endsWith('.gz.metadata.json') || location.endsWith('.metadata.json.gz')
}

/** A location as it is stored: without trailing slashes, but never less than its scheme. */
export function withoutSlash(location: string): string {
  let end = location.length
  while (location.charAt(end - 1) === '/' && !location.startsWith('://', end - 3)) end--
  return location.slice(0, end)
}
