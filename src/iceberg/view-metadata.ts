import { badRequest } from '#domain/errors'
import { asInt, asList, asObject, asStringMap, asText, asTimeMs, asUuid, optional, required, shown } from './fields.ts'
import { parseJson, writeJson, type Json, type JsonObject } from './json.ts'
import { indexSchema } from './schema-index.ts'
import { readSchema, type Schema } from './schema.ts'
import { readStoredVersion, type ViewVersion } from './view-version.ts'

/** The only format of views there is. */
export const VIEW_FORMAT_VERSION = 1

/**
 * View metadata (view specification, version 1) as JSON has it, checked. Fields that are not listed are there too and
 * survive a rewrite. Never changed in place.
 */
export type ViewMetadata = {
  readonly 'view-uuid': string
  readonly 'format-version': typeof VIEW_FORMAT_VERSION
  readonly location: string
  /** Absent where there are none. */
  readonly properties?: Readonly<Record<string, string>>
  readonly schemas: readonly Schema[]
  readonly 'current-version-id': number
  readonly versions: readonly ViewVersion[]
  readonly 'version-log': readonly VersionLogEntry[]
}

/** When a version became the current one. */
export type VersionLogEntry = {
  readonly 'timestamp-ms': number
  readonly 'version-id': number
}

const OWNER = 'view metadata'

/**
 * Parses a view's metadata file and checks it, so that everything else can rely on it: ids are unique, the current version
 * exists, and so does its schema.
 * @throws CatalogError `bad-request` saying what is wrong with it
 */
export function readViewMetadata(text: string): ViewMetadata {
  const file = asObject(parseJson(text), 'metadata', OWNER)
  required(file, 'view-uuid', asUuid, OWNER)
  checkFormatVersion(file['format-version'] ?? null)
  required(file, 'location', asText, OWNER)
  optional(file, 'properties', asStringMap, OWNER)
  const schemas = required(file, 'schemas', asList, OWNER).map((schema) => readSchema(schema, 'schema', OWNER))
  for (const schema of schemas) indexSchema(schema)
  const versions = required(file, 'versions', asList, OWNER).map((item) => readStoredVersion(item, 'version', OWNER))
  for (const item of required(file, 'version-log', asList, OWNER)) readLogEntry(item)
  const schemaIds = unique(
    schemas.map((schema) => schema['schema-id']),
    'schemas',
  )
  const versionIds = unique(
    versions.map((version) => version['version-id']),
    'versions',
  )
  const currentId = required(file, 'current-version-id', asInt, OWNER)
  if (!versionIds.has(currentId))
    throw badRequest(`Invalid ${OWNER}: 'current-version-id' is ${currentId}, which is not in 'versions'`)
  for (const version of versions)
    if (version['version-id'] === currentId && !schemaIds.has(version['schema-id']))
      throw badRequest(`Invalid ${OWNER}: the current version has schema ${version['schema-id']}, which is not there`)
  const metadata: JsonObject = { ...file, schemas }
  return metadata as ViewMetadata
}

/** The text of a metadata file: what was read, byte for byte, where nothing changed. */
export function writeViewMetadata(metadata: ViewMetadata): string {
  return writeJson(metadata)
}

/** The view's current version. */
export function currentVersion(metadata: ViewMetadata): ViewVersion {
  const version = metadata.versions.find((each) => each['version-id'] === metadata['current-version-id'])
  if (!version) throw badRequest(`Invalid ${OWNER}: 'current-version-id' names nothing that is there`)
  return version
}

function checkFormatVersion(version: Json): void {
  if (version !== VIEW_FORMAT_VERSION)
    throw badRequest(`Invalid ${OWNER}: expected 'format-version' ${VIEW_FORMAT_VERSION}, found ${shown(version)}`)
}

function readLogEntry(value: Json): void {
  const entry = asObject(value, 'version-log', OWNER)
  required(entry, 'timestamp-ms', asTimeMs, 'version-log')
  required(entry, 'version-id', asInt, 'version-log')
}

function unique(ids: readonly number[], list: string): ReadonlySet<number> {
  const seen = new Set<number>()
  for (const id of ids) {
    if (seen.has(id)) throw badRequest(`Invalid ${OWNER}: two of '${list}' have the id ${id}`)
    seen.add(id)
  }
  return seen
}
