import { asObject, asString, asStringMap, optional, required, withoutNulls } from './fields.ts'
import type { Json } from './json.ts'
import { indexSchema } from './schema-index.ts'
import { readSchema, type Schema } from './schema.ts'
import { asLocation } from './updates.ts'
import { historySize } from './view-history.ts'
import { VIEW_FORMAT_VERSION, type ViewMetadata } from './view-metadata.ts'
import { readNewVersion, type ViewVersion } from './view-version.ts'

/** The body of a create, checked in itself. */
export interface CreateViewRequest {
  readonly name: string
  readonly location?: string
  readonly schema: Schema
  readonly version: ViewVersion
  readonly properties: Readonly<Record<string, string>>
}

/** What a new view is made of. `location` is stored as it is given. */
export interface NewView extends Pick<CreateViewRequest, 'schema' | 'version' | 'properties'> {
  readonly location: string
  readonly uuid: string
  readonly nowMs: number
}

/** The one schema and the one version that a view begins with, as Java's catalogs number them. */
const FIRST_SCHEMA_ID = 0
const FIRST_VERSION_ID = 1

const OWNER = 'create view request'

/** Reads the body of a create. Whether `name` is a good name is for the caller to say. @throws CatalogError `bad-request` */
export function parseCreateViewRequest(json: Json): CreateViewRequest {
  const body = asObject(json, 'body', OWNER)
  const location = optional(body, 'location', asLocation, OWNER)
  const properties = optional(body, 'properties', asStringMap, OWNER) ?? {}
  const schema = required(body, 'schema', readSchema, OWNER)
  indexSchema(schema)
  historySize(new Map(Object.entries(properties)))
  return {
    name: required(body, 'name', asString, OWNER),
    ...(location === undefined ? {} : { location }),
    schema: withoutNulls(schema),
    version: required(body, 'view-version', readNewVersion, OWNER),
    properties,
  }
}

/** The first metadata of a view. Columns keep their ids: nothing but the view's own schema refers to them. */
export function newViewMetadata(view: NewView): ViewMetadata {
  const first = { 'version-id': FIRST_VERSION_ID, 'timestamp-ms': view.nowMs }
  return {
    'view-uuid': view.uuid,
    'format-version': VIEW_FORMAT_VERSION,
    location: view.location,
    ...(Object.keys(view.properties).length > 0 ? { properties: view.properties } : {}),
    schemas: [{ ...view.schema, 'schema-id': FIRST_SCHEMA_ID }],
    'current-version-id': FIRST_VERSION_ID,
    versions: [{ ...view.version, ...first, 'schema-id': FIRST_SCHEMA_ID }],
    'version-log': [{ 'timestamp-ms': view.nowMs, 'version-id': FIRST_VERSION_ID }],
  }
}
