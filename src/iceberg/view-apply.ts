import { badRequest } from '#domain/errors'
import { addItem, choiceOf, choose, chosenItem, type Choice } from './choice.ts'
import { removeProperties, setLocation, setProperties } from './own-fields.ts'
import { schemaKey, type Schema } from './schema.ts'
import { checkNoDialectLost, trimHistory } from './view-history.ts'
import { currentVersion, VIEW_FORMAT_VERSION, type VersionLogEntry, type ViewMetadata } from './view-metadata.ts'
import type { ViewUpdate } from './view-updates.ts'
import { versionKey, type ViewVersion } from './view-version.ts'

/** A view's metadata while the updates of one commit are applied: the only thing here that changes in place. */
interface ViewDraft {
  readonly base: ViewMetadata
  readonly nowMs: number
  changed: boolean
  location: string
  readonly properties: Map<string, string>
  readonly schemas: Choice<Schema>
  /** The chosen one is the current one. */
  readonly versions: Choice<ViewVersion>
}

/**
 * The view after the updates, or null if they change nothing.
 * @param nowMs the commit's time, for a version that becomes current again
 * @throws CatalogError `bad-request` if the view can't have an update, or would lose a dialect
 */
export function applyViewUpdates(
  base: ViewMetadata,
  updates: readonly ViewUpdate[],
  nowMs: number,
): ViewMetadata | null {
  const draft = draftOf(base, nowMs)
  for (const update of updates) if (change(draft, update)) draft.changed = true
  return draft.changed ? finish(draft) : null
}

function draftOf(base: ViewMetadata, nowMs: number): ViewDraft {
  return {
    base,
    nowMs,
    changed: false,
    location: base.location,
    properties: new Map(Object.entries(base.properties ?? {})),
    schemas: choiceOf('schema', schemaKey, new Map(base.schemas.map((item) => [item['schema-id'], item])), null),
    versions: choiceOf(
      'view version',
      versionKey,
      new Map(base.versions.map((item) => [item['version-id'], item])),
      base['current-version-id'],
    ),
  }
}

/** Whether the update had an effect. */
function change(draft: ViewDraft, update: ViewUpdate): boolean {
  switch (update.action) {
    case 'assign-uuid':
      return assignUuid(draft, update.uuid)
    case 'upgrade-format-version':
      return upgrade(update.formatVersion)
    case 'add-schema':
      return addSchema(draft, update.schema)
    case 'set-location':
      return setLocation(draft, update.location)
    case 'set-properties':
      return setProperties(draft.properties, update.updates)
    case 'remove-properties':
      return removeProperties(draft.properties, update.removals)
    case 'add-view-version':
      return addVersion(draft, update.version)
    default:
      return choose(draft.versions, update.id)
  }
}

function assignUuid({ base }: ViewDraft, uuid: string): boolean {
  if (base['view-uuid'].toLowerCase() === uuid.toLowerCase()) return false
  throw badRequest(`Cannot reassign uuid: the view has ${base['view-uuid']}, found ${uuid}`)
}

function upgrade(version: number): boolean {
  if (version === VIEW_FORMAT_VERSION) return false
  if (version < VIEW_FORMAT_VERSION) throw badRequest(`Cannot downgrade v${VIEW_FORMAT_VERSION} view to v${version}`)
  throw badRequest(
    `Cannot upgrade view to unsupported format version: v${version} (supported: v${VIEW_FORMAT_VERSION})`,
  )
}

function addSchema({ schemas }: ViewDraft, schema: Schema): boolean {
  return addOrFind(
    schemas,
    schemaKey(schema),
    (next) => next,
    (id) => ({ ...schema, 'schema-id': id }),
  )
}

/** A client's id counts where it is higher than the next one. */
function addVersion({ schemas, versions }: ViewDraft, given: ViewVersion): boolean {
  const version = { ...given, 'schema-id': schemaIdOf(schemas, given['schema-id']) }
  return addOrFind(
    versions,
    versionKey(version),
    (next) => Math.max(next, version['version-id']),
    (id) => ({ ...version, 'version-id': id }),
  )
}

/**
 * Adds an item unless the same one is there. Either way it is what -1 stands for from then on: of two clients that make
 * the same replacement at the same time, the second one finds its schema and its version there.
 */
function addOrFind<T>(
  choice: Choice<T>,
  key: string,
  idFor: (next: number) => number,
  make: (id: number) => T,
): boolean {
  const added = addItem(choice, key, idFor, make)
  choice.lastAdded = choice.idsByKey?.get(key) ?? null
  return added
}

function schemaIdOf(schemas: Choice<Schema>, id: number): number {
  const wanted = id === -1 ? schemas.lastAdded : id
  if (wanted === null) throw badRequest('Cannot set last added schema: no schema has been added')
  if (!schemas.items.has(wanted)) throw badRequest(`Cannot add version with unknown schema: ${wanted}`)
  return wanted
}

function finish(draft: ViewDraft): ViewMetadata {
  const { base, properties, versions } = draft
  const current = chosenItem(versions)
  const currentId = current['version-id']
  const { properties: _, ...fieldsOfBase } = base
  const history = { versions: [...versions.items.values()], 'version-log': versionLog(draft, current) }
  checkNoDialectLost(currentVersion(base), current, properties)
  return {
    ...(properties.size > 0 ? base : fieldsOfBase),
    location: draft.location,
    ...(properties.size > 0 ? { properties: Object.fromEntries(properties) } : {}),
    schemas: [...draft.schemas.items.values()],
    'current-version-id': currentId,
    ...trimHistory(history, currentId, properties, new Set([...versions.added, currentId]).size),
  } as ViewMetadata
}

/** A version that was added now became current when it was made; one from before, just now. */
function versionLog({ base, versions, nowMs }: ViewDraft, current: ViewVersion): readonly VersionLogEntry[] {
  const id = current['version-id']
  if (id === base['current-version-id']) return base['version-log']
  const timestampMs = versions.added.has(id) ? current['timestamp-ms'] : nowMs
  return [...base['version-log'], { 'timestamp-ms': timestampMs, 'version-id': id }]
}
