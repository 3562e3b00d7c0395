import { badRequest } from '#domain/errors'
import { asIntOrLast, asObject, asString, asUuid, required, shown } from './fields.ts'
import type { Json } from './json.ts'
import { readUpdate, type TableUpdate } from './updates.ts'
import { readNewVersion, type ViewVersion } from './view-version.ts'

/** Updates that views have in common with tables. */
export type SharedUpdate = Extract<TableUpdate, { readonly action: SharedAction }>

/** The eight updates of views, read from the wire. -1 is "the last one added". */
export type ViewUpdate =
  | SharedUpdate
  | { readonly action: 'add-view-version'; readonly version: ViewVersion }
  | { readonly action: 'set-current-view-version'; readonly id: number }

/** What must hold for a replacement to apply, as on the wire. */
export interface ViewRequirement {
  readonly type: 'assert-view-uuid'
  readonly uuid: string
}

type SharedAction = (typeof SHARED)[number]

const SHARED = [
  'assign-uuid',
  'upgrade-format-version',
  'add-schema',
  'set-location',
  'set-properties',
  'remove-properties',
] as const

/**
 * One update of a request; what the metadata must know is checked when it is applied.
 * @throws CatalogError `bad-request`, also for an action that views don't have
 */
export function readViewUpdate(value: Json): ViewUpdate {
  const update = asObject(value, 'updates', 'view commit')
  const action = required(update, 'action', asString, 'update').toLowerCase()
  if (SHARED.some((shared) => shared === action)) return readUpdate(value) as SharedUpdate
  if (action === 'add-view-version')
    return { action, version: required(update, 'view-version', readNewVersion, action) }
  if (action === 'set-current-view-version')
    return { action, id: required(update, 'view-version-id', asIntOrLast, action) }
  throw badRequest(`Invalid update: ${shown(action)} is not an update of views`)
}

/** One requirement of a request. @throws CatalogError `bad-request`, also for a type that views don't have */
export function readViewRequirement(value: Json): ViewRequirement {
  const requirement = asObject(value, 'requirements', 'view commit')
  const type = required(requirement, 'type', asString, 'requirement')
  if (type !== 'assert-view-uuid') throw badRequest(`Invalid requirement: ${shown(type)} is not a requirement of views`)
  return { type, uuid: required(requirement, 'uuid', asUuid, type) }
}
