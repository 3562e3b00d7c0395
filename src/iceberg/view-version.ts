import { badRequest, CatalogError } from '#domain/errors'
import {
  asInt,
  asIntOrLast,
  asList,
  asObject,
  asString,
  asStringMap,
  asText,
  asTimeMs,
  brief,
  listOf,
  optional,
  required,
  withoutNulls,
} from './fields.ts'
import { writeJson, type Json, type JsonObject } from './json.ts'

/** One definition of a view (view specification, "Versions"), as JSON has it. Never changed in place. */
export type ViewVersion = {
  readonly 'version-id': number
  readonly 'schema-id': number
  readonly 'timestamp-ms': number
  readonly summary: Readonly<Record<string, string>>
  readonly representations: readonly ViewRepresentation[]
  readonly 'default-namespace': readonly string[]
  readonly 'default-catalog'?: string
}

/** Only `sql` is specified; a file may hold others, which are kept as they are. */
export type ViewRepresentation = {
  readonly type: string
  readonly sql?: string
  readonly dialect?: string
}

/** A version of a request: in its ids -1 may stand for "the last one added". */
export function readNewVersion(value: Json, name: string, owner: string): ViewVersion {
  const version = withoutNulls(asObject(value, name, owner))
  required(version, 'version-id', asIntOrLast, name)
  required(version, 'schema-id', asIntOrLast, name)
  readContent(version, name)
  const read = version as ViewVersion
  if (read.representations.length === 0)
    throw badRequest('Invalid view version: expected at least one query in its representations, found none')
  const others = new Set(read.representations.filter(({ type }) => !isSql(type)).map(({ type }) => brief(type)))
  if (others.size > 0) throw badRequest(`Found unsupported view representations: [${[...others].join(', ')}]`)
  checkDialects(read)
  return read
}

/** A version of a file. @throws CatalogError `bad-request` */
export function readStoredVersion(value: Json, name: string, owner: string): ViewVersion {
  const version = asObject(value, name, owner)
  required(version, 'version-id', asInt, name)
  required(version, 'schema-id', asInt, name)
  readContent(version, name)
  return version as ViewVersion
}

/** What makes two versions the same: everything but the version's id and time. */
export function versionKey(version: ViewVersion): string {
  const { summary, representations } = version
  return writeJson([
    sorted(summary),
    representations.map((representation) => sorted(representation)),
    version['default-catalog'] ?? null,
    version['default-namespace'],
    version['schema-id'],
  ])
}

/** The SQL dialects of a version, in lower case, in order. */
export function dialectsOf(version: ViewVersion): readonly string[] {
  return version.representations.flatMap(({ type, dialect }) =>
    isSql(type) && dialect !== undefined ? [dialect.toLowerCase()] : [],
  )
}

function readContent(version: JsonObject, owner: string): void {
  required(version, 'timestamp-ms', asTimeMs, owner)
  required(version, 'summary', asStringMap, owner)
  required(version, 'default-namespace', listOf(asString), owner)
  optional(version, 'default-catalog', asString, owner)
  for (const item of required(version, 'representations', asList, owner)) {
    const representation = asObject(item, 'representations', owner)
    if (!isSql(required(representation, 'type', asText, 'representation'))) continue
    required(representation, 'sql', asText, 'representation')
    required(representation, 'dialect', asText, 'representation')
  }
}

/** One query per dialect, whatever its case. Java's clients expect the exception that theirs throw for it. */
function checkDialects(version: ViewVersion): void {
  const seen = new Set<string>()
  for (const dialect of dialectsOf(version)) {
    if (seen.has(dialect))
      throw new CatalogError(
        'illegal-argument',
        `Invalid view version: Cannot add multiple queries for dialect ${brief(dialect)}`,
      )
    seen.add(dialect)
  }
}

/** Java's clients write the type in any case. */
function isSql(type: string): boolean {
  return type.toLowerCase() === 'sql'
}

function sorted(object: JsonObject): Json {
  return Object.entries(object).toSorted(([a], [b]) => (a < b ? -1 : 1))
}
