import {
  asInt,
  asList,
  asLong,
  asObject,
  asString,
  asStringMap,
  asText,
  optional,
  required,
  unexpected,
  type Long,
} from './fields.ts'
import type { Json } from './json.ts'

/** A statistics file of a snapshot; its other fields are kept as they are. */
export type StatisticsFile = {
  readonly 'snapshot-id': Long
  readonly 'statistics-path': string
}

/** A key that encrypts other keys (format v3). */
export type EncryptionKey = {
  readonly 'key-id': string
  readonly 'encrypted-key-metadata': string
}

/** @throws CatalogError `bad-request` */
export function readStatistics(value: Json, name: string, owner: string): StatisticsFile {
  const statistics = readPartitionStatistics(value, name, owner)
  required(statistics, 'file-footer-size-in-bytes', asLong, name)
  optional(statistics, 'key-metadata', asString, name)
  for (const item of required(statistics, 'blob-metadata', asList, name)) {
    const blob = asObject(item, 'blob-metadata', name)
    required(blob, 'type', asText, 'blob-metadata')
    required(blob, 'snapshot-id', asLong, 'blob-metadata')
    required(blob, 'sequence-number', asLong, 'blob-metadata')
    for (const id of required(blob, 'fields', asList, 'blob-metadata')) asInt(id, 'fields', 'blob-metadata')
    optional(blob, 'properties', asStringMap, 'blob-metadata')
  }
  return statistics as StatisticsFile
}

/** @throws CatalogError `bad-request` */
export function readPartitionStatistics(value: Json, name: string, owner: string): StatisticsFile {
  const statistics = asObject(value, name, owner)
  required(statistics, 'snapshot-id', asLong, name)
  required(statistics, 'statistics-path', asText, name)
  required(statistics, 'file-size-in-bytes', asLong, name)
  return statistics as StatisticsFile
}

/** @throws CatalogError `bad-request` */
export function readEncryptionKey(value: Json, name: string, owner: string): EncryptionKey {
  const key = asObject(value, name, owner)
  required(key, 'key-id', asText, name)
  required(key, 'encrypted-key-metadata', asBase64, name)
  optional(key, 'encrypted-by-id', asString, name)
  optional(key, 'properties', asStringMap, name)
  return key as EncryptionKey
}

function asBase64(value: Json, name: string, owner: string): string {
  const text = asString(value, name, owner)
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw unexpected(owner, name, 'base64', value)
  return text
}
